"""Every batch job may be killed at any statement and run again: the same rows as one clean run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, event

from spot_optimizer.adapters.persistence.engine import make_engine
from tests.batch_jobs import JOBS, BatchJob, shown
from tests.stores import SqlStore

NAMES = sorted(JOBS)


@pytest.fixture(params=NAMES)
def job(request: pytest.FixtureRequest) -> BatchJob:
    return JOBS[request.param]


def at_statement(engine: Engine, number: int, happen: Callable[[], None]) -> list[int]:
    """Something happens before the statement or commit of that number; returns the count."""
    passed = [0]

    def look(*_: object) -> None:
        if passed[0] == number:
            happen()
        passed[0] += 1

    event.listen(engine, "before_cursor_execute", look)
    event.listen(engine, "commit", look)
    return passed


class Killed(BaseException):
    """Nobody catches it, as nobody catches a signal."""


def die() -> None:
    raise Killed


def test_a_second_run_changes_nothing(database: SqlStore, job: BatchJob) -> None:
    job.seed(database.engine)
    before = shown(database.engine, job)
    job.make(database.engine)()
    once = shown(database.engine, job)

    job.make(database.engine)()

    assert once != before
    assert shown(database.engine, job) == once


def test_an_interrupted_job_leaves_nothing_half_done(database: SqlStore, job: BatchJob) -> None:
    """In this process, at every statement, time after time until it gets through."""
    job.seed(database.engine)
    job.make(database.engine)()
    wanted = shown(database.engine, job)
    database.clear()
    job.seed(database.engine)

    url, passes, was_killed = database.engine.url.render_as_string(hide_password=False), 0, True
    while was_killed:
        engine = make_engine(url, 2)
        at_statement(engine, passes, die)
        try:
            job.make(engine)()
            was_killed = False
        except Killed:
            passes += 1
        finally:
            engine.dispose()

    assert passes > 2
    assert shown(database.engine, job) == wanted


@pytest.mark.parametrize("name", NAMES)
def test_kill_9_at_every_statement(mariadb: SqlStore, name: str) -> None:
    """A process of its own runs the job and is killed; this one runs it again."""
    job, url = JOBS[name], mariadb.engine.url.render_as_string(hide_password=False)
    job.seed(mariadb.engine)
    job.make(mariadb.engine)()
    wanted = shown(mariadb.engine, job)
    killed, at = True, 0
    while killed:
        mariadb.clear()
        job.seed(mariadb.engine)

        killed = _is_killed(url, job, at)
        job.make(mariadb.engine)()

        assert shown(mariadb.engine, job) == wanted, f"killed at statement {at}"
        at += 1
    assert at > 2


def _is_killed(url: str, job: BatchJob, at: int) -> bool:
    child = os.fork()
    if child == 0:
        try:
            engine = make_engine(url, 2)
            at_statement(engine, at, lambda: os.kill(os.getpid(), signal.SIGKILL))
            job.make(engine)()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
