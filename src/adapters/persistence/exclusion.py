"""One at a time among all processes on one database, released by whatever ends a process."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from spot_optimizer.adapters.persistence.failures import meaning_of
from spot_optimizer.application.ports.exclusion import Busy
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable

_PATIENCE_S: Final = 30
_TRY_EVERY_S: Final = 0.05


class DatabaseExclusion:
    """By the server's own locks on MySQL and MariaDB; beside a database file by a lock file."""

    def __init__(self, engine: Engine, name: str, patience_s: float = _PATIENCE_S) -> None:
        self._engine = engine
        self._name = name
        self._patience_s = patience_s

    def __call__(self) -> AbstractContextManager[None]:
        held: Callable[[], AbstractContextManager[None]] = (
            self._file if self._engine.dialect.name == "sqlite" else self._server
        )
        return held()

    @contextmanager
    def _server(self) -> Iterator[None]:
        """Names are those of the whole server, so ours carries that of the database."""
        named = {"name": f"{self._engine.url.database}:{self._name}"[-64:]}
        wait = {**named, "seconds": self._patience_s}
        try:
            connection = self._engine.connect()
        except SQLAlchemyError as error:
            raise meaning_of(error) from error
        with connection:
            try:
                got = connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), wait).scalar()
                connection.rollback()
            except SQLAlchemyError as error:
                raise meaning_of(error) from error
            if got != 1:
                raise Busy
            try:
                yield
            finally:
                _release(connection, named)

    def _file(self) -> AbstractContextManager[None]:
        path = Path(f"{self._engine.url.database}.{self._name}.lock")
        return FileExclusion(path, self._patience_s)()


class FileExclusion:
    """Among the processes of one machine."""

    def __init__(self, path: Path, patience_s: float) -> None:
        self._path = path
        self._patience_s = patience_s

    def __call__(self) -> AbstractContextManager[None]:
        return self._held()

    @contextmanager
    def _held(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"{self._path} cannot be opened") from error
        try:
            _lock(file, monotonic() + self._patience_s)
            yield
        finally:
            os.close(file)


def _release(connection: Connection, named: dict[str, str]) -> None:
    """What was done under the lock is done, whatever becomes of the lock."""
    try:
        connection.execute(text("DO RELEASE_LOCK(:name)"), named)
        connection.rollback()
    except SQLAlchemyError:
        connection.invalidate()  # its end releases the lock


def _lock(file: int, until: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic() >= until:
                raise Busy from None
            sleep(_TRY_EVERY_S)
        else:
            return
