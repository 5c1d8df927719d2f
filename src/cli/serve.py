"""`spot-optimizer serve`: looks at everything first, then serves until it is told to stop.

With several workers this process only watches them, so it stays small: neither the application nor
the database driver is imported here.
"""

import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from logging.config import dictConfig
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from spot_optimizer.adapters.admin_token import AdminTokenFile
from spot_optimizer.cli.collector import no_collections
from spot_optimizer.cli.configuration import FIGURES_DIR, settings_from, wrong_setting
from spot_optimizer.cli.listening import listen, taken_port, url_of
from spot_optimizer.cli.logs import log_config, make_log_folder
from spot_optimizer.cli.signals import end_on_sigterm, interrupts_held_back
from spot_optimizer.settings import Settings

_SILENCE_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


def serve(host: str | None, port: int | None, workers: int, dashboard: Path | None) -> None:
    """Returns when a signal has ended the server.

    Raises:
        Failure: it cannot be started.
    """
    options = {"HOST": host, "PORT": port, "DASHBOARD_DIR": dashboard}
    # Also for the workers, who read their own.
    os.environ.update({name: str(value) for name, value in options.items() if value is not None})
    settings = settings_from()
    _check_dashboard(settings)
    make_log_folder(settings)
    dictConfig(log_config(settings))
    end_on_sigterm()
    with suppress(KeyboardInterrupt):
        _serve(settings, workers)
    logger.info("Ended")


def _check_dashboard(settings: Settings) -> None:
    folder = settings.dashboard_dir
    if folder is not None and not (folder / "index.html").is_file():
        raise wrong_setting("DASHBOARD_DIR", f"there is no index.html in {folder}")


def _serve(settings: Settings, workers: int) -> None:
    with taken_port(settings.host, settings.port) as taken:
        tell_admin_token(settings)
        if settings.admin_auth == "open":
            logger.warning("ADMIN_AUTH=open: whoever reaches this port is an operator")
        if settings.allow_unsafe_uploads:
            logger.warning("ALLOW_UNSAFE_UPLOADS: files that run code when opened may be uploaded")
        if settings.redis_url is not None:
            logger.warning("REDIS_URL: background jobs need `scheduler` and `worker` beside this")
        with _inspection(settings.database_url, workers) as inspection:
            from spot_optimizer.cli.workers import run  # takes a moment, which is free now

            for remark in _patiently(inspection):
                logger.warning(remark)
        if not settings.weighs_places and not settings.compatibility:
            logger.info(
                "Decisions go by the four rules of the former server; "
                "DECISION_ENGINE_MODULE=decision_engines.placement_engine weighs costs and risks"
            )
        listen(taken, settings.host, settings.port)
        logger.info(
            "Listening on %s with %s; Ctrl-C ends it",
            url_of(settings.host, settings.port),
            "1 worker" if workers == 1 else f"{workers} workers",
        )
        with TemporaryDirectory(prefix="spot-optimizer-figures-") as figures:
            if workers > 1:
                os.environ[FIGURES_DIR] = figures
            run(settings, workers, taken)


def tell_admin_token(settings: Settings) -> None:
    """Makes the operator's token at the first start, and shows it then and never again.

    Raises:
        Failure: the data folder cannot be written.
    """
    if settings.admin_api_token is not None:
        return
    kept = AdminTokenFile(settings.data_dir)
    try:
        token, is_new = kept.ensure()
    except OSError as error:
        reason = f"{settings.data_dir} cannot be written: {error.strerror}"
        raise wrong_setting("DATA_DIR", reason) from error
    if is_new:
        # Not a log line: logs are copied to where a token has no business.
        sys.stderr.write(f"Admin token (shown once; kept in {kept.path}): {token}\n")
    else:
        logger.info("The admin token is kept in %s", kept.path)


@contextmanager
def _inspection(url: str, workers: int) -> Iterator[Future[tuple[str, ...]]]:
    """In a process that ends afterwards, unless this one needs the driver itself."""
    pool: Executor = (
        ThreadPoolExecutor(1)
        if workers == 1
        else ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    )
    with pool:
        with interrupts_held_back():
            inspection = pool.submit(_inspected, url)
        yield inspection


def _inspected(url: str) -> tuple[str, ...]:
    with no_collections():
        from spot_optimizer.cli.preflight import inspected

    return inspected(url)


def _patiently(inspection: Future[tuple[str, ...]]) -> tuple[str, ...]:
    try:
        return inspection.result(_SILENCE_SECONDS)
    except TimeoutError:
        from rich.console import Console

        with Console(stderr=True).status("Waiting for the database"):
            return inspection.result()
