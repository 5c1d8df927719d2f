"""Due jobs are sent once and run once, whatever dies meanwhile; in memory and in databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from spot_optimizer.adapters.persistence.engine import make_background_engine
from spot_optimizer.adapters.persistence.exclusion import DatabaseExclusion
from spot_optimizer.adapters.persistence.job_runs import SqlJobRunQueries
from spot_optimizer.adapters.scheduling.cron import CronSchedule
from spot_optimizer.application.jobs.fire_due_jobs import FireDueJobs
from spot_optimizer.application.jobs.job import Job, counted
from spot_optimizer.application.jobs.list_jobs import ListJobs
from spot_optimizer.application.jobs.run_job import RunJob
from spot_optimizer.application.ports.exclusion import Busy
from spot_optimizer.application.ports.jobs import JobExclusions, JobRunQueries
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, UnitOfWorkFactory
from spot_optimizer.domain import job_occurrences
from spot_optimizer.domain.jobs import JobNotFound, JobResult, JobRun, RunId, RunStatus
from tests.application_under_test import at_once
from tests.builders import HOUR, MINUTE, NOON
from tests.fakes import FixedClock, InMemoryUnitOfWork
from tests.fakes.jobs import InMemoryQueue, OneAtATimeByName
from tests.fakes.models import OneAtATime
from tests.sabotage import Crash, Saboteur
from tests.stores import InMemoryStore, SqlStore, Store

HOURLY = CronSchedule("0 * * * *")


class Work:
    """Counts how often it was done, and may fail."""

    def __init__(self) -> None:
        self.done = 0
        self.failure: BaseException | None = None

    def __call__(self) -> JobResult:
        self.done += 1
        if self.failure is not None:
            raise self.failure
        told = (job_occurrences.savings_computed(7, NOON),)
        return JobResult(deleted=3, details={"things": 2}, occurrences=told)


class Stage:
    """A job, its clock, and any number of schedulers and workers around one store."""

    def __init__(self, store: Store, **job: object) -> None:
        self.store = store
        self.clock = FixedClock()
        self.queue = InMemoryQueue()
        self.exclusions: JobExclusions = OneAtATimeByName()
        self.work = Work()
        self.job = Job(
            **{  # type: ignore[arg-type]
                "name": "tidy",
                "work": self.work,
                "schedule": HOURLY,
                "tell_failure": job_occurrences.cleanup_failed,
                **job,
            }
        )
        if isinstance(store, SqlStore):
            self.queries: JobRunQueries = SqlJobRunQueries(store.engine)
        else:
            work = store.work()
            assert isinstance(work, InMemoryUnitOfWork)
            self.queries = work.job_runs

    def scheduler(self, works: UnitOfWorkFactory | None = None) -> FireDueJobs:
        first = (
            DatabaseExclusion(make_background_engine(self.store.engine), "jobs")
            if isinstance(self.store, SqlStore)
            else OneAtATime()
        )
        return FireDueJobs(
            works or self.store.work,
            self.clock,
            [self.job],
            self.queries,
            self.queue,
            self.exclusions,
            first,
        )

    def worker(self, works: UnitOfWorkFactory | None = None) -> RunJob:
        jobs = {self.job.name: self.job}
        return RunJob(works or self.store.work, self.clock, jobs, self.exclusions)

    def tick(self, ahead: timedelta = timedelta()) -> None:
        """Time passes, and a scheduler looks until it has nothing more to do."""
        self.clock.advance(ahead)
        for _ in range(3):
            self.scheduler()()

    def take(self) -> list[JobRun | None]:
        """Everything that was sent is run."""
        sent, self.queue.sent = self.queue.sent, []
        return [self.worker()(job, run_id) for job, run_id in sent]

    @property
    def newest(self) -> JobRun:
        return self.queries.newest()["tidy"]


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store)


def test_a_slot_is_sent_run_and_put_on_record(stage: Stage) -> None:
    stage.tick()
    stage.tick(HOUR)
    (ended,) = stage.take()

    assert ended is not None
    assert (ended.status, ended.slot, ended.starts) == (RunStatus.COMPLETED, NOON + HOUR, 1)
    (kept,) = stage.queries.ended("tidy", 10)
    assert kept.result.details == {"things": 2}
    assert kept.result.deleted == 3
    stage.tick()
    assert stage.newest.slot == NOON + 2 * HOUR
    assert stage.work.done == 1


def test_what_was_due_while_everything_was_down_is_run_once(stage: Stage) -> None:
    stage.tick()
    stage.tick(100 * HOUR)
    stage.take()
    stage.tick(timedelta(minutes=1))
    stage.take()

    assert stage.work.done == 1
    assert stage.newest.slot == NOON + 101 * HOUR


def test_what_is_lost_with_a_broker_is_sent_again(stage: Stage) -> None:
    stage.tick()
    stage.tick(HOUR)
    stage.queue.sent.clear()
    stage.tick(timedelta(seconds=59))
    assert stage.queue.sent == []
    stage.tick(timedelta(seconds=1))
    stage.take()

    assert stage.work.done == 1


def test_a_broker_that_is_away_delays_a_run(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.tick()
    stage.queue.is_away = True
    stage.tick(HOUR)
    stage.queue.is_away = False
    stage.tick(timedelta(minutes=1))
    stage.take()

    assert stage.work.done == 1
    assert "tidy could not be sent" in caplog.text


def test_what_is_sent_twice_is_run_once(stage: Stage) -> None:
    stage.tick()
    stage.tick(HOUR)
    stage.queue.sent *= 3
    runs = stage.take()

    assert stage.work.done == 1
    assert [run is not None for run in runs] == [True, False, False]


def test_what_a_worker_died_of_is_run_again(stage: Stage) -> None:
    stage.tick()
    stage.tick(HOUR)
    stage.work.failure = Crash()
    saboteur = Saboteur(stage.store.work)
    worker = stage.worker(saboteur.factory)
    ((job, run_id),) = stage.queue.sent
    stage.queue.sent = []
    saboteur.left = 3  # hold, save and commit, and then nothing any more
    with pytest.raises(Crash):
        worker(job, run_id)
    assert stage.newest.status is RunStatus.RUNNING
    stage.work.failure = None

    stage.tick(timedelta(seconds=29))
    assert stage.queue.sent == []
    stage.tick(timedelta(seconds=1))
    (ended,) = stage.take()

    assert ended is not None
    assert (ended.status, ended.starts, stage.work.done) == (RunStatus.COMPLETED, 2, 2)


def test_a_run_that_lives_is_not_run_again(stage: Stage) -> None:
    stage.tick()
    stage.tick(HOUR)
    ((job, run_id),) = stage.queue.sent
    seen = []

    def look_meanwhile() -> int:
        stage.tick(5 * HOUR)
        seen.append((stage.newest.status, list(stage.queue.sent)))
        return 1

    stage.job = Job(name="tidy", work=counted(look_meanwhile), schedule=HOURLY)
    stage.worker()(job, run_id)

    assert seen == [(RunStatus.RUNNING, [(job, run_id)])]


def test_two_workers_do_not_run_the_same_job(stage: Stage) -> None:
    stage.tick()
    stage.tick(HOUR)

    with stage.exclusions("tidy")():
        assert stage.take() == [None]
        with pytest.raises(Busy):
            stage.worker().by_hand("tidy")
    assert stage.newest.status is RunStatus.QUEUED


def test_a_failure_is_on_record_and_told(stage: Stage) -> None:
    stage.tick()
    stage.tick(HOUR)
    stage.work.failure = ValueError("no luck")
    ((job, run_id),) = stage.queue.sent

    with pytest.raises(ValueError, match="no luck"):
        stage.worker()(job, run_id)

    (failed,) = stage.queries.ended(None, 10)
    assert (failed.status, failed.error) == (RunStatus.FAILED, "ValueError: no luck")
    stage.work.failure = None
    again = stage.worker()(job, run_id)  # as the broker does
    assert again is not None
    assert (again.status, again.error, again.starts) == (RunStatus.COMPLETED, None, 2)


def test_after_a_failure_a_monitor_rests(store: Store) -> None:
    stage = Stage(store, pause_after_failure=5 * MINUTE)
    stage.tick()
    stage.tick(HOUR)
    stage.work.failure = ValueError("no luck")
    with pytest.raises(ValueError, match="no luck"):
        stage.take()

    stage.tick(4 * MINUTE)
    assert stage.queue.sent == []
    stage.tick(MINUTE)
    assert len(stage.queue.sent) == 1


def test_an_interrupted_run_has_failed(stage: Stage) -> None:
    """A time limit is no Exception."""
    stage.work.failure = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        stage.worker().by_hand("tidy")

    assert stage.queries.last_ended()["tidy"].error == "KeyboardInterrupt"


def test_by_hand_it_runs_at_once_and_changes_no_slot(stage: Stage) -> None:
    stage.tick()

    ended = stage.worker().by_hand("tidy")

    assert (ended.status, ended.slot) == (RunStatus.COMPLETED, None)
    assert stage.newest.slot == NOON + HOUR
    assert stage.newest.status is RunStatus.WAITING


def test_nobody_runs_what_does_not_exist(stage: Stage) -> None:
    with pytest.raises(JobNotFound):
        stage.worker().by_hand("nope")
    assert stage.worker()("tidy", RunId(99)) is None


def test_of_frequent_jobs_the_last_run_alone_is_kept(store: Store) -> None:
    stage = Stage(store, keeps_history=False)
    for _ in range(4):
        stage.tick(HOUR)
        stage.take()

    assert [run.slot for run in stage.queries.ended("tidy", 10)] == [NOON + 4 * HOUR]


def test_some_run_at_each_start(store: Store) -> None:
    stage = Stage(store, schedule=None)
    for _ in range(2):
        stage.scheduler().at_start()
        stage.tick()
        stage.take()

    assert stage.work.done == 2


def test_it_is_told_in_the_transaction_that_completes_the_run(store: Store) -> None:
    """Whatever the worker dies of, there is one event in the end."""
    stage = Stage(store)
    for passes in range(20):
        saboteur = Saboteur(store.work)
        saboteur.left = passes
        try:
            stage.worker(saboteur.factory).by_hand("tidy")
        except Crash:
            continue
        break

    assert passes > 3
    completed = [it for it in stage.queries.ended(None, 99) if it.status == RunStatus.COMPLETED]
    assert len(completed) == 1


@pytest.mark.parametrize("passes", range(8))
def test_a_scheduler_may_die_at_any_statement(store: Store, passes: int) -> None:
    stage = Stage(store)
    stage.tick()
    stage.clock.advance(HOUR)
    saboteur = Saboteur(store.work)
    saboteur.left = passes
    for _ in range(3):
        try:
            stage.scheduler(saboteur.factory)()
        except Crash:
            break

    stage.tick()
    stage.take()
    stage.tick(timedelta(minutes=2))
    stage.take()

    assert stage.work.done == 1
    assert stage.newest.slot == NOON + 2 * HOUR


def test_of_many_schedulers_one_sends(database: SqlStore) -> None:
    stage = Stage(database)
    at_once(*[stage.scheduler() for _ in range(4)])
    with database.engine.connect() as connection:
        assert len(connection.exec_driver_sql("SELECT 1 FROM data_processing_jobs").all()) == 1
    stage.clock.advance(HOUR)

    at_once(*[stage.scheduler() for _ in range(4)])

    assert len(stage.queue.sent) == 1
    stage.take()
    at_once(*[stage.scheduler() for _ in range(4)])
    with database.engine.connect() as connection:
        assert len(connection.exec_driver_sql("SELECT 1 FROM data_processing_jobs").all()) == 2


def test_the_list_says_what_was_and_what_will_be(stage: Stage) -> None:
    listing = ListJobs([stage.job], stage.queries, stage.clock)
    (line,) = listing()
    assert (line.last, line.next_at, line.status) == (None, NOON + HOUR, RunStatus.WAITING)

    stage.tick()
    stage.tick(HOUR)
    (line,) = listing()
    assert (line.next_at, line.status) == (NOON + HOUR, RunStatus.QUEUED)

    stage.take()
    (line,) = listing()
    assert line.last is not None
    assert (line.last.status, line.next_at) == (RunStatus.COMPLETED, NOON + 2 * HOUR)
    assert [run.slot for run in listing.history("tidy", 5)] == [NOON + HOUR]
    with pytest.raises(JobNotFound):
        listing.history("nope", 5)


def test_without_the_database_nothing_is_sent() -> None:
    def away() -> InMemoryUnitOfWork:
        raise StoreUnavailable("the database is away")

    stage = Stage(InMemoryStore())
    works: Callable[[], InMemoryUnitOfWork] = away

    with pytest.raises(StoreUnavailable):
        stage.scheduler(works)()
    assert stage.queue.sent == []
