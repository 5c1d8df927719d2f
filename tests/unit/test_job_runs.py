"""The life of a run, and when the next one is due, whatever the clock does."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.scheduling.cron import CronSchedule
from spot_optimizer.domain.jobs import (
    MOST_STARTS,
    NOTHING_DONE,
    SENT_AGAIN_AFTER,
    TRANSITIONS,
    JobResult,
    JobRun,
    RunEvent,
    RunStatus,
    brought_up_to_date,
)
from tests.builders import DAY, HOUR, NOON, SECOND_OF_TIME

HOURLY = CronSchedule("10 * * * *")
SECONDS = st.integers(min_value=0, max_value=40 * 365 * 86_400)


def a_run(status: RunStatus = RunStatus.WAITING, **changes: object) -> JobRun:
    times = {"queued_at": NOON, "started_at": NOON} if status is not RunStatus.WAITING else {}
    given = {"slot": NOON, **times, **changes}
    return JobRun(job="tidy", status=status, **given)  # type: ignore[arg-type]


def acted(run: JobRun, event: RunEvent) -> JobRun:
    match event:
        case RunEvent.SEND:
            return run.send(NOON)
        case RunEvent.START:
            return run.start(NOON)
        case RunEvent.COMPLETE:
            return run.complete(JobResult(deleted=3), NOON)
        case RunEvent.FAIL:
            return run.fail("no luck", NOON)


@pytest.mark.parametrize("status", RunStatus)
@pytest.mark.parametrize("event", RunEvent)
def test_what_is_not_drawn_does_not_happen(status: RunStatus, event: RunEvent) -> None:
    if (status, event) in TRANSITIONS:
        assert acted(a_run(status), event).status is TRANSITIONS[status, event]
    else:
        with pytest.raises(KeyError):
            acted(a_run(status), event)


def test_a_run_that_costs_worker_after_worker_is_given_up() -> None:
    run = a_run(RunStatus.QUEUED)
    for _ in range(MOST_STARTS):
        run = run.start(NOON)
        assert run.status is RunStatus.RUNNING

    assert run.lose(NOON).status is RunStatus.FAILED
    assert run.start(NOON).error == f"its worker died {MOST_STARTS} times"
    assert a_run(RunStatus.RUNNING, starts=1).lose(NOON).status is RunStatus.QUEUED


def test_a_second_start_forgets_the_first_failure() -> None:
    again = a_run(RunStatus.RUNNING).fail("no luck", NOON).start(NOON + HOUR)

    assert (again.error, again.ended_at, again.started_at) == (None, None, NOON + HOUR)


@given(st.integers(-100_000, 100_000))
def test_nothing_takes_less_than_no_time(seconds: int) -> None:
    run = a_run(RunStatus.RUNNING).complete(NOTHING_DONE, NOON + timedelta(seconds=seconds))

    assert run.duration == timedelta(seconds=max(0, seconds))


def test_results_add_up() -> None:
    one = JobResult(processed=1, inserted=2, updated=3, deleted=4, details={"a": 1})
    other = JobResult(processed=10, inserted=20, updated=30, deleted=40, details={"a": 5, "b": 6})

    assert one.plus(other) == JobResult(
        processed=11, inserted=22, updated=33, deleted=44, details={"a": 6, "b": 6}
    )


class TestTheScheduler:
    def look(self, run: JobRun | None, now: datetime = NOON) -> JobRun:
        return brought_up_to_date("tidy", run, HOURLY.next_after, now)

    def test_a_job_that_was_never_on_record_waits_for_its_next_slot(self) -> None:
        assert self.look(None) == JobRun(job="tidy", slot=NOON + timedelta(minutes=10))

    @pytest.mark.parametrize(("late", "sent"), [(-1, False), (0, True), (86_400 * 5, True)])
    def test_a_slot_is_sent_when_it_has_come_however_late(self, late: int, sent: bool) -> None:
        now = NOON + timedelta(seconds=late)

        run = self.look(a_run(), now)

        assert run.status is (RunStatus.QUEUED if sent else RunStatus.WAITING)
        assert run.queued_at == (now if sent else None)

    @pytest.mark.parametrize("apart", [SENT_AGAIN_AFTER, -SENT_AGAIN_AFTER])
    def test_what_nobody_takes_is_sent_again(self, apart: timedelta) -> None:
        run = a_run(RunStatus.QUEUED)

        assert self.look(run, NOON + apart).queued_at == NOON + apart
        assert self.look(run, NOON + apart * 0.9) == run

    def test_what_is_running_is_left_alone(self) -> None:
        run = a_run(RunStatus.RUNNING)

        assert self.look(run, NOON + DAY) == run

    @pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.FAILED])
    def test_after_the_end_the_next_slot_is_waited_for(self, status: RunStatus) -> None:
        run = self.look(a_run(status), NOON)

        assert run == JobRun(job="tidy", slot=NOON + timedelta(minutes=10))

    @pytest.mark.parametrize("pause", [timedelta(seconds=30), 3 * HOUR])
    def test_after_a_failure_a_pause_may_count_instead(self, pause: timedelta) -> None:
        def look(run: JobRun, now: datetime) -> JobRun:
            return brought_up_to_date("tidy", run, HOURLY.next_after, now, pause)

        failed = a_run(RunStatus.QUEUED).start(NOON).fail("no luck", NOON)
        waiting = look(failed, NOON)

        assert waiting == JobRun(job="tidy", slot=NOON + pause)
        assert look(waiting, NOON + pause - SECOND_OF_TIME) == waiting
        assert look(waiting, NOON + pause).status is RunStatus.QUEUED
        assert look(waiting, NOON - 5 * DAY).slot == HOURLY.next_after(NOON - 5 * DAY)
        completed = failed.start(NOON).complete(NOTHING_DONE, NOON)
        assert look(completed, NOON).slot == NOON + timedelta(minutes=10)

    def test_of_many_slots_that_were_missed_one_is_run(self) -> None:
        """Down for five days; then it runs once, and next when it is due again."""
        back = NOON + 5 * DAY
        sent = self.look(a_run(), back)
        ended = sent.start(back).complete(NOTHING_DONE, back)

        following = self.look(ended, back)

        assert following.slot == back + timedelta(minutes=10)

    def test_a_job_longer_than_its_period_skips_what_it_has_missed(self) -> None:
        """Started at noon, ended after three and a half hours: once more at once, not thrice."""
        started = a_run(RunStatus.QUEUED).start(NOON)
        end = NOON + 3.5 * HOUR
        following = self.look(started.complete(NOTHING_DONE, end), end)
        assert following.slot == NOON + timedelta(minutes=10)
        sent = self.look(following, end)
        again = sent.start(end).complete(NOTHING_DONE, end + SECOND_OF_TIME)

        assert self.look(again, end + SECOND_OF_TIME).slot == NOON + timedelta(hours=4, minutes=10)

    @given(
        st.lists(st.integers(-3500, 20_000), min_size=1, max_size=60),
        SECONDS,
    )
    def test_no_slot_is_sent_twice_while_the_clock_is_less_than_a_period_off(
        self, steps: list[int], start: int
    ) -> None:
        """The clock of the host jumps to and fro between two looks, but never further back from
        the latest moment it has shown than a period."""
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=start)
        latest, run, sent = now, self.look(None, now), []
        for step in steps:
            now = max(now + timedelta(seconds=step), latest - 0.99 * HOUR)
            latest = max(latest, now)
            after = self.look(run, now)
            if run.status is RunStatus.WAITING and after.status is RunStatus.QUEUED:
                assert after.slot is not None
                sent.append(after.slot)
                after = after.start(now).complete(NOTHING_DONE, now)
            run = after

        assert all(one < other for one, other in pairwise(sent))

    @given(SECONDS, st.integers(0, 400 * 86_400))
    def test_a_clock_that_was_far_ahead_keeps_nobody_waiting(self, start: int, ahead: int) -> None:
        now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=start)
        wrong = now + timedelta(seconds=ahead)
        ran = a_run(RunStatus.QUEUED, slot=wrong).start(wrong).complete(NOTHING_DONE, wrong)

        waiting = self.look(self.look(ran, now), now)

        assert waiting.status is RunStatus.QUEUED or (
            waiting.slot is not None and waiting.slot - now <= 2 * HOUR
        )


class TestCron:
    @pytest.mark.parametrize(
        ("expression", "after", "expected"),
        [
            ("*/10 * * * * *", "2026-03-01T12:00:09.5", "2026-03-01T12:00:10"),
            ("*/10 * * * * *", "2026-03-01T12:00:10", "2026-03-01T12:00:20"),
            ("*/5 * * * *", "2026-03-01T12:04:59.999999", "2026-03-01T12:05:00"),
            ("5 0 * * *", "2026-02-28T00:05:00", "2026-03-01T00:05:00"),
            ("5 0 * * *", "2028-02-28T12:00:00", "2028-02-29T00:05:00"),
            ("0 1 * * *", "2026-12-31T01:00:00", "2027-01-01T01:00:00"),
            ("20 0,6,12,18 * * *", "2026-03-01T18:20:00", "2026-03-02T00:20:00"),
            # Where Central Europe has no 02:00 that night, and where it has two.
            ("0 2 * * *", "2026-03-28T02:00:00", "2026-03-29T02:00:00"),
            ("0 2 * * *", "2026-10-25T01:59:59", "2026-10-25T02:00:00"),
            ("0 2 * * *", "2026-10-25T02:00:00", "2026-10-26T02:00:00"),
        ],
    )
    def test_the_next_slot(self, expression: str, after: str, expected: str) -> None:
        instant = datetime.fromisoformat(after).replace(tzinfo=UTC)

        following = CronSchedule(expression).next_after(instant)

        assert following == datetime.fromisoformat(expected).replace(tzinfo=UTC)
        assert following.utcoffset() == timedelta(0)

    @given(st.sampled_from(["*/10 * * * * *", "* * * * *", "10 * * * *", "0 2 * * *"]), SECONDS)
    def test_slots_are_evenly_spaced_for_ever(self, expression: str, start: int) -> None:
        """By clock changes of the host, month ends and leap days."""
        schedule = CronSchedule(expression)
        one = schedule.next_after(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=start))
        other = schedule.next_after(one)

        spaces = {"*/10 * * * * *": 10, "* * * * *": 60, "10 * * * *": 3600, "0 2 * * *": 86_400}
        assert other - one == timedelta(seconds=spaces[expression])
