"""Whatever arrives together costs the same number of statements, however much it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from spot_optimizer.adapters.persistence.admin_queries import SqlAdminQueries
from spot_optimizer.adapters.persistence.agent_queries import SqlAgentQueries
from spot_optimizer.adapters.persistence.fleet_queries import SqlFleetQueries
from spot_optimizer.adapters.persistence.model_queries import SqlModelQueries
from spot_optimizer.adapters.persistence.tables import model_registry, model_upload_sessions
from spot_optimizer.application.admin.fleet import InstanceFilter
from spot_optimizer.application.agents.mark_silent_agents import MarkSilentAgents
from spot_optimizer.application.agents.queries import AgentQuestion
from spot_optimizer.application.agents.record_heartbeats import (
    ReceivedHeartbeat,
    RecordHeartbeats,
)
from spot_optimizer.application.authenticate import Authenticate
from spot_optimizer.application.clients.delete_client import DeleteClient
from spot_optimizer.application.commands.hand_out_commands import HandOutCommands, Poll
from spot_optimizer.application.decisions.decide import Decide
from spot_optimizer.application.decisions.questions import AskEngine
from spot_optimizer.application.interruptions.ensure_emergency_replica import (
    EmergencyAnswer,
    EmergencyRequest,
    EnsureEmergencyReplica,
    ReceivedEmergency,
)
from spot_optimizer.application.interruptions.fail_over import FailOver
from spot_optimizer.application.interruptions.failover import FailedOver
from spot_optimizer.application.interruptions.termination_notices import (
    NobodyReady,
    ReceivedNotice,
    TerminationNotice,
)
from spot_optimizer.application.ports.credentials import TokenOwner
from spot_optimizer.application.ports.decision_engine import EngineIdentity
from spot_optimizer.application.pricing.ingest_pricing_reports import (
    IngestPricingReports,
    ReceivedReport,
)
from spot_optimizer.application.remembered_owners import RememberedOwners
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.commands.command import CommandStatus
from spot_optimizer.domain.identifiers import AgentId, ClientId, CommandId, InstanceId, ReplicaId
from spot_optimizer.domain.interruptions import SignalType
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from tests.builders import (
    ACME,
    FROM_ACME,
    HOUR,
    MINUTE,
    NOON,
    OPERATOR,
    TODAY,
    ZONE_A,
    ZONE_B,
    a_client,
    a_decision,
    a_heartbeat,
    a_legacy_command,
    a_pending_command,
    a_replica,
    a_situation,
    a_submission,
    an_instance,
    many_agents,
)
from tests.fakes import (
    CountingIdentifiers,
    FakeDecisionEngine,
    FixedClock,
    FixedEngine,
    HeldStopwatch,
    SteadyStopwatch,
)
from tests.stores import SqlStore, statements

SIZES = (1, 10, 50)
SHORTLY = timedelta(seconds=3)


def costs(
    store: SqlStore,
    act: Callable[[list[Agent]], object],
    prepare: Callable[[list[Agent]], None] = lambda agents: None,
) -> list[int]:
    """How many statements are sent for each number of agents."""
    found = []
    for size in SIZES:
        store.clear()
        agents = many_agents(size)
        store.put(a_client(), *agents)
        prepare(agents)
        with statements(store.engine) as sent:
            act(agents)
        found.append(len(sent))
    return found


def all_equal(numbers: list[int]) -> bool:
    return len(set(numbers)) == 1


def handing_out(store: SqlStore, lease: timedelta) -> HandOutCommands:
    return HandOutCommands(store.command_queries, store.work, FixedClock(), lease, TODAY)


@pytest.mark.parametrize("status", ["online", "offline"])
def test_heartbeats(sqlite: SqlStore, status: str) -> None:
    record = RecordHeartbeats(sqlite.work, FixedClock(), TODAY)

    def act(agents: list[Agent]) -> None:
        heartbeats = [
            ReceivedHeartbeat(
                agent.id,
                a_heartbeat(instance_id=agent.primary_instance_id, status=status),
                FROM_ACME,
            )
            for agent in agents
        ]
        assert record(heartbeats) == [None] * len(agents)

    assert all_equal(costs(sqlite, act))


def test_polls_that_find_nothing(sqlite: SqlStore) -> None:
    hand_out = HandOutCommands(
        sqlite.command_queries, sqlite.work, FixedClock(), 10 * MINUTE, TODAY
    )

    def act(agents: list[Agent]) -> None:
        assert hand_out([Poll(agent.id, FROM_ACME) for agent in agents]) == [[]] * len(agents)

    assert all_equal(costs(sqlite, act))


@pytest.mark.parametrize("lease", [timedelta(0), 10 * MINUTE])
def test_polls_of_agents_that_are_at_work(sqlite: SqlStore, lease: timedelta) -> None:
    hand_out = handing_out(sqlite, lease)

    def prepare(agents: list[Agent]) -> None:
        sqlite.put(
            *(
                a_pending_command(
                    id=CommandId(f"command-{agent.id}"),
                    agent_id=agent.id,
                    status=CommandStatus.EXECUTING,
                    executed_at=NOON,
                )
                for agent in agents
            )
        )

    def act(agents: list[Agent]) -> None:
        hand_out([Poll(agent.id, FROM_ACME) for agent in agents])

    assert all_equal(costs(sqlite, act, prepare))


def test_polls_that_find_orders_of_the_older_queue(sqlite: SqlStore) -> None:
    def prepare(agents: list[Agent]) -> None:
        for number, agent in enumerate(agents):
            order = a_legacy_command(id=CommandId(str(number)), agent_id=agent.id)
            sqlite.put_legacy_command(order)

    def act(agents: list[Agent]) -> None:
        answers = handing_out(sqlite, 10 * MINUTE)([Poll(agent.id, FROM_ACME) for agent in agents])
        assert [len(answer) for answer in answers if isinstance(answer, list)] == [1] * len(agents)

    assert all_equal(costs(sqlite, act, prepare))


def test_configurations(sqlite: SqlStore) -> None:
    queries = SqlAgentQueries(sqlite.engine)

    def act(agents: list[Agent]) -> None:
        answers = queries.configurations([AgentQuestion(agent.id, FROM_ACME) for agent in agents])
        assert len(answers) == len(agents)

    assert costs(sqlite, act) == [2, 2, 2]  # BEGIN and the question


def test_tokens(sqlite: SqlStore) -> None:
    authenticate = Authenticate(sqlite.credentials)

    def act(agents: list[Agent]) -> None:
        authenticate([agent.id for agent in agents])

    assert costs(sqlite, act) == [2, 2, 2]


def test_remembered_tokens(sqlite: SqlStore) -> None:
    owners = RememberedOwners(sqlite.credentials, HeldStopwatch())
    sqlite.put(a_client())
    owners.owners_of([a_client().token])

    def act(_: list[Agent]) -> None:
        assert owners.owners_of([a_client().token]) == [TokenOwner(ACME, True)]

    assert costs(sqlite, act) == [0, 0, 0]


@pytest.mark.parametrize("price", ["0.0125", "0.0200"])
@pytest.mark.parametrize("before", [None, SHORTLY, MINUTE])
def test_pricing_reports(sqlite: SqlStore, before: timedelta | None, price: str) -> None:
    """The first of a bucket, those told shortly before by others, and later ones; with news of the
    instances or without."""
    clock = FixedClock()

    def submit(ingest: IngestPricingReports, agents: list[Agent]) -> None:
        reports = [
            ReceivedReport(
                agent.id,
                a_submission(
                    instance_id=agent.primary_instance_id,
                    current_spot_price=Decimal(price),
                    collected_at=clock.now(),
                ),
                FROM_ACME,
            )
            for agent in agents
        ]
        assert ingest(reports) == [None] * len(agents)

    def cost(size: int) -> int:
        ingest = IngestPricingReports(sqlite.work, clock, CountingIdentifiers(), TODAY)
        agents = many_agents(size)
        sqlite.clear()
        instances = [an_instance(id=a.primary_instance_id, agent_id=a.id) for a in agents]
        sqlite.put(a_client(), *agents, *instances)
        if before is not None:
            submit(ingest, agents)
            clock.advance(before)
        with statements(sqlite.engine) as sent:
            submit(ingest, agents)
        clock.advance(HOUR)
        return len(sent)

    # One that is alone is never suspected of telling what another has told.
    sizes = SIZES[1:] if before == SHORTLY else SIZES
    assert all_equal([cost(size) for size in sizes])


def test_decisions(sqlite: SqlStore) -> None:
    ask = AskEngine(FixedEngine(FakeDecisionEngine(a_decision())))
    decide = Decide(sqlite.work, FixedClock(), SteadyStopwatch(), ask, HOUR)

    def act(agents: list[Agent]) -> None:
        advice = decide([a_situation(agent_id=agent.id) for agent in agents])
        assert len(advice) == len(agents)

    assert all_equal(costs(sqlite, act))


def test_decisions_with_models(sqlite: SqlStore) -> None:
    engine = FakeDecisionEngine(a_decision())
    engine.identity = EngineIdentity(name="E", version="1", models_used=("risk",))
    ask = AskEngine(FixedEngine(engine))
    decide = Decide(sqlite.work, FixedClock(), SteadyStopwatch(), ask, HOUR)

    assert all_equal(
        costs(sqlite, lambda agents: decide([a_situation(agent_id=agent.id) for agent in agents]))
    )


def test_failed_decisions(sqlite: SqlStore) -> None:
    ask = AskEngine(FixedEngine(FakeDecisionEngine(RuntimeError("no idea"))))
    decide = Decide(sqlite.work, FixedClock(), SteadyStopwatch(), ask, HOUR)

    assert all_equal(
        costs(sqlite, lambda agents: decide([a_situation(agent_id=agent.id) for agent in agents]))
    )


def put_instances(sqlite: SqlStore, agents: list[Agent]) -> None:
    sqlite.put(*(an_instance(id=a.primary_instance_id, agent_id=a.id) for a in agents))


def put_standbys(sqlite: SqlStore, agents: list[Agent]) -> None:
    put_instances(sqlite, agents)
    sqlite.put(
        *(
            a_replica(
                id=ReplicaId(f"replica-{agent.id}"),
                agent_id=agent.id,
                instance_id=InstanceId(f"i-standby-{agent.id}"),
                status=ReplicaStatus.READY,
            )
            for agent in agents
        )
    )


def notices_of(agents: list[Agent]) -> list[ReceivedNotice]:
    return [
        ReceivedNotice(
            agent.id, TerminationNotice(instance_id=agent.primary_instance_id), FROM_ACME
        )
        for agent in agents
    ]


@pytest.mark.parametrize(
    ("prepare", "answer"), [(put_instances, NobodyReady), (put_standbys, FailedOver)]
)
def test_termination_notices(
    sqlite: SqlStore, prepare: Callable[[SqlStore, list[Agent]], None], answer: type
) -> None:
    """Told once, and told again."""
    fail_over = FailOver(sqlite.work, FixedClock(), SteadyStopwatch(), TODAY)

    def act(agents: list[Agent]) -> None:
        for _ in range(2):
            answers = fail_over(notices_of(agents))
            assert [type(one) for one in answers] == [answer] * len(agents)

    assert all_equal(costs(sqlite, act, partial(prepare, sqlite)))


def test_emergency_replicas(sqlite: SqlStore) -> None:
    """New ones, and those that stand."""
    ensure = EnsureEmergencyReplica(sqlite.work, FixedClock(), CountingIdentifiers(), HOUR, TODAY)
    wanted = EmergencyRequest(signal_type=SignalType.TERMINATION_NOTICE)

    def prepare(agents: list[Agent]) -> None:
        put_instances(sqlite, agents)
        sqlite.put_pools(ZONE_A, ZONE_B)

    def act(agents: list[Agent]) -> None:
        for _ in range(2):
            answers = ensure([ReceivedEmergency(one.id, wanted, FROM_ACME) for one in agents])
            assert [type(one) for one in answers] == [EmergencyAnswer] * len(agents)

    assert all_equal(costs(sqlite, act, prepare))


def test_silent_agents(sqlite: SqlStore) -> None:
    clock = FixedClock(NOON + HOUR)
    mark = MarkSilentAgents(sqlite.work, clock, 2 * MINUTE)

    def act(agents: list[Agent]) -> None:
        assert mark() == len(agents)

    assert all_equal(costs(sqlite, act))


def test_clients_and_totals(sqlite: SqlStore) -> None:
    queries = SqlAdminQueries(sqlite.engine)

    def prepare(agents: list[Agent]) -> None:
        for number, agent in enumerate(agents):
            client = ClientId(f"client-{number}")
            theirs = replace(agent, id=AgentId(f"their-{number}"), client_id=client)
            sqlite.put(a_client(id=client, email=client, token=client), theirs)

    def act(agents: list[Agent]) -> None:
        assert len(queries.clients()) == len(agents) + 1
        assert queries.totals().accounts == len(agents) + 1

    assert costs(sqlite, act, prepare) == [8, 8, 8]  # with BEGIN twice


def test_lists_of_the_fleet(sqlite: SqlStore) -> None:
    queries = SqlFleetQueries(sqlite.engine, TODAY)

    def prepare(agents: list[Agent]) -> None:
        sqlite.put(*(an_instance(id=a.primary_instance_id, agent_id=a.id) for a in agents))

    def act(agents: list[Agent]) -> None:
        assert len(queries.instances(InstanceFilter(search="i-"))) == len(agents)
        assert len(queries.agents("online")) == len(agents)
        queries.recent_events()
        queries.growth_since(NOON.date())

    assert all_equal(costs(sqlite, act, prepare))


def test_one_client(sqlite: SqlStore) -> None:
    queries = SqlAdminQueries(sqlite.engine)

    def act(agents: list[Agent]) -> None:
        assert queries.client(ACME).agents_total == len(agents)

    assert all_equal(costs(sqlite, act))


def test_deleting_a_client(sqlite: SqlStore) -> None:
    delete = DeleteClient(
        sqlite.work, FixedClock(), TODAY, RememberedOwners(sqlite.credentials, HeldStopwatch())
    )

    assert all_equal(costs(sqlite, lambda _: delete(ACME, OPERATOR)))


def test_models(sqlite: SqlStore) -> None:
    queries = SqlModelQueries(sqlite.engine)

    def prepare(agents: list[Agent]) -> None:
        for agent in agents:
            sqlite.insert(model_upload_sessions, id=agent.id, created_at=NOON, status="uploaded")
            sqlite.insert(
                model_registry,
                model_name=agent.id,
                model_type="onnx",
                version="1",
                file_path="x",
                is_active=True,
            )

    def act(agents: list[Agent]) -> None:
        assert len(queries.session_lines()) == min(10, len(agents))
        assert len(queries.survey().active) == min(10, len(agents))
        assert len(queries.sessions()) == len(agents)

    assert all_equal(costs(sqlite, act, prepare))
