"""What is held until the end of a transaction, where rows can be held."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import Engine, Table, select

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.system import RandomIdentifiers
from spot_optimizer.application.agents.register_agent import RegisterAgent
from spot_optimizer.application.commands.hand_out_commands import HandOutCommands, Poll
from spot_optimizer.application.commands.issue_switch_command import IssueSwitchCommand
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.application.pricing.ingest_pricing_reports import (
    IngestPricingReports,
    ReceivedReport,
)
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.registration import RegistrationOutcome
from spot_optimizer.domain.commands.switch_order import SwitchOrder
from spot_optimizer.domain.errors import DomainError
from spot_optimizer.domain.identifiers import AgentId, CommandId
from spot_optimizer.domain.pricing.submission import PriceSubmission
from tests.builders import (
    ACME,
    AGENT,
    DAY,
    FROM_ACME,
    HOUR,
    MINUTE,
    NOON,
    POOL_B,
    TODAY,
    a_client,
    a_legacy_command,
    a_pending_command,
    a_registration,
    an_agent,
    many_agents,
)
from tests.fakes import FixedClock
from tests.stores import SqlStore

T = TypeVar("T")

AGENTS = {f"agent-{number}" for number in (1, 2, 3)}
TOGETHER = 4


@pytest.fixture
def store(mariadb: SqlStore) -> SqlStore:
    second = a_pending_command(id=CommandId("command-2"), created_at=NOON - DAY)
    mariadb.put(a_client(), *many_agents(3), a_pending_command(), second)
    mariadb.put_legacy_command(a_legacy_command())
    return mariadb


def together(*actions: Callable[[], T]) -> list[T]:
    """What each returns; all start at the same moment."""
    start = Barrier(len(actions), timeout=10)

    def act(action: Callable[[], T]) -> T:
        start.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(act, actions))


def held(engine: Engine, table: Table) -> set[str]:
    """The rows that nobody else can get hold of now."""
    free = select(table.c.id).with_for_update(skip_locked=True)
    with engine.connect() as connection:
        everything = set(connection.scalars(select(table.c.id)))
        return {str(key) for key in everything - set(connection.scalars(free))}


@pytest.mark.parametrize(
    ("act", "agents"),
    [
        (lambda work: work.agents.get(AGENT, ACME), set()),
        (lambda work: work.agents.of([AGENT]), set()),
        (lambda work: work.agents.vitals_of([AGENT]), set()),
        (lambda work: work.agents.get_for_update(AGENT, ACME), {"agent-1"}),
        (lambda work: work.agents.lock([AGENT, AgentId("agent-3")]), {"agent-1", "agent-3"}),
        (lambda work: work.agents.list_silent(NOON), AGENTS),
        (
            lambda work: work.agents.find_by_logical_id_for_update(ACME, "web-2"),
            {"agent-2"},
        ),
    ],
)
def test_agents_are_held_as_promised(
    store: SqlStore, act: Callable[[UnitOfWork], object], agents: set[str]
) -> None:
    with store.work() as work:
        act(work)
        assert held(store.engine, tables.agents) == agents

    assert held(store.engine, tables.agents) == set()


@pytest.mark.parametrize(
    ("act", "commands"),
    [
        (lambda work: work.commands.open_of([AGENT]), set()),
        (lambda work: work.commands.find(AGENT, CommandId("command-1")), {"command-1"}),
        (lambda work: work.commands.list_overdue(NOON - HOUR), {"command-2"}),
    ],
)
def test_commands_are_held_as_promised(
    store: SqlStore, act: Callable[[UnitOfWork], object], commands: set[str]
) -> None:
    with store.work() as work:
        act(work)
        assert commands <= held(store.engine, tables.commands)
        assert bool(commands) is bool(held(store.engine, tables.commands))


def test_an_entry_of_the_older_queue_is_held(store: SqlStore) -> None:
    with store.work() as work:
        work.commands.find(AGENT, CommandId("7"))
        assert held(store.engine, tables.pending_switch_commands) == {"7"}


def test_of_two_that_wait_for_each_other_one_gives_way_and_tries_again(store: SqlStore) -> None:
    first, second = AGENT, AgentId("agent-2")
    both_hold_one = Barrier(2, timeout=10)
    attempts: list[AgentId] = []

    @repeated_when_lost
    def hold_both(mine: AgentId, other: AgentId) -> None:
        attempts.append(mine)
        is_first_attempt = attempts.count(mine) == 1
        with store.work() as work:
            agent = work.agents.get_for_update(mine, ACME)
            if is_first_attempt:
                both_hold_one.wait()
            work.agents.get_for_update(other, ACME)
            count = agent.interruption_handled_count + 1
            work.agents.save(replace(agent, interruption_handled_count=count), NOON)
            work.commit()

    together(lambda: hold_both(first, second), lambda: hold_both(second, first))

    assert len(attempts) == 3
    with store.work() as work:
        for agent_id in (first, second):
            assert work.agents.get(agent_id, ACME).interruption_handled_count == 1


def test_parallel_first_registrations_make_one_agent(mariadb: SqlStore) -> None:
    mariadb.put(a_client())
    register = RegisterAgent(mariadb.work, FixedClock(), RandomIdentifiers(), TODAY)

    introductions = together(
        *[lambda: register(ACME, a_registration(), FROM_ACME).registered] * TOGETHER
    )

    assert len({one.agent.id for one in introductions}) == 1
    outcomes = [one.outcome for one in introductions]
    assert outcomes.count(RegistrationOutcome.MINTED) == 1
    assert outcomes.count(RegistrationOutcome.REFRESHED) == TOGETHER - 1
    assert len(mariadb.rows(tables.notifications)) == 1


def test_parallel_equal_orders_are_one_command(mariadb: SqlStore) -> None:
    mariadb.put(a_client(), an_agent())
    issue = IssueSwitchCommand(mariadb.work, FixedClock(), RandomIdentifiers(), TODAY)
    order = SwitchOrder(target_mode="spot", target_pool_id=POOL_B)

    issued = together(*[lambda: issue(AGENT, order, FROM_ACME).command] * TOGETHER)

    assert len({command.id for command in issued if command is not None}) == 1
    assert len(mariadb.rows(tables.commands)) == len(mariadb.rows(tables.notifications)) == 1


def test_parallel_polls_hand_a_command_out_once(mariadb: SqlStore) -> None:
    mariadb.put(a_client(), an_agent(), a_pending_command())
    hand_out = HandOutCommands(
        mariadb.command_queries, mariadb.work, FixedClock(), 10 * MINUTE, TODAY
    )

    def poll() -> int:
        (answer,) = hand_out([Poll(AGENT, FROM_ACME)])
        assert not isinstance(answer, DomainError)
        return len(answer)

    assert sorted(together(*[poll] * TOGETHER)) == [0] * (TOGETHER - 1) + [1]


def test_the_same_price_report_sent_twice_at_once_is_kept_once(mariadb: SqlStore) -> None:
    mariadb.put(a_client(), an_agent())
    rounds = 10

    for number in range(rounds):
        said = PriceSubmission(collected_at=NOON - number * MINUTE, on_demand_price=Decimal("0.04"))

        def report(said: PriceSubmission = said) -> None:
            # A use case of its own, as another process has.
            ingest = IngestPricingReports(mariadb.work, FixedClock(), RandomIdentifiers(), TODAY)
            assert ingest([ReceivedReport(AGENT, said, FROM_ACME)]) == [None]

        together(*[report] * TOGETHER)

    assert len(mariadb.rows(tables.pricing_reports)) == rounds
