"""Jobs run once a slot, whatever the number of processes, and go on after a failure."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from apscheduler.schedulers import SchedulerAlreadyRunningError

from spot_optimizer.adapters.persistence.file_cache import FileCache
from spot_optimizer.adapters.scheduling.redis_cache import RedisCache
from spot_optimizer.adapters.scheduling.timetable import Job, Timetable
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from tests.application_under_test import OPERATOR_TOKEN, a_store_in, an_api, at_once
from tests.builders import DAY
from tests.contract.clock import ReplayClock
from tests.fakes import CacheAway

PATIENCE_S = 20
MINUTE = timedelta(seconds=60)


class Work:
    """Counts how often it was done, and may fail."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.done = 0
        self.failure = failure

    def __call__(self) -> None:
        self.done += 1
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def clock() -> ReplayClock:
    return ReplayClock()


@pytest.fixture
def process(tmp_path: Path, clock: ReplayClock) -> Callable[[], Timetable]:
    """One more process of the same installation."""

    def another() -> Timetable:
        return Timetable([], FileCache(tmp_path / "cache.sqlite3", clock), clock)

    return another


@pytest.mark.parametrize(("needs_lease", "done"), [(True, 0), (False, 1)])
def test_emergencies_do_not_wait_for_the_cache(
    clock: ReplayClock, needs_lease: bool, done: int
) -> None:
    work = Work()

    Timetable([], CacheAway(), clock).run_slot(Job("watch", work, MINUTE, needs_lease))

    assert work.done == done


def test_of_two_processes_one_runs_a_slot(process: Callable[[], Timetable]) -> None:
    work = Work()
    job = Job("tidy", work, MINUTE)

    for timetable in (process(), process(), process()):
        timetable.run_slot(job)

    assert work.done == 1


def test_of_many_at_the_same_moment_one_runs_a_slot(process: Callable[[], Timetable]) -> None:
    work = Work()
    job = Job("tidy", work, MINUTE)
    timetables = [process() for _ in range(8)]

    at_once(*[lambda one=one: one.run_slot(job) for one in timetables])

    assert work.done == 1


def test_every_slot_is_run(process: Callable[[], Timetable], clock: ReplayClock) -> None:
    work, timetable = Work(), process()

    for _ in range(5):
        timetable.run_slot(Job("tidy", work, MINUTE))
        clock.advance(60)

    assert work.done == 5


def test_jobs_do_not_take_each_others_slots(process: Callable[[], Timetable]) -> None:
    one, other, timetable = Work(), Work(), process()

    timetable.run_slot(Job("one", one, MINUTE))
    timetable.run_slot(Job("other", other, MINUTE))

    assert (one.done, other.done) == (1, 1)


def test_a_failing_job_is_logged_and_tried_again_in_the_next_slot(
    process: Callable[[], Timetable], clock: ReplayClock, caplog: pytest.LogCaptureFixture
) -> None:
    work, timetable = Work(ValueError("no luck")), process()
    job = Job("tidy", work, MINUTE)

    timetable.run_slot(job)
    timetable.run_slot(job)
    clock.advance(60)
    timetable.run_slot(job)

    assert work.done == 2
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "tidy" in caplog.text
    assert "no luck" in caplog.text


def test_a_job_without_its_database_is_left_out(
    process: Callable[[], Timetable], caplog: pytest.LogCaptureFixture
) -> None:
    process().run_slot(Job("tidy", Work(StoreUnavailable("gone")), MINUTE))

    (record,) = caplog.records
    assert (record.levelno, record.message) == (logging.WARNING, "tidy was left out: gone")


def test_without_the_cache_nobody_knows_whose_slot_it_is(
    clock: ReplayClock, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()

    Timetable([], RedisCache("redis://127.0.0.1:1/0"), clock).run_slot(Job("tidy", work, MINUTE))

    assert work.done == 0
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_timetable_that_was_never_started_may_be_stopped(
    process: Callable[[], Timetable],
) -> None:
    timetable = process()

    timetable.stop()

    timetable.start()
    with pytest.raises(SchedulerAlreadyRunningError):
        timetable.start()
    timetable.stop()


def test_a_job_may_be_due_at_once(tmp_path: Path, clock: ReplayClock) -> None:
    at_once, later = Event(), Event()
    jobs = [
        Job("at once", at_once.set, DAY, at_start=True),
        Job("later", later.set, DAY),
    ]
    timetable = Timetable(jobs, FileCache(tmp_path / "cache.sqlite3", clock), clock)

    timetable.start()
    assert at_once.wait(PATIENCE_S)
    timetable.stop()

    assert not later.is_set()


def test_it_starts_and_stops_with_the_application(tmp_path: Path) -> None:
    with (
        a_store_in(tmp_path) as store,
        an_api(store.url, tmp_path, ENABLE_BACKGROUND_JOBS="True") as api,
    ):
        assert api.get("/api/admin/stats", token=OPERATOR_TOKEN).status_code == 200
