"""Runs of jobs through Dramatiq: within the process, and over Redis."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Event

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from redis import Redis

from spot_optimizer.adapters.persistence.engine import make_background_engine, make_engine
from spot_optimizer.adapters.persistence.exclusion import DatabaseExclusion, FileExclusion
from spot_optimizer.adapters.persistence.job_runs import SqlJobRunQueries
from spot_optimizer.adapters.persistence.unit_of_work import SqlUnitOfWork
from spot_optimizer.adapters.scheduling.actors import (
    QUEUE,
    DramatiqJobQueue,
    declare_actors,
    in_memory_broker,
)
from spot_optimizer.adapters.scheduling.cron import CronSchedule
from spot_optimizer.adapters.scheduling.embedded import EmbeddedJobs, JobService
from spot_optimizer.adapters.scheduling.redis_broker import UNREACHABLE, redis_broker
from spot_optimizer.adapters.scheduling.scheduler import Scheduler
from spot_optimizer.adapters.scheduling.worker import JobWorker
from spot_optimizer.application.jobs.fire_due_jobs import FireDueJobs
from spot_optimizer.application.jobs.job import Job
from spot_optimizer.application.jobs.run_job import RunJob
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from spot_optimizer.domain.jobs import NOTHING_DONE, JobResult, RunId, RunStatus
from tests.batch_jobs import JOBS, BatchJob, shown
from tests.builders import HOUR, NOON
from tests.fakes import FixedClock
from tests.fakes.models import OneAtATime
from tests.services import redis_url, require_redis
from tests.stores import SqlStore

REDIS_DATABASE = 8
PATIENCE_S = 30
WORD = "spot-optimizer:jobs"


@pytest.fixture
def redis() -> Iterator[str]:
    require_redis()
    url = redis_url(REDIS_DATABASE)
    client = Redis.from_url(url)

    def forget() -> None:
        if keys := client.keys(f"{WORD}*"):
            client.delete(*keys)

    forget()
    yield url
    forget()


@pytest.fixture(params=["memory", "redis"])
def broker(request: pytest.FixtureRequest) -> Iterator[dramatiq.Broker]:
    made: dramatiq.Broker = (
        in_memory_broker()
        if request.param == "memory"
        else redis_broker(request.getfixturevalue("redis"))
    )
    yield made
    made.close()


def a_job(**changes: object) -> Job:
    given = {"name": "tidy", "work": lambda: NOTHING_DONE, "schedule": None, **changes}
    return Job(**given)  # type: ignore[arg-type]


class Runs:
    """Takes runs down, and waits for them."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.taken: list[tuple[str, int]] = []
        self.failure = failure
        self.happened = Event()

    def __call__(self, job: str, run_id: RunId) -> None:
        self.taken.append((job, run_id))
        self.happened.set()
        if self.failure is not None:
            raise self.failure


def test_what_is_sent_is_run(broker: dramatiq.Broker) -> None:
    runs = Runs()
    declare_actors(broker, [a_job(), a_job(name="other")], runs)
    worker = JobWorker(broker, threads=2)
    worker.start()

    DramatiqJobQueue(broker, UNREACHABLE).send("tidy", RunId(7))

    assert runs.happened.wait(PATIENCE_S)
    worker.stop()
    assert runs.taken == [("tidy", 7)]


def test_what_was_sent_while_nobody_worked_is_run_later(redis: str) -> None:
    runs = Runs()
    sender, taker = redis_broker(redis), redis_broker(redis)
    for one in (sender, taker):
        declare_actors(one, [a_job()], runs)
    DramatiqJobQueue(sender, UNREACHABLE).send("tidy", RunId(7))
    assert runs.taken == []

    worker = JobWorker(taker, threads=1)
    worker.start()
    assert runs.happened.wait(PATIENCE_S)
    worker.stop()
    sender.close()


def test_a_failure_comes_again_later_and_last_of_all_is_dead(broker: dramatiq.Broker) -> None:
    """The delays are read off the messages, not waited for."""
    declare_actors(broker, [a_job(retries=3)], Runs())
    actor = broker.get_actor("tidy")

    assert actor.options["max_retries"] == 3
    assert actor.options["min_backoff"] == 15_000
    assert actor.options["max_backoff"] == 300_000
    assert actor.options["time_limit"] == 600_000
    assert {type(it).__name__ for it in broker.middleware} >= {"TimeLimit", "Retries"}


def test_what_is_not_tried_again_goes_to_the_dead_letters(redis: str) -> None:
    runs = Runs(ValueError("no luck"))
    broker = redis_broker(redis)
    declare_actors(broker, [a_job(retries=0)], runs)
    worker = JobWorker(broker, threads=1)
    worker.start()
    DramatiqJobQueue(broker, UNREACHABLE).send("tidy", RunId(7))
    assert runs.happened.wait(PATIENCE_S)
    worker.stop()

    client = Redis.from_url(redis)
    assert client.zcard(f"{WORD}:{QUEUE}.XQ") == 1


def test_of_the_dead_letters_in_memory_the_newest_are_kept() -> None:
    broker = in_memory_broker()
    assert isinstance(broker, StubBroker)
    letters = broker.dead_letters_by_queue["jobs"]

    for _ in range(250):
        letters.append(None)  # type: ignore[arg-type]  # any letter

    assert len(letters) == 100


def test_a_broker_that_is_away_is_no_defect() -> None:
    broker = redis_broker("redis://127.0.0.1:1/0")
    declare_actors(broker, [a_job()], Runs())

    with pytest.raises(StoreUnavailable):
        DramatiqJobQueue(broker, UNREACHABLE).send("tidy", RunId(7))


class Fires:
    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.starts = 0

    def at_start(self) -> None:
        self.starts += 1

    def __call__(self) -> datetime | None:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert answer is None or isinstance(answer, datetime)
        return answer


class TestTheScheduler:
    @pytest.mark.parametrize(
        ("ahead_s", "wait_s"), [(0.5, 0.5), (-100, 0.05), (86_400, 2.0), (None, 2.0)]
    )
    def test_it_looks_again_when_the_next_slot_comes(
        self, ahead_s: float | None, wait_s: float
    ) -> None:
        next_slot = None if ahead_s is None else NOON + timedelta(seconds=ahead_s)

        assert Scheduler(Fires(next_slot), FixedClock()).look() == wait_s

    def test_without_the_database_it_complains_once_and_goes_on(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        gone = StoreUnavailable("gone")
        scheduler = Scheduler(Fires(gone, gone, None, gone, ValueError("no luck")), FixedClock())

        for _ in range(5):
            scheduler.look()

        assert [record.levelno for record in caplog.records] == [
            logging.WARNING,
            logging.WARNING,
            logging.ERROR,
        ]

    def test_it_starts_once_however_often_the_database_comes_back(self) -> None:
        fires = Fires(StoreUnavailable("gone"), None, None)
        scheduler = Scheduler(fires, FixedClock())

        for _ in range(3):
            scheduler.look()

        assert fires.starts == 1

    def test_one_that_was_never_started_may_be_stopped(self) -> None:
        fires = Fires()
        scheduler = Scheduler(fires, FixedClock())

        scheduler.stop()

        assert fires.starts == 0


class Service:
    def __init__(self) -> None:
        self.started, self.stopped = Event(), Event()

    def start(self) -> None:
        self.started.set()

    def stop(self) -> None:
        self.stopped.set()


def test_of_the_processes_on_a_machine_one_has_the_jobs(tmp_path: object) -> None:
    lock = FileExclusion(tmp_path / "jobs.lock", patience_s=0)  # type: ignore[operator]
    one, other = Service(), Service()
    first = EmbeddedJobs(lock, lambda: one, wait_s=0, again_s=0.01)
    second = EmbeddedJobs(lock, lambda: other, wait_s=0, again_s=0.01)
    first.start()
    assert one.started.wait(PATIENCE_S)
    second.start()
    assert not other.started.is_set()

    first.stop()

    assert one.stopped.is_set()
    assert other.started.wait(PATIENCE_S)
    second.stop()
    assert other.stopped.is_set()


def test_a_service_works_before_it_schedules_and_ends_the_other_way_round() -> None:
    order: list[str] = []

    class Noted:
        def __init__(self, name: str) -> None:
            self.name = name

        def start(self) -> None:
            order.append(f"{self.name} starts")

        def stop(self) -> None:
            order.append(f"{self.name} stops")

    service = JobService(Noted("scheduler"), Noted("worker"))
    service.start()
    service.stop()

    assert order == ["worker starts", "scheduler starts", "scheduler stops", "worker stops"]


class Installation:
    """Schedulers and workers on one database and one Redis, with a clock of their own."""

    def __init__(self, url: str, redis: str, job: BatchJob, clock: FixedClock) -> None:
        self.engine = make_engine(url, 4)
        background = make_background_engine(self.engine)
        self.clock = clock
        self.done = Event()

        def work() -> JobResult:
            job.make(self.engine)()
            self.done.set()
            return NOTHING_DONE

        jobs = [a_job(name="batch", work=work, schedule=CronSchedule("0 * * * *"))]
        exclusions = lambda name: DatabaseExclusion(background, f"job-{name}", 0)  # noqa: E731
        self.broker = redis_broker(redis)
        works: Callable[[], SqlUnitOfWork] = lambda: SqlUnitOfWork(background)  # noqa: E731
        run = RunJob(works, clock, {"batch": jobs[0]}, exclusions)
        declare_actors(self.broker, jobs, run)
        self.queries = SqlJobRunQueries(background)
        queue = DramatiqJobQueue(self.broker, UNREACHABLE)
        self.fire = FireDueJobs(works, clock, jobs, self.queries, queue, exclusions, OneAtATime())
        self.worker = JobWorker(self.broker, threads=1)


@pytest.mark.parametrize("name", ["gaps", "submissions"])
def test_a_worker_that_is_killed_in_the_middle_is_replaced(
    mariadb: SqlStore, redis: str, name: str
) -> None:
    """kill -9 of a process that had taken the run from Redis; another one does it in the end."""
    job, url = JOBS[name], mariadb.engine.url.render_as_string(hide_password=False)
    job.seed(mariadb.engine)
    job.make(mariadb.engine)()
    wanted = shown(mariadb.engine, job)
    mariadb.clear()
    job.seed(mariadb.engine)

    child = os.fork()
    if child == 0:
        try:
            _work_until_killed(url, redis, job)
        finally:
            os._exit(1)
    clock = FixedClock()
    survivor = Installation(url, redis, job, clock)
    _wait_until_killed(child)
    assert shown(mariadb.engine, job) != wanted
    (run,) = survivor.queries.newest().values()
    assert run.status is RunStatus.RUNNING

    clock.advance(HOUR + timedelta(minutes=1))
    survivor.fire()
    survivor.worker.start()
    assert survivor.done.wait(PATIENCE_S)
    survivor.worker.stop()

    (run,) = survivor.queries.newest().values()
    assert (run.status, run.starts) == (RunStatus.COMPLETED, 2)
    assert shown(mariadb.engine, job) == wanted


def _work_until_killed(url: str, redis: str, job: BatchJob) -> None:
    clock = FixedClock()
    doomed = Installation(url, redis, job, clock)
    seen = [0]

    def look(connection: object, cursor: object, statement: str, *_: object) -> None:
        writes = ("INSERT INTO pricing_snapshots_clean", "UPDATE pricing_submissions_raw")
        seen[0] += statement.startswith(writes)
        if seen[0] == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    from sqlalchemy import event

    event.listen(doomed.engine, "before_cursor_execute", look)
    doomed.fire()
    clock.advance(HOUR)
    doomed.fire()
    doomed.worker.start()
    Event().wait(PATIENCE_S)


def _wait_until_killed(child: int) -> None:
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
