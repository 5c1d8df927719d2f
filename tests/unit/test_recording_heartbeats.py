"""Agents say that they live, and where (contract/agents-and-replicas.md A2)."""

from dataclasses import replace
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spot_optimizer.application.agents.mark_silent_agents import MarkSilentAgents
from spot_optimizer.application.agents.record_heartbeats import (
    ReceivedHeartbeat,
    RecordHeartbeats,
)
from spot_optimizer.domain.agents.agent import Agent, AgentSettings, AgentStatus, Placement
from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.errors import AgentNotFound, DomainError
from spot_optimizer.domain.identifiers import AgentId, PoolId
from spot_optimizer.domain.values import Mode
from tests.builders import (
    ACME,
    AGENT,
    DAY,
    FIRST,
    FROM_ACME,
    FROM_GLOBEX,
    GLOBEX,
    MINUTE,
    NOON,
    OPERATOR,
    POOL_A,
    POOL_B,
    SECOND,
    THIRD,
    TODAY,
    TYPE,
    ZONE_A,
    ZONE_B,
    a_client,
    a_delivered_command,
    a_heartbeat,
    a_pending_command,
    a_placement,
    a_standby,
    an_agent,
    an_instance,
    globex,
    many_agents,
)
from tests.fakes import FixedClock, InMemoryUnitOfWork
from tests.fakes.replicas import replica_of

NAMELESS = Heartbeat()
FAREWELL = Heartbeat(status="offline")
HEARD = an_agent(last_heartbeat_at=NOON)
FORMER = an_instance(id=SECOND)


def hear(
    work: InMemoryUnitOfWork,
    *heartbeats: Heartbeat,
    agent_id: AgentId = AGENT,
    caller: Caller = FROM_ACME,
) -> list[DomainError | None]:
    """What each is answered; they arrive together."""
    received = [ReceivedHeartbeat(agent_id, one, caller) for one in heartbeats]
    return list(RecordHeartbeats(work, FixedClock(), TODAY)(received))


def known(**agent: object) -> InMemoryUnitOfWork:
    """Acme's agent on `i-1`, which has been on `i-2` before."""
    return InMemoryUnitOfWork(
        clients=[a_client(), globex()],
        agents=[an_agent(**agent)],
        instances=[an_instance(installed_at=NOON - DAY), FORMER],
    )


class TestPrimary:
    @pytest.mark.parametrize("heartbeat", [a_heartbeat(), NAMELESS])
    def test_a_sign_of_life_is_noted(self, heartbeat: Heartbeat) -> None:
        work = known()

        assert hear(work, heartbeat) == [None]

        assert work.agents.kept[AGENT] == HEARD
        assert work.clients.kept[ACME].last_sync_at == NOON
        assert work.clients.kept[GLOBEX].last_sync_at is None

    def test_a_sign_of_life_leaves_no_trace(self) -> None:
        work = known()

        hear(work, a_heartbeat())

        assert work.events.entries == []
        assert work.notifications.entries == []
        assert work.audit.entries == []

    def test_what_it_says_replaces_what_was_known(self) -> None:
        work = known()

        hear(work, a_heartbeat(instance_type="m5.large", zone=ZONE_B))

        assert work.agents.kept[AGENT].placement == a_placement(
            instance_type="m5.large", zone=ZONE_B
        )

    def test_an_unknown_mode_forgets_nothing(self) -> None:
        work = known()

        hear(work, a_heartbeat(mode=Mode.UNKNOWN))

        assert work.agents.kept[AGENT] == HEARD

    def test_going_to_on_demand_leaves_the_pool(self) -> None:
        work = known()

        hear(work, a_heartbeat(mode=Mode.ON_DEMAND))

        assert work.agents.kept[AGENT].placement == a_placement(mode=Mode.ON_DEMAND)
        assert work.audit.entries[0].changes == {
            "mode": (Mode.SPOT, Mode.ON_DEMAND),
            "pool_id": (POOL_A, None),
        }

    def test_a_change_is_audited_once(self) -> None:
        work = known()

        for _ in range(3):
            hear(work, a_heartbeat(zone=ZONE_B))

        assert work.audit.actions == ["agent_changed"]
        assert work.audit.callers == [FROM_ACME]

    def test_the_instances_of_the_agent_are_not_touched(self) -> None:
        work = known()

        hear(work, a_heartbeat(instance_id=THIRD, mode=Mode.ON_DEMAND))

        assert work.instances.kept == {
            FIRST: an_instance(installed_at=NOON - DAY),
            SECOND: FORMER,
        }


class TestStatus:
    @pytest.mark.parametrize(
        ("before", "told", "message"),
        [
            ("online", "offline", "Agent agent-1 went offline"),
            ("switching", "offline", "Agent agent-1 went offline"),
            ("offline", "online", "Agent agent-1 is back online"),
            ("offline", "switching", None),
            ("online", "error", None),
            ("error", "online", None),
            ("online", "online", None),
            ("offline", "offline", None),
            ("online", "deleted", "Agent agent-1 went offline"),
        ],
    )
    def test_the_client_is_told_who_went_and_who_came_back(
        self, before: str, told: str, message: str | None
    ) -> None:
        work = known(status=AgentStatus(before))

        hear(work, a_heartbeat(status=told))

        assert work.notifications.messages == ([] if message is None else [message])
        assert bool(work.audit.entries) is (before != told)
        stored = "offline" if told == "deleted" else told
        assert work.agents.kept[AGENT].status == stored

    @pytest.mark.parametrize("told", list(AgentStatus))
    def test_deleted_stays_deleted(self, told: AgentStatus) -> None:
        work = known(status=AgentStatus.DELETED)

        assert hear(work, a_heartbeat(status=told, zone=ZONE_B, instance_id=THIRD)) == [None]

        assert work.agents.kept[AGENT] == replace(HEARD, status=AgentStatus.DELETED)
        assert work.notifications.entries == []
        assert work.audit.entries == []


class TestOtherInstances:
    moving: ClassVar = {"zone": ZONE_B, "mode": Mode.ON_DEMAND, "status": "offline"}

    def test_a_former_instance_moves_nothing(self) -> None:
        work = known()

        before = work.agents.kept[AGENT]

        assert hear(work, a_heartbeat(instance_id=SECOND, **self.moving)) == [None]

        assert work.agents.kept[AGENT] == before  # contract D-2
        assert work.instances.seen_at == {SECOND: NOON}
        assert work.notifications.entries == []
        assert work.audit.entries == []

    def test_a_standby_moves_nothing(self) -> None:
        work = known()
        standby = replica_of(a_standby(instance_id=THIRD))
        work.replicas.kept = {standby.id: standby}

        before = work.agents.kept[AGENT]

        hear(work, a_heartbeat(instance_id=THIRD, **self.moving))

        assert work.agents.kept[AGENT] == before

    def test_an_agent_that_names_its_instance_only_in_a_list_is_known_too(self) -> None:
        work = known()

        before = work.agents.kept[AGENT]

        hear(work, a_heartbeat(instance_id=None, monitored_instance_id=SECOND, **self.moving))

        assert work.agents.kept[AGENT] == before

    def test_who_has_been_replaced_does_not_vouch_for_its_successor(self) -> None:
        """Or a dead primary would never be found silent."""
        work, clock = known(last_heartbeat_at=NOON - MINUTE), FixedClock()

        clock.advance(2 * MINUTE)
        one = ReceivedHeartbeat(AGENT, a_heartbeat(instance_id=SECOND), FROM_ACME)
        RecordHeartbeats(work, clock, TODAY)([one])

        assert MarkSilentAgents(work, clock, 2 * MINUTE)() == 1
        assert work.agents.kept[AGENT].status == "offline"

    def test_an_unknown_instance_takes_over(self) -> None:
        work = known()

        hear(work, a_heartbeat(instance_id=THIRD, zone=ZONE_B))

        assert work.agents.kept[AGENT] == replace(
            HEARD, primary_instance_id=THIRD, placement=a_placement(zone=ZONE_B)
        )
        assert THIRD not in work.instances.kept

    @pytest.mark.parametrize(
        ("command", "status"),
        [(a_pending_command(), "cancelled"), (a_delivered_command(), "completed")],
    )
    def test_what_was_ordered_of_the_one_before_is_settled(
        self, command: Command, status: str
    ) -> None:
        work = known()
        work.commands.kept = {command.id: command}

        hear(work, a_heartbeat(instance_id=THIRD))

        assert work.commands.kept[command.id].status == status
        assert work.audit.actions[0] == f"command_{status}"

    def test_the_instance_of_another_agent_is_unknown_to_this_one(self) -> None:
        work = known()
        work.instances.kept[THIRD] = an_instance(id=THIRD, agent_id=AgentId("agent-2"))

        hear(work, a_heartbeat(instance_id=THIRD))

        assert work.agents.kept[AGENT].primary_instance_id == THIRD


class TestFarewell:
    """Every agent program's last word names no instance (contract/real-agents.md 2)."""

    def after_farewell(self, work: InMemoryUnitOfWork) -> AgentStatus:
        before = work.agents.kept[AGENT]
        hear(work, FAREWELL)
        after = work.agents.kept[AGENT]
        assert (after == before) is (after.status is before.status)
        return after.status

    @pytest.mark.parametrize(("age", "status"), [(35, "online"), (36, "offline")])
    def test_soon_after_a_switch_it_is_the_predecessors(self, age: int, status: str) -> None:
        """Within the wait of 5 and the lateness of 30 minutes."""
        work = known(last_switch_at=NOON - age * MINUTE)

        assert self.after_farewell(work) == status

    def test_soon_after_the_successor_came_it_is_the_predecessors(self) -> None:
        work = known()
        work.instances.kept[FIRST] = an_instance(installed_at=NOON - 10 * MINUTE)

        assert self.after_farewell(work) == "online"

    def test_without_a_predecessor_it_is_the_primarys(self) -> None:
        work = known(last_switch_at=NOON)
        del work.instances.kept[SECOND]

        assert self.after_farewell(work) == "offline"
        assert work.notifications.messages == ["Agent agent-1 went offline"]

    def test_an_agent_that_keeps_old_instances_hears_no_longer_of_them(self) -> None:
        kept = AgentSettings(auto_terminate_enabled=False)
        work = known(settings=kept, last_switch_at=NOON - 31 * MINUTE)

        assert self.after_farewell(work) == "offline"


class TestManyAtOnce:
    def test_one_transaction_takes_all(self) -> None:
        agents = many_agents(3)
        work = InMemoryUnitOfWork(clients=[a_client()], agents=agents)
        received = [
            ReceivedHeartbeat(one.id, a_heartbeat(instance_id=one.primary_instance_id), FROM_ACME)
            for one in agents
        ]

        assert RecordHeartbeats(work, FixedClock(), TODAY)(received) == [None] * 3

        assert work.commits == 1
        assert {agent.last_heartbeat_at for agent in work.agents.kept.values()} == {NOON}

    def test_two_of_one_agent_count_one_after_the_other(self) -> None:
        work = known()

        hear(work, a_heartbeat(status="offline"), a_heartbeat(status="online"))

        assert work.agents.kept[AGENT] == HEARD
        assert work.notifications.messages == [
            "Agent agent-1 went offline",
            "Agent agent-1 is back online",
        ]

    def test_a_quiet_one_before_a_telling_one_changes_nothing_of_it(self) -> None:
        work = known()

        hear(work, a_heartbeat(), a_heartbeat(zone=ZONE_B), a_heartbeat())

        assert work.agents.kept[AGENT].placement.zone == ZONE_B

    def test_none_are_none(self) -> None:
        assert hear(known()) == []


class TestStrangers:
    @pytest.mark.parametrize("agent_id", [AGENT, AgentId("agent-9")])
    def test_an_agent_of_another_client_does_not_exist(self, agent_id: AgentId) -> None:
        work = known()

        (answer,) = hear(work, a_heartbeat(status="offline"), agent_id=agent_id, caller=FROM_GLOBEX)

        assert isinstance(answer, AgentNotFound)
        assert work.agents.kept == {AGENT: an_agent()}
        assert [client.last_sync_at for client in work.clients.kept.values()] == [None, None]
        assert work.notifications.entries == []

    def test_a_stranger_among_others_stops_nobody(self) -> None:
        work = known()
        received = [
            ReceivedHeartbeat(AGENT, a_heartbeat(status="error"), FROM_GLOBEX),
            ReceivedHeartbeat(AGENT, a_heartbeat(), FROM_ACME),
            ReceivedHeartbeat(AgentId("agent-9"), a_heartbeat(), FROM_ACME),
        ]

        answers = RecordHeartbeats(work, FixedClock(), TODAY)(received)

        assert [isinstance(answer, AgentNotFound) for answer in answers] == [True, False, True]
        assert work.agents.kept[AGENT] == HEARD

    def test_the_operator_may_speak_for_every_agent(self) -> None:
        work = known()

        assert hear(work, a_heartbeat(), caller=OPERATOR) == [None]
        assert work.clients.kept[ACME].last_sync_at == NOON


places = st.builds(
    Placement,
    instance_type=st.sampled_from([None, TYPE, "m5.large"]),
    zone=st.sampled_from([None, ZONE_A, ZONE_B]),
    mode=st.sampled_from(Mode),
    pool_id=st.sampled_from([None, POOL_A, POOL_B, PoolId("pool-17")]),
)
agents = st.builds(
    lambda status, primary, place: an_agent(
        status=status, primary_instance_id=primary, placement=place
    ),
    st.sampled_from(AgentStatus),
    st.sampled_from([None, FIRST]),
    places,
)
instances = st.sampled_from([None, FIRST, THIRD])
heartbeats = st.builds(
    Heartbeat,
    status=st.sampled_from([status.value for status in AgentStatus]),
    instance_id=instances,
    monitored_instance_id=instances,
    instance_type=st.sampled_from([None, "", TYPE, "m5.large"]),
    zone=st.sampled_from([None, "", ZONE_A, ZONE_B]),
    mode=st.sampled_from([None, *Mode]),
    pool_id=st.sampled_from([None, POOL_A, POOL_B, PoolId("pool-17")]),
)


@settings(deadline=None)
@given(agents, st.lists(heartbeats, min_size=1, max_size=4))
def test_together_or_one_by_one_by_the_full_rules_comes_to_the_same(
    agent: Agent, said: list[Heartbeat]
) -> None:
    """The short way of the many heartbeats that say nothing new leads where the long way does."""
    expected = agent
    for heartbeat in said:
        expected = expected.hear(heartbeat, NOON, TODAY)
    work = InMemoryUnitOfWork(clients=[a_client()], agents=[agent])

    hear(work, *said)

    assert work.agents.kept[AGENT] == expected
