"""`spot-optimizer jobs`, `worker` and `scheduler`: background jobs outside of the server."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from logging.config import dictConfig
from threading import Event
from typing import Final, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spot_optimizer.application.ports.exclusion import Busy
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from spot_optimizer.bootstrap import Container
from spot_optimizer.cli.configuration import settings_from, wrong_setting
from spot_optimizer.cli.databases import parse, place
from spot_optimizer.cli.failures import DATABASE_UNUSABLE, FAILED, Failure
from spot_optimizer.cli.logs import log_config, make_log_folder
from spot_optimizer.domain.errors import NotFound
from spot_optimizer.domain.jobs import JobRun

T = TypeVar("T")

logger = logging.getLogger(__name__)

_SECONDS: Final = "%Y-%m-%d %H:%M:%S"


def work(threads: int | None) -> None:
    """Runs what schedulers send, until a signal ends it; what is under way is finished.

    Raises:
        Failure: there is no Redis to work for.
    """
    with _a_container() as container:
        if container.settings().redis_url is None:
            raise wrong_setting("REDIS_URL", "must be set: without it the server runs its jobs")
        worker = container.job_worker(**({} if threads is None else {"threads": threads}))
        worker.start()
        logger.info("Working; Ctrl-C ends it")
        _wait_for_the_end()
        worker.stop()
        logger.info("Ended")


def schedule() -> None:
    """Sends what is due to the workers, until a signal ends it.

    Raises:
        Failure: there is no Redis to send to.
    """
    with _a_container() as container:
        if container.settings().redis_url is None:
            raise wrong_setting("REDIS_URL", "must be set: without it the server runs its jobs")
        scheduler = container.scheduler()
        scheduler.start()
        logger.info("Scheduling; Ctrl-C ends it")
        _wait_for_the_end()
        scheduler.stop()
        logger.info("Ended")


def show() -> None:
    """Prints the jobs with their last and next runs."""
    with _a_container() as container:
        lines = _asked(container, container.list_jobs())
    table = _table("Job", "Schedule (UTC)", "Now", "Last run", "Took", "Outcome", "Next run")
    for line in lines:
        last = line.last
        table.add_row(
            line.name,
            line.schedule,
            line.status,
            _time(last.started_at if last else None),
            _took(last),
            _outcome(last),
            _time(line.next_at),
        )
    Console().print(table)


def history(name: str | None, limit: int) -> None:
    """Prints the runs that have ended, the newest first.

    Raises:
        Failure: there is no such job.
    """
    with _a_container() as container:
        runs = _asked(container, lambda: container.list_jobs().history(name, limit))
    table = _table("Job", "Slot (UTC)", "Started", "Took", "Outcome", "Rows", "More")
    for run in runs:
        done = run.result
        table.add_row(
            run.job,
            _time(run.slot) or "by hand",
            _time(run.started_at),
            _took(run),
            _outcome(run),
            f"{done.processed} read, {done.inserted} new, {done.updated} changed, "
            f"{done.deleted} deleted",
            escape(", ".join(f"{name} {count}" for name, count in done.details.items())),
        )
    Console().print(table)


def run(name: str) -> None:
    """Runs a job here and now, whenever it is due.

    Raises:
        Failure: there is no such job, it runs already, or it fails.
    """
    with _a_container() as container:
        try:
            ended = _asked(container, lambda: container.run_job().by_hand(name))
        except Busy as busy:
            raise Failure(f"{name} is running already", FAILED) from busy
        except StoreUnavailable as error:
            raise _unreachable(container) from error
        except Failure:
            raise
        except Exception as error:
            raise Failure(f"{name} failed: {type(error).__name__}: {error}", FAILED) from error
    done = ended.result
    Console().print(
        f"{name}: {done.processed} rows read, {done.inserted} new, {done.updated} changed, "
        f"{done.deleted} deleted in {_took(ended)}",
        soft_wrap=True,
    )


@contextmanager
def _a_container() -> Iterator[Container]:
    settings = settings_from()
    make_log_folder(settings)
    dictConfig(log_config(settings))
    container = Container(settings=settings)
    try:
        yield container
    finally:
        container.background_engine().dispose()
        container.engine().dispose()


def _asked(container: Container, question: Callable[[], T]) -> T:
    try:
        return question()
    except NotFound as error:
        raise Failure(str(error), FAILED) from error
    except StoreUnavailable as error:
        raise _unreachable(container) from error


def _unreachable(container: Container) -> Failure:
    where = place(parse(container.settings().database_url))
    return Failure(f"Cannot reach the database at {where}", DATABASE_UNUSABLE)


def _wait_for_the_end() -> None:
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    while not ended.wait(1):
        pass


def _table(name: str, *columns: str) -> Table:
    table = Table()
    table.add_column(name, no_wrap=True)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _time(instant: datetime | None) -> str:
    return instant.strftime(_SECONDS) if instant else ""


def _took(run: JobRun | None) -> str:
    return "" if run is None or run.duration is None else f"{run.duration.total_seconds():.1f} s"


def _outcome(run: JobRun | None) -> str:
    if run is None:
        return ""
    return escape(run.status if run.error is None else f"{run.status}: {run.error}")
