"""What happens to the commands of one agent together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.commands.command import Command, CommandStatus, CommandType, Target
from spot_optimizer.domain.commands.queue import (
    Occasion,
    duplicates_of,
    equal_to,
    in_order,
    settle_after_move,
    to_hand_out,
)
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import CommandId, InstanceId
from spot_optimizer.domain.values import Mode
from tests.unit.domain_examples import (
    NOON,
    NOWADAYS,
    POOL_A,
    POOL_B,
    SECOND,
    a_command,
    a_command_in,
)

LEASE, NO_LEASE = timedelta(seconds=600), timedelta(0)
NEVER_EXPIRE = Compatibility(commands_never_expire=True)
TO_B = Target(mode=Mode.SPOT, pool_id=POOL_B)
I_1, I_2 = InstanceId("i-1"), InstanceId("i-2")

identifiers = st.sampled_from([CommandId(name) for name in ("a", "b", "c", "d", "17")])
queued = st.builds(
    a_command,
    id=identifiers,
    priority=st.sampled_from([None, -2, 0, 1, 25, 100]),
    created_at=st.one_of(st.none(), st.integers(0, 90).map(lambda m: NOON - m * 60 * SECOND)),
    status=st.sampled_from(CommandStatus),
    executed_at=st.one_of(st.none(), st.integers(0, 20).map(lambda m: NOON - m * 60 * SECOND)),
)
queues = st.lists(queued, max_size=5, unique_by=lambda command: command.id)


def named(commands: Sequence[Command]) -> list[str]:
    return [command.id for command in commands]


def comes_before(one: Command, other: Command) -> bool:
    """The order of the contract, rule by rule."""
    if one.priority != other.priority:
        if one.priority is None or other.priority is None:
            return other.priority is None
        return one.priority > other.priority
    if one.created_at != other.created_at:
        if one.created_at is None or other.created_at is None:
            return one.created_at is None
        return one.created_at < other.created_at
    return one.id <= other.id


def test_the_most_urgent_order_comes_first() -> None:
    commands = [a_command(id=str(p), priority=p) for p in (25, 75, 100)]  # contract D-18

    assert named(to_hand_out(commands, NOON, NO_LEASE, NOWADAYS)) == ["100", "75", "25"]


@given(queues)
def test_orders_stand_by_priority_then_age_then_id_and_without_a_priority_last(
    commands: list[Command],
) -> None:
    ordered = in_order(commands)

    assert sorted(named(ordered)) == sorted(named(commands))
    assert all(comes_before(a, b) for a, b in pairwise(ordered))


@given(queues)
def test_without_a_lease_every_poll_gets_everything_open_and_current(
    commands: list[Command],
) -> None:
    given_out = to_hand_out(commands, NOON, NO_LEASE, NOWADAYS)

    current = [c for c in commands if c.status in ("pending", "executing") and not c.is_stale(NOON)]
    assert given_out == in_order(current)


@given(queues)
def test_formerly_age_did_not_matter(commands: list[Command]) -> None:
    given_out = to_hand_out(commands, NOON, NO_LEASE, NEVER_EXPIRE)

    assert given_out == in_order(c for c in commands if c.is_open)


@given(queues)
def test_with_a_lease_an_agent_has_one_order_at_a_time(commands: list[Command]) -> None:
    given_out = to_hand_out(commands, NOON, LEASE, NOWADAYS)

    at_work = any(
        c.status == "executing" and c.executed_at is not None and NOON - c.executed_at < LEASE
        for c in commands
    )
    first = to_hand_out(commands, NOON, NO_LEASE, NOWADAYS)[:1]
    assert given_out == ([] if at_work else first)


@pytest.mark.parametrize(
    ("waited", "given_out"),
    [(LEASE - SECOND, []), (LEASE, ["command-1"]), (LEASE + SECOND, ["command-1"])],
)
def test_an_order_is_handed_out_again_when_its_lease_has_ended_without_a_word(
    waited: timedelta, given_out: list[str]
) -> None:
    delivered = [a_command().deliver(NOON)]

    assert named(to_hand_out(delivered, NOON + waited, LEASE, NOWADAYS)) == given_out


def test_a_second_order_waits_even_for_one_that_has_become_stale_in_the_agents_hands() -> None:
    now = NOON + timedelta(seconds=121)
    emergency = a_command(trigger="termination_notice").deliver(NOON + timedelta(seconds=110))
    other = a_command(id="command-2")

    assert emergency.is_stale(now)
    assert to_hand_out([emergency, other], now, LEASE, NOWADAYS) == []


def test_a_stale_order_is_not_handed_out_again() -> None:
    now = NOON + timedelta(hours=1) + SECOND
    commands = [
        a_command(),
        a_command(id="command-2").deliver(NOON),
        a_command(id="young", created_at=now),
    ]

    assert named(to_hand_out(commands, now, LEASE, NOWADAYS)) == ["young"]


@given(queues, st.lists(st.sampled_from(["poll", "report", "wait"]), max_size=12))
def test_through_any_history_never_two_orders_are_leased_at_once(
    commands: list[Command], history: list[str]
) -> None:
    queue = {c.id: replace(c, status=CommandStatus.PENDING, executed_at=None) for c in commands}
    now = NOON
    for event in history:
        if event == "wait":
            now += timedelta(minutes=5)
        for command in list(queue.values()):
            if event == "report" and command.is_leased(now, LEASE):
                queue[command.id] = command.report(True, "", now, NOWADAYS)
        if event == "poll":
            for command in to_hand_out(list(queue.values()), now, LEASE, NOWADAYS):
                queue[command.id] = command.deliver(now)
        assert sum(command.is_leased(now, LEASE) for command in queue.values()) <= 1


@pytest.mark.parametrize("status", CommandStatus)
def test_an_open_command_for_the_same_target_is_the_same_order(status: CommandStatus) -> None:
    command = a_command_in(status)

    is_open = status in (CommandStatus.PENDING, CommandStatus.EXECUTING)
    assert equal_to(TO_B, [command]) == (command if is_open else None)


def test_of_equal_orders_the_first_in_the_queue_is_the_one() -> None:
    older = a_command(id="older", created_at=NOON - SECOND)
    urgent = a_command(id="urgent", priority=75)
    elsewhere = a_command(id="elsewhere", priority=100, target_pool_id=POOL_A)

    assert equal_to(TO_B, [a_command(), older, urgent, elsewhere]) == urgent
    assert equal_to(TO_B, [a_command(), older, elsewhere]) == older
    assert equal_to(TO_B, [elsewhere]) is None
    assert equal_to(TO_B, []) is None


def settled(command: Command, now: datetime = NOON + SECOND) -> list[Command]:
    return settle_after_move([command], I_2, Occasion.REGISTRATION, now, NOWADAYS)


def test_an_order_that_nobody_was_given_is_superseded_by_the_move() -> None:
    (cancelled,) = settled(a_command())  # contract D-1

    assert (cancelled.status, cancelled.success) == (CommandStatus.CANCELLED, None)
    assert cancelled.message == "Superseded by registration of i-2"
    assert cancelled.completed_at == NOON + SECOND
    late = cancelled.report(True, "done", NOON + 2 * SECOND, NOWADAYS)  # contract D-20
    assert late.status is CommandStatus.COMPLETED


def test_the_successor_is_the_sign_that_a_switch_was_carried_out() -> None:
    (done,) = settled(a_command().deliver(NOON))

    assert (done.status, done.success) == (CommandStatus.COMPLETED, True)
    assert done.message == "Executed: registration of i-2"
    assert (done.executed_at, done.completed_at) == (NOON + SECOND, NOON + SECOND)


def test_a_replica_being_made_is_not_done_because_the_primary_moved() -> None:
    made = a_command(command_type=CommandType.CREATE_REPLICA)

    assert [command.status for command in settled(made)] == [CommandStatus.CANCELLED]
    assert settled(made.deliver(NOON)) == []


@pytest.mark.parametrize("instance_id", [None, I_2])
@pytest.mark.parametrize("status", CommandStatus)
def test_orders_for_the_new_instance_or_for_none_stand(
    status: CommandStatus, instance_id: InstanceId | None
) -> None:
    assert settled(a_command_in(status, instance_id=instance_id)) == []


@pytest.mark.parametrize(
    "status", [CommandStatus.COMPLETED, CommandStatus.FAILED, CommandStatus.CANCELLED]
)
def test_what_is_over_is_not_settled_again(status: CommandStatus) -> None:
    assert settled(a_command_in(status)) == []


def test_a_former_instance_that_returns_is_not_what_a_switch_has_made() -> None:
    executing = a_command_in(CommandStatus.EXECUTING)

    (failed,) = settle_after_move([executing], I_2, Occasion.RETURN, NOON, NOWADAYS)

    assert (failed.status, failed.success) == (CommandStatus.FAILED, False)
    assert failed.message == "Not executed: return of i-2"


def test_a_promotion_says_nothing_about_an_order_that_is_being_carried_out() -> None:
    executing = a_command_in(CommandStatus.EXECUTING)

    assert settle_after_move([executing], I_2, Occasion.PROMOTION, NOON, NOWADAYS) == []


@given(st.lists(st.builds(a_command_in, st.sampled_from(CommandStatus), id=identifiers)))
def test_after_a_move_no_switch_for_the_former_instance_is_open(commands: list[Command]) -> None:
    changed = settle_after_move(commands, I_2, Occasion.SWITCH, NOON, NOWADAYS)

    assert len(changed) == sum(command.is_open for command in commands)
    assert not any(command.is_open for command in changed)


def test_the_first_success_cancels_the_equal_order() -> None:
    first, second = a_command(), a_command(id="command-2")  # contract D-17
    done = first.report(True, "", NOON, NOWADAYS)

    (cancelled,) = duplicates_of(done, [first, second], NOON)

    assert (cancelled.id, cancelled.status) == ("command-2", CommandStatus.CANCELLED)
    assert cancelled.message == "Duplicate of command-1"
    assert cancelled.completed_at == NOON


@pytest.mark.parametrize(
    "other",
    [
        a_command(),
        a_command(id="x", target_pool_id=POOL_A),
        a_command(id="x", target_mode=Mode.ON_DEMAND),
        a_command(id="x", command_type=CommandType.CREATE_REPLICA),
        a_command_in(CommandStatus.EXECUTING, id="x"),
        a_command_in(CommandStatus.COMPLETED, id="x"),
        a_command_in(CommandStatus.CANCELLED, id="x"),
    ],
)
def test_other_orders_and_those_being_carried_out_are_no_duplicates(other: Command) -> None:
    done = a_command().report(True, "", NOON, NOWADAYS)

    assert duplicates_of(done, [other], NOON) == []


def test_all_kinds_of_switches_are_duplicates_of_each_other_and_of_nothing_else() -> None:
    emergency = a_command(id="x", command_type=CommandType.EMERGENCY_SWITCH)
    replica = a_command(command_type=CommandType.CREATE_REPLICA)

    assert named(duplicates_of(a_command(), [emergency], NOON)) == ["x"]
    assert duplicates_of(replica, [emergency], NOON) == []


def test_orders_without_a_target_are_equal_to_nothing() -> None:
    nowhere = a_command(target_mode=None, target_pool_id=None)

    assert duplicates_of(nowhere, [replace(nowhere, id=CommandId("x"))], NOON) == []
