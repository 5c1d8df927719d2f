"""The life of one command: what is not drawn does not happen, and the first word stands."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from spot_optimizer.domain.commands.command import (
    PRIORITY_EMERGENCY,
    PRIORITY_MANUAL,
    PRIORITY_NORMAL,
    PRIORITY_SCHEDULED,
    PRIORITY_URGENT,
    SWITCHES,
    TRANSITIONS,
    TRIGGERED_BY_MODEL,
    TRIGGERED_BY_USER,
    Command,
    CommandEvent,
    CommandStatus,
    CommandType,
    Target,
    clamp_priority,
)
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import InvalidTransition
from spot_optimizer.domain.values import Mode
from tests.unit.domain_examples import (
    EARLIER,
    NOON,
    NOWADAYS,
    POOL_A,
    POOL_B,
    SECOND,
    a_command,
    a_command_in,
)

LAST_WINS = Compatibility(last_execution_report_wins=True)
LATER = NOON + timedelta(minutes=1)
NEVER = timedelta(days=365)

# Status and event, as the contract draws them, with the lease of ruling R9.
DRAWN = {
    ("pending", "deliver"): "executing",
    ("pending", "succeed"): "completed",
    ("pending", "fail"): "failed",
    ("pending", "cancel"): "cancelled",
    ("pending", "expire"): "cancelled",
    ("executing", "deliver"): "executing",
    ("executing", "succeed"): "completed",
    ("executing", "fail"): "failed",
    ("executing", "expire"): "failed",
    ("cancelled", "succeed"): "completed",
    ("cancelled", "fail"): "failed",
}


def happens(command: Command, event: CommandEvent, now: datetime) -> Command:
    if event is CommandEvent.DELIVER:
        return command.deliver(now)
    if event is CommandEvent.CANCEL:
        return command.cancel("withdrawn", now)
    if event is CommandEvent.EXPIRE:
        return command.expire(now)
    return command.report(event is CommandEvent.SUCCEED, "told", now, NOWADAYS)


@pytest.mark.parametrize("event", CommandEvent)
@pytest.mark.parametrize("status", CommandStatus)
def test_the_table_has_every_arrow_of_the_contract_and_no_other(
    status: CommandStatus, event: CommandEvent
) -> None:
    assert TRANSITIONS.get((status, event)) == DRAWN.get((status, event))


@pytest.mark.parametrize("event", CommandEvent)
@pytest.mark.parametrize("status", CommandStatus)
def test_a_command_goes_where_an_arrow_leads_and_else_stays_as_it_is(
    status: CommandStatus, event: CommandEvent
) -> None:
    before, when = a_command_in(status), NOON + NEVER
    drawn = DRAWN.get((status, event))
    if drawn is None and event is CommandEvent.DELIVER:
        with pytest.raises(InvalidTransition, match=f"A {status} command cannot deliver"):
            happens(before, event, when)
        return

    after = happens(before, event, when)

    assert after.status == (drawn or status)
    assert (after == before) == (drawn is None)


def test_a_delivered_command_is_executing_since_its_last_delivery() -> None:
    once = a_command().deliver(NOON)

    assert once == replace(a_command(), status=CommandStatus.EXECUTING, executed_at=NOON)
    assert once.deliver(LATER) == replace(once, executed_at=LATER)


@pytest.mark.parametrize(
    ("success", "status"),
    [(True, CommandStatus.COMPLETED), (False, CommandStatus.FAILED), (None, CommandStatus.FAILED)],
)
def test_a_report_says_what_came_of_it(success: bool | None, status: CommandStatus) -> None:
    told = a_command().deliver(NOON).report(success, "because", LATER, NOWADAYS)

    assert (told.status, told.success, told.message) == (status, success is True, "because")
    assert (told.executed_at, told.completed_at) == (LATER, LATER)  # contract A5


def test_a_command_reported_without_having_been_delivered_was_executed_then() -> None:
    told = a_command().report(True, "", LATER, NOWADAYS)

    assert (told.executed_at, told.completed_at) == (LATER, LATER)


def test_a_completed_command_is_not_failed_by_a_later_report() -> None:
    done = a_command_in(CommandStatus.COMPLETED)  # contract D-19

    assert done.report(False, "oh", LATER, NOWADAYS) == done


def test_a_late_report_on_a_cancelled_command_tells_what_really_happened() -> None:
    late = a_command_in(CommandStatus.CANCELLED).report(True, "done", LATER, NOWADAYS)

    assert (late.status, late.success, late.message) == ("completed", True, "done")


@pytest.mark.parametrize("status", CommandStatus)
@pytest.mark.parametrize("success", [True, False, None])
def test_formerly_the_last_report_won(status: CommandStatus, success: bool | None) -> None:
    told = a_command_in(status).report(success, "again", LATER, LAST_WINS)

    expected = CommandStatus.COMPLETED if success else CommandStatus.FAILED
    assert (told.status, told.success, told.message) == (expected, success, "again")
    assert (told.executed_at, told.completed_at) == (LATER, LATER)


def test_a_withdrawn_command_says_why_and_since_when() -> None:
    withdrawn = a_command().cancel("Superseded", LATER)

    assert (withdrawn.status, withdrawn.message) == ("cancelled", "Superseded")
    assert (withdrawn.success, withdrawn.executed_at, withdrawn.completed_at) == (None, None, LATER)


@pytest.mark.parametrize(
    ("trigger", "seconds"),
    [
        ("termination_notice", 120),
        ("rebalance_notice", 7_200),
        ("ml_recommendation", 3_600),
        ("manual_ui", 86_400),
        ("scheduled", 86_400),
        ("anything else", 86_400),
        (None, 86_400),
    ],
)
def test_an_unfetched_order_expires_when_more_than_its_time_has_passed(
    trigger: str | None, seconds: int
) -> None:
    command, end = a_command(trigger=trigger), NOON + timedelta(seconds=seconds)

    assert command.expire(end) == command
    assert not command.is_stale(end)
    assert command.is_stale(end + SECOND)
    expired = command.expire(end + SECOND)
    assert (expired.status, expired.success, expired.message) == (
        CommandStatus.CANCELLED,
        None,
        "Command expired",
    )
    assert (expired.executed_at, expired.completed_at) == (None, end + SECOND)


@pytest.mark.parametrize(("wait", "seconds"), [(None, 1800), (0, 1800), (300, 2100)])
def test_an_order_being_carried_out_expires_by_its_delivery_and_its_waiting_time(
    wait: int | None, seconds: int
) -> None:
    command = a_command(created_at=EARLIER, terminate_wait_seconds=wait).deliver(NOON)
    end = NOON + timedelta(seconds=seconds)

    assert command.expire(end) == command
    expired = command.expire(end + SECOND)
    assert (expired.status, expired.success, expired.message) == (
        CommandStatus.FAILED,
        False,
        "Execution timed out",
    )
    assert (expired.executed_at, expired.completed_at) == (NOON, end + SECOND)


def test_a_command_of_unknown_age_does_not_expire() -> None:
    undated = a_command(created_at=None)
    delivered = replace(undated, status=CommandStatus.EXECUTING, executed_at=None)

    assert undated.expire(NOON + NEVER) == undated
    assert delivered.expire(NOON + NEVER) == delivered


@pytest.mark.parametrize(
    ("lease", "age", "leased"),
    [
        (600, timedelta(0), True),
        (600, timedelta(seconds=600) - SECOND, True),
        (600, timedelta(seconds=600), False),
        (600, timedelta(seconds=601), False),
        (0, timedelta(0), False),
    ],
)
def test_a_lease_ends_exactly_with_its_time(lease: int, age: timedelta, leased: bool) -> None:
    delivered = a_command().deliver(NOON)

    assert delivered.is_leased(NOON + age, timedelta(seconds=lease)) is leased


@pytest.mark.parametrize("status", [s for s in CommandStatus if s != "executing"])
def test_only_what_was_handed_out_and_not_answered_is_leased(status: CommandStatus) -> None:
    command = a_command_in(status)

    assert not command.is_leased(NOON, NEVER)
    assert not replace(a_command(), status=CommandStatus.EXECUTING).is_leased(NOON, NEVER)


def test_what_is_stored_and_read_by_agents_has_the_words_of_the_contract() -> None:
    assert set(CommandStatus) == {"pending", "executing", "completed", "failed", "cancelled"}
    assert {*SWITCHES} == {"switch", "emergency_switch", "switch_to_ondemand"}
    assert {*CommandType} == {*SWITCHES, "create_replica"}
    assert (TRIGGERED_BY_MODEL, TRIGGERED_BY_USER) == ("ml_recommendation", "manual_ui")
    assert (PRIORITY_EMERGENCY, PRIORITY_MANUAL, PRIORITY_URGENT) == (100, 75, 50)
    assert (PRIORITY_NORMAL, PRIORITY_SCHEDULED) == (25, 10)
    assert (a_command().priority, a_command().is_legacy) == (25, False)


@given(st.integers())
def test_any_priority_is_brought_into_the_scale(priority: int) -> None:
    clamped = clamp_priority(priority)

    assert 1 <= clamped <= 100
    assert clamped == (1 if priority < 1 else 100 if priority > 100 else priority)


@given(had=st.one_of(st.none(), st.integers(1, 100)), again=st.integers(1, 100))
def test_the_same_order_again_only_makes_it_more_urgent(had: int | None, again: int) -> None:
    pending = a_command(priority=had)  # contract D-37

    repeated = pending.repeat(again, "manual_ui", 0)

    if again > (had or 0):
        assert repeated == replace(
            pending, priority=again, trigger="manual_ui", terminate_wait_seconds=0
        )
    else:
        assert repeated == pending


@pytest.mark.parametrize(
    ("kind", "is_switch"),
    [
        (CommandType.SWITCH, True),
        (CommandType.EMERGENCY_SWITCH, True),
        (CommandType.SWITCH_TO_ON_DEMAND, True),
        (CommandType.CREATE_REPLICA, False),
        ("health_check", False),
    ],
)
def test_all_switches_form_one_group(kind: str, is_switch: bool) -> None:
    command = a_command(command_type=kind)

    assert command.is_switch is is_switch
    assert command.equals(Target(mode=Mode.SPOT, pool_id=POOL_B)) is is_switch
    assert not command.equals(Target(mode=Mode.SPOT, pool_id=POOL_A))
    assert not command.equals(Target(mode=Mode.ON_DEMAND, pool_id=POOL_B))


@pytest.mark.parametrize(
    ("kind", "wait", "ends"),
    [
        (CommandType.SWITCH, 1, True),
        (CommandType.SWITCH, 0, False),
        (CommandType.SWITCH, None, False),
        (CommandType.CREATE_REPLICA, 300, False),
    ],
)
def test_a_switch_with_a_waiting_time_ends_the_old_instance(
    kind: str, wait: int | None, ends: bool
) -> None:
    command = a_command(command_type=kind, terminate_wait_seconds=wait)

    assert command.ends_the_old_instance is ends


class CommandHistory(RuleBasedStateMachine):
    """Anything may happen to a command, in any order and at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.command, self.now = a_command(), NOON
        self.was_reported = False

    @rule(seconds=st.integers(0, 5_000))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.command.is_open)
    @rule()
    def it_is_delivered(self) -> None:
        self._becomes(self.command.deliver(self.now))

    @rule(success=st.sampled_from([True, False, None]))
    def it_is_reported(self, success: bool | None) -> None:
        self.was_reported = True
        self._becomes(self.command.report(success, "told", self.now, NOWADAYS))

    @rule()
    def it_is_cancelled(self) -> None:
        self._becomes(self.command.cancel("withdrawn", self.now))

    @rule()
    def it_is_swept(self) -> None:
        self._becomes(self.command.expire(self.now))

    @invariant()
    def its_fields_agree_with_its_status(self) -> None:
        command = self.command
        assert (command.success is True) == (command.status == "completed")
        assert (command.success is False) == (command.status == "failed")
        assert (command.completed_at is None) == command.is_open
        if command.executed_at is not None and command.completed_at is not None:
            assert command.executed_at <= command.completed_at
        if self.was_reported:
            assert command.status in ("completed", "failed")

    def _becomes(self, after: Command) -> None:
        before, self.command = self.command, after
        if before.status in ("completed", "failed"):
            assert after == before
        if before.status == "cancelled" and after != before:
            assert self.was_reported
        assert (after.id, after.agent_id, after.created_at) == (
            before.id,
            before.agent_id,
            before.created_at,
        )


TestCommandHistory = CommandHistory.TestCase
TestCommandHistory.settings = settings(max_examples=40, stateful_step_count=15)
