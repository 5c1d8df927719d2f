"""Of many who are warned at once, each gets the answer it would have got alone."""

from dataclasses import replace

from spot_optimizer.application.interruptions.ensure_emergency_replica import (
    EmergencyAnswer,
    EmergencyRequest,
    EnsureEmergencyReplica,
    ReceivedEmergency,
)
from spot_optimizer.application.interruptions.fail_over import FailOver
from spot_optimizer.application.interruptions.failover import FailedOver
from spot_optimizer.application.interruptions.termination_notices import (
    AlreadyMoved,
    NobodyReady,
    ReceivedNotice,
    TerminationNotice,
)
from spot_optimizer.domain.agents.agent import Agent, AgentSettings
from spot_optimizer.domain.commands.command import CommandStatus
from spot_optimizer.domain.errors import AgentNotFound, Forbidden
from spot_optimizer.domain.identifiers import AgentId, CommandId, InstanceId, ReplicaId
from spot_optimizer.domain.interruptions import SignalType
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica
from tests.builders import (
    FROM_ACME,
    FROM_GLOBEX,
    HOUR,
    NOON,
    POOL_B,
    TODAY,
    ZONE_A,
    ZONE_B,
    a_client,
    a_pending_command,
    a_replica,
    an_instance,
    globex,
    many_agents,
)
from tests.fakes import CountingIdentifiers, FixedClock, SteadyStopwatch
from tests.stores import Store

NOBODY = AgentId("nobody")


def standby_of(agent: Agent, status: ReplicaStatus = ReplicaStatus.READY) -> Replica:
    return a_replica(
        id=ReplicaId(f"replica-of-{agent.id}"),
        agent_id=agent.id,
        instance_id=InstanceId(f"i-standby-of-{agent.id}"),
        status=status,
    )


def put(store: Store, agents: list[Agent], *replicas: Replica) -> None:
    store.put(a_client(), globex(), *agents)
    store.put(*(an_instance(id=it.primary_instance_id, agent_id=it.id) for it in agents))
    store.put(*replicas)


def a_notice(agent: Agent, instance: str | None = None) -> ReceivedNotice:
    named = InstanceId(instance) if instance else agent.primary_instance_id
    return ReceivedNotice(agent.id, TerminationNotice(instance_id=named), FROM_ACME)


def test_notices(store: Store) -> None:
    ready, alone, syncing, moved, foreign = many_agents(5)
    replicas = [
        standby_of(ready),
        standby_of(syncing, ReplicaStatus.SYNCING),
        standby_of(foreign),
    ]
    put(store, [ready, alone, syncing, moved, foreign], *replicas)
    store.put(an_instance(id=InstanceId("i-former"), agent_id=moved.id))
    store.put(a_pending_command(agent_id=alone.id, instance_id=alone.primary_instance_id))
    fail_over = FailOver(store.work, FixedClock(), SteadyStopwatch(), TODAY)
    asked = [
        a_notice(alone),
        a_notice(syncing),
        replace(a_notice(foreign), caller=FROM_GLOBEX),
        a_notice(ready),
        a_notice(moved, "i-former"),
        replace(a_notice(alone), agent_id=NOBODY),
        a_notice(ready),
    ]

    answers = fail_over(asked)

    assert isinstance(answers[0], NobodyReady)
    assert isinstance(answers[1], FailedOver)
    assert answers[1].replica_id == "replica-of-agent-3"
    assert isinstance(answers[2], AgentNotFound)
    assert isinstance(answers[3], FailedOver)
    assert answers[3].new_instance_id == "i-standby-of-agent-1"
    assert answers[4] == AlreadyMoved(moved.primary_instance_id)
    assert isinstance(answers[5], AgentNotFound)
    assert answers[6] == answers[3]
    with store.work() as work:
        agents = work.agents.of([one.id for one in (ready, alone, syncing, moved, foreign)])
        primaries = [agents[key].primary_instance_id for key in sorted(agents)]
        orders = work.commands.open_of([alone.id])
        closed = work.instances.of([InstanceId("i-former"), InstanceId("i-1"), InstanceId("i-2")])
        changes = [
            len(work.interruptions.list_of(one.id, NOON))
            for one in (ready, alone, syncing, moved, foreign)
        ]
    assert primaries == ["i-standby-of-agent-1", "i-2", "i-standby-of-agent-3", "i-4", "i-5"]
    assert not orders.get(alone.id)
    assert {key: one.is_active for key, one in closed.items()} == {
        "i-former": False,
        "i-1": False,
        "i-2": True,
    }
    assert changes == [1, 1, 1, 1, 0]


def test_no_order_outlives_the_instance_that_it_was_for(store: Store) -> None:
    """Nor one of which nobody has said for which instance it is."""
    agents = many_agents(2)
    put(store, agents, *(standby_of(agent) for agent in agents))
    store.put(
        *(
            a_pending_command(
                id=CommandId(f"order-{number}-of-{agent.id}"),
                agent_id=agent.id,
                instance_id=named,
                target_pool_id=f"{POOL_B}{number}",
            )
            for agent in agents
            for number, named in enumerate((agent.primary_instance_id, None))
        )
    )
    fail_over = FailOver(store.work, FixedClock(), SteadyStopwatch(), TODAY)

    answers = fail_over([a_notice(agent) for agent in agents])

    assert [type(answer) for answer in answers] == [FailedOver] * 2
    assert {one.status for one in store.commands_of([agent.id for agent in agents])} == {
        CommandStatus.CANCELLED
    }


def test_emergency_replicas(store: Store) -> None:
    new, standing, off, foreign = many_agents(4)
    off = replace(off, settings=AgentSettings(auto_switch_enabled=False))
    put(store, [new, standing, off, foreign], standby_of(standing))
    store.put_pools(ZONE_A, ZONE_B)
    ensure = EnsureEmergencyReplica(store.work, FixedClock(), CountingIdentifiers(), HOUR, TODAY)
    wanted = EmergencyRequest(signal_type=SignalType.TERMINATION_NOTICE)
    asked = [
        ReceivedEmergency(off.id, wanted, FROM_ACME),
        ReceivedEmergency(new.id, wanted, FROM_ACME),
        ReceivedEmergency(foreign.id, wanted, FROM_GLOBEX),
        ReceivedEmergency(standing.id, wanted, FROM_ACME),
        ReceivedEmergency(NOBODY, wanted, FROM_ACME),
        ReceivedEmergency(new.id, wanted, FROM_ACME),
    ]

    answers = ensure(asked)

    assert isinstance(answers[0], Forbidden)
    assert isinstance(answers[1], EmergencyAnswer)
    assert (answers[1].replica.agent_id, answers[1].pool.id) == (new.id, POOL_B)
    assert isinstance(answers[2], AgentNotFound)
    assert isinstance(answers[3], EmergencyAnswer)
    assert answers[3].replica.id == "replica-of-agent-2"
    assert isinstance(answers[4], AgentNotFound)
    assert answers[5] == answers[1]
    with store.work() as work:
        agents = work.agents.of([one.id for one in (new, standing, off, foreign)])
        kept = work.replicas.of(agents.keys())
        noted = work.interruptions.of(agents.keys(), NOON)
    assert {key: len(found) for key, found in kept.items()} == {new.id: 1, standing.id: 1}
    assert [agents[key].settings.replica_count for key in sorted(agents)] == [1, 0, 0, 0]
    assert agents[new.id].current_replica_id == answers[1].replica.id
    assert agents[new.id].emergency_replica_count == 1
    assert {key: len(found) for key, found in noted.items()} == {new.id: 1, standing.id: 1}
