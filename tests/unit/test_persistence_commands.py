"""Both command queues, the same expectations wherever they are kept."""

from dataclasses import replace
from typing import Any

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.application.commands.queries import AgentQueue
from spot_optimizer.application.ports.unit_of_work import TransactionLost
from spot_optimizer.domain.commands.command import OPEN, Command, CommandStatus, CommandType
from spot_optimizer.domain.identifiers import AgentId, CommandId, InstanceId, LogicalAgentId
from spot_optimizer.domain.values import Mode
from tests.builders import (
    ACME,
    AGENT,
    DAY,
    FIRST,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    TODAY,
    a_delivered_command,
    a_legacy_command,
    a_pending_command,
    an_agent,
)
from tests.stores import SqlStore, Store

OTHER = AgentId("agent-2")
ID = CommandId("command-1")
DONE = a_delivered_command().report(True, "done", NOON, TODAY)
FAILED = a_delivered_command().report(False, "no capacity", NOON, TODAY)
BARE = a_pending_command(
    target_mode=None,
    target_pool_id=None,
    instance_id=None,
    priority=None,
    terminate_wait_seconds=None,
    created_by=None,
    trigger=None,
    created_at=None,
)


@pytest.fixture(autouse=True)
def two_agents(request: pytest.FixtureRequest) -> None:
    place = next(name for name in ("store", "database") if name in request.fixturenames)
    kept: Store = request.getfixturevalue(place)
    kept.put_two_clients_and_an_agent()
    kept.put(an_agent(id=OTHER, logical_agent_id=LogicalAgentId("web-2")))


def found(store: Store, command_id: CommandId = ID, agent_id: AgentId = AGENT) -> Command | None:
    with store.work() as work:
        return work.commands.find(agent_id, command_id)


def switch_of(store: Store, instance_id: InstanceId = FIRST) -> Command | None:
    with store.work() as work:
        return work.commands.find_switch_of(AGENT, instance_id)


@pytest.mark.parametrize(
    "command", [a_pending_command(), a_delivered_command(), DONE, FAILED, BARE]
)
def test_a_command_comes_back_as_it_went_in(store: Store, command: Command) -> None:
    store.put(command)

    assert found(store) == command


def test_without_commit_no_command_was_added_or_changed(store: Store) -> None:
    store.put(a_pending_command())

    with store.work() as work:
        work.commands.add(a_pending_command(id=CommandId("command-2")))
        work.commands.save_all([DONE])

    assert found(store) == a_pending_command()
    assert found(store, CommandId("command-2")) is None


@pytest.mark.parametrize("text", ["COMMAND-1", "command-1 ", "command-2", "1", "9" * 40, "", "²"])
def test_a_command_is_found_by_its_exact_id_only(store: Store, text: str) -> None:
    store.put(a_pending_command())

    assert found(store, CommandId(text)) is None


def test_the_command_of_another_agent_does_not_exist(store: Store) -> None:
    store.put(a_pending_command())
    store.put_legacy_command(a_legacy_command())

    assert found(store, ID, OTHER) is None
    assert found(store, CommandId("7"), OTHER) is None


def test_a_saved_command_is_as_it_was_saved_and_no_other_is_touched(store: Store) -> None:
    second = a_pending_command(id=CommandId("command-2"))
    store.put(a_pending_command(), second)

    with store.work() as work:
        work.commands.save_all([DONE])
        work.commit()

    assert found(store) == DONE
    assert found(store, second.id) == second


def test_a_command_exists_once(store: Store) -> None:
    store.put(a_pending_command())

    with pytest.raises(TransactionLost):
        store.put(a_pending_command())


def test_what_the_agent_told_is_kept_with_its_command(database: SqlStore) -> None:
    database.put(a_pending_command())

    with database.work() as work:
        work.commands.keep_result(DONE, {"success": True, "seconds": 12.5})
        work.commit()

    assert database.row(tables.commands)["execution_result"] == {"success": True, "seconds": 12.5}
    assert found(database) == a_pending_command()


class TestOpenCommands:
    def test_both_queues_are_open_together(self, store: Store) -> None:
        theirs = a_pending_command(id=CommandId("command-3"), agent_id=OTHER)
        store.put(a_pending_command(), theirs)
        store.put_legacy_command(a_legacy_command())

        with store.work() as work:
            open_ones = work.commands.open_of([AGENT, OTHER, AgentId("agent-9")])

        queues = store.command_queries.queues_of([AGENT, OTHER, AgentId("agent-9")])
        assert {one: set(queue.commands) for one, queue in queues.items()} == {
            one: set(commands) for one, commands in open_ones.items()
        }
        assert sorted(open_ones) == [AGENT, OTHER]
        assert set(open_ones[AGENT]) == {a_pending_command(), a_legacy_command()}
        assert open_ones[OTHER] == [theirs]

    @pytest.mark.parametrize("status", list(CommandStatus))
    def test_pending_and_executing_commands_are_open(
        self, store: Store, status: CommandStatus
    ) -> None:
        store.put(a_pending_command(status=status))

        with store.work() as work:
            assert bool(work.commands.open_of({AGENT})) is (status in OPEN)
            assert work.commands.open_of(set()) == {}
        queue = store.command_queries.queues_of({AGENT})[AGENT]
        assert bool(queue.commands) is (status in OPEN)

    def test_an_agent_without_commands_has_an_empty_queue(self, store: Store) -> None:
        assert store.command_queries.queues_of([OTHER]) == {OTHER: AgentQueue(ACME, [])}
        assert store.command_queries.queues_of([]) == {}


class TestOlderQueue:
    def test_an_entry_is_found_by_its_number(self, store: Store) -> None:
        store.put_legacy_command(a_legacy_command())

        assert found(store, CommandId("7")) == a_legacy_command()
        assert found(store, CommandId("8")) is None
        queues = store.command_queries.queues_of([AGENT])
        assert queues == {AGENT: AgentQueue(ACME, [a_legacy_command()])}

    def test_a_delivery_is_remembered_and_keeps_the_entry_open(self, store: Store) -> None:
        store.put_legacy_command(a_legacy_command())
        delivered = a_legacy_command().deliver(NOON)

        with store.work() as work:
            work.commands.save_all([delivered])
            work.commit()

        assert found(store, CommandId("7")) == delivered
        with store.work() as work:
            assert work.commands.open_of([AGENT]) == {AGENT: [delivered]}

    @pytest.mark.parametrize(
        "ended",
        [
            a_legacy_command().cancel("Superseded", NOON),
            a_legacy_command().deliver(NOON - MINUTE).report(True, "done", NOON, TODAY),
        ],
    )
    def test_an_ended_entry_is_done(self, store: Store, ended: Command) -> None:
        other = a_legacy_command(id=CommandId("8"))
        store.put_legacy_command(a_legacy_command())
        store.put_legacy_command(other)

        with store.work() as work:
            work.commands.save_all([ended])
            work.commit()

        assert found(store, CommandId("7")) == a_legacy_command(
            status=CommandStatus.COMPLETED, executed_at=NOON
        )
        with store.work() as work:
            assert work.commands.open_of([AGENT]) == {AGENT: [other]}

    def test_nothing_else_of_an_entry_can_be_changed(self, store: Store) -> None:
        store.put_legacy_command(a_legacy_command())

        with store.work() as work:
            work.commands.save_all([a_legacy_command(priority=99, trigger="manual_ui")])
            work.commit()

        assert found(store, CommandId("7")) == a_legacy_command()

    def test_a_report_closes_an_entry(self, store: Store) -> None:
        store.put_legacy_command(a_legacy_command())

        with store.work() as work:
            work.commands.close_legacy(a_legacy_command(), {"success": True}, NOON)
            work.commit()

        closed = found(store, CommandId("7"))
        assert closed == a_legacy_command(status=CommandStatus.COMPLETED, executed_at=NOON)

    def test_the_report_is_kept_with_its_entry(self, database: SqlStore) -> None:
        database.put_legacy_command(a_legacy_command())
        database.put_legacy_command(a_legacy_command(id=CommandId("8")))

        with database.work() as work:
            work.commands.close_legacy(a_legacy_command(), {"success": False}, NOON)
            work.commit()

        results = {
            row["id"]: row["execution_result"]
            for row in database.rows(tables.pending_switch_commands)
        }
        assert results == {7: {"success": False}, 8: None}


class TestSwitchOfAnInstance:
    def test_it_is_the_newest_that_was_handed_out(self, store: Store) -> None:
        newest = a_delivered_command(id=CommandId("command-2"), executed_at=NOON)
        store.put(a_delivered_command(), newest, a_pending_command(id=CommandId("command-3")))

        assert switch_of(store) == newest
        assert switch_of(store, SECOND) is None

    def test_of_two_handed_out_at_once_it_is_the_one_of_the_lower_id(self, store: Store) -> None:
        store.put(a_delivered_command(id=CommandId("command-2")), a_delivered_command())

        assert switch_of(store) == a_delivered_command()

    @pytest.mark.parametrize(
        ("command", "counts"),
        [
            (DONE, True),
            (a_pending_command(), False),
            (FAILED, False),
            (a_pending_command(executed_at=NOON), True),
            (a_delivered_command(status=CommandStatus.CANCELLED), False),
            (a_delivered_command(agent_id=OTHER), False),
            (a_delivered_command(instance_id=None), False),
            (a_delivered_command(command_type=CommandType.SWITCH_TO_ON_DEMAND), True),
            (a_delivered_command(command_type=CommandType.EMERGENCY_SWITCH), True),
            (a_delivered_command(command_type=CommandType.CREATE_REPLICA), False),
        ],
    )
    def test_it_is_a_switch_of_this_agent_that_has_not_failed(
        self, store: Store, command: Command, counts: bool
    ) -> None:
        store.put(command)

        assert (switch_of(store) is not None) is counts

    def test_the_older_queue_has_none(self, store: Store) -> None:
        store.put_legacy_command(a_legacy_command())
        with store.work() as work:
            work.commands.save_all([a_legacy_command().deliver(NOON)])
            work.commit()

        assert switch_of(store) is None


class TestOverdue:
    @pytest.mark.parametrize(
        ("changes", "is_overdue"),
        [
            ({"created_at": NOON - HOUR}, False),
            ({"created_at": NOON - HOUR - MINUTE}, True),
            ({"created_at": NOON - DAY, "status": CommandStatus.EXECUTING}, True),
            ({"created_at": NOON - DAY, "status": CommandStatus.CANCELLED}, False),
            ({"created_at": NOON - DAY, "status": CommandStatus.COMPLETED}, False),
            ({"created_at": None}, False),
        ],
    )
    def test_open_commands_of_before_are_overdue(
        self, store: Store, changes: dict[str, Any], is_overdue: bool
    ) -> None:
        command = a_pending_command(**changes)
        store.put(command)
        store.put_legacy_command(a_legacy_command(created_at=NOON - DAY))

        with store.work() as work:
            assert work.commands.list_overdue(NOON - HOUR) == ([command] if is_overdue else [])

    def test_they_come_in_the_order_of_their_ids(self, store: Store) -> None:
        ids = [CommandId(f"command-{number}") for number in (3, 1, 2)]
        store.put(*(a_pending_command(id=one) for one in ids))

        with store.work() as work:
            overdue = work.commands.list_overdue(NOON)

        assert [command.id for command in overdue] == sorted(ids)


def test_a_target_is_kept_as_text(store: Store) -> None:
    command = replace(a_pending_command(), target_mode=Mode.ON_DEMAND, target_pool_id=None)
    store.put(command)

    kept = found(store)

    assert kept is not None
    assert kept.target_mode == "ondemand"
