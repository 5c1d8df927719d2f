"""Where log lines go and what they look like: one line per event, without secrets."""

import fcntl
import json
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import Any, Final

from spot_optimizer.cli.configuration import wrong_setting
from spot_optimizer.settings import Settings

FILE_BYTES: Final = 10 * 1024 * 1024
FILES_KEPT: Final = 5

_HERE: Final = __name__
_CONTROLS: Final = {number: repr(chr(number))[1:-1] for number in (*range(32), 127)} | {9: "\t"}


def log_config(settings: Settings) -> dict[str, Any]:
    """For `logging.config.dictConfig`, in every process of the server.

    LOG_LEVEL is the level of the server itself. Libraries speak from WARNING on, whatever it is:
    what they say below may hold headers, bodies and SQL parameters.
    """
    handlers: dict[str, Any] = {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": settings.log_format,
        }
    }
    if settings.log_file is not None:
        handlers["file"] = {
            "()": f"{_HERE}.SharedRotatingFile",
            "filename": str(settings.log_file.absolute()),
            "maxBytes": FILE_BYTES,
            "backupCount": FILES_KEPT,
            "encoding": "utf-8",
            "delay": True,
            "formatter": settings.log_format,
        }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": f"{_HERE}.OneLine"},
            "json": {"()": f"{_HERE}.OneObject"},
        },
        "filters": {"without_query": {"()": f"{_HERE}.WithoutQuery"}},
        "handlers": handlers,
        "loggers": {
            "spot_optimizer": {"level": settings.log_level},
            "uvicorn.access": {"level": "INFO", "filters": ["without_query"]},
        },
        "root": {
            "level": max(logging.WARNING, logging.getLevelName(settings.log_level)),
            "handlers": list(handlers),
        },
    }


def has_access_lines(settings: Settings) -> bool:
    """A line per request costs a part of the speed, so it is for looking closely only."""
    return settings.log_level == "DEBUG"


def make_log_folder(settings: Settings) -> None:
    """Raises:
    Failure: LOG_FILE cannot be written.
    """
    if settings.log_file is None:
        return
    try:
        settings.log_file.parent.mkdir(parents=True, exist_ok=True)
        settings.log_file.open("a").close()
    except OSError as error:
        reason = f"{settings.log_file} cannot be written: {error.strerror}"
        raise wrong_setting("LOG_FILE", reason) from error


class OneLine(logging.Formatter):
    """Time in UTC, level, logger, message; line breaks, as in tracebacks, are written as `\\n`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(_CONTROLS)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802  the library's name
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.strftime(datefmt or "%Y-%m-%dT%H:%M:%S.") + f"{int(record.msecs):03d}Z"


class OneObject(OneLine):
    """The same as a JSON object in a line, with the ids of the request that it was written for and
    of the path it asked for, such as `agent_id`."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps({**_ids_of_request(), **entry}, default=str)


def _ids_of_request() -> Mapping[str, str]:
    # Only where the application runs: the supervisor of several workers stays small.
    tracking = sys.modules.get("spot_optimizer.adapters.http.tracking")
    return tracking.current_ids() if tracking is not None else {}


class WithoutQuery(logging.Filter):
    """Cuts the query off the path of an access line: some clients put tokens there."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, version, status = record.args
            record.args = (client, method, str(path).partition("?")[0], version, status)
        return True


class SharedRotatingFile(RotatingFileHandler):
    """A rotating file that several processes write; of those that find it full, one rotates it."""

    def emit(self, record: logging.LogRecord) -> None:
        self._follow()
        super().emit(record)

    def doRollover(self) -> None:  # noqa: N802  the library's name
        with open(f"{self.baseFilename}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._follow():
                super().doRollover()

    def _follow(self) -> bool:
        """Whether another process has rotated the file, so that the new one is written now."""
        if self.stream is None:
            return False
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(self.stream.fileno()), os.stat(self.baseFilename)):
                return False
        self.stream.close()
        self.stream = self._open()
        return True
