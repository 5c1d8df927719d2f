"""A cache that the processes of one machine share, in a file of its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, ends REAL NOT NULL)
"""


class FileCache:
    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def get(self, key: str) -> bytes | None:
        with self._open() as file:
            row = file.execute(
                "SELECT value FROM entries WHERE key = ? AND ends > ?", (key, self._now())
            ).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, key: str, value: bytes, lifetime: timedelta) -> None:
        with self._open() as file:
            file.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)",
                (key, value, self._now() + lifetime.total_seconds()),
            )

    def add(self, key: str, value: bytes, lifetime: timedelta) -> bool:
        now = self._now()
        with self._open() as file:
            file.execute("DELETE FROM entries WHERE ends <= ?", (now,))
            added = file.execute(
                "INSERT OR IGNORE INTO entries VALUES (?, ?, ?)",
                (key, value, now + lifetime.total_seconds()),
            )
            return added.rowcount == 1

    def drop(self, key: str) -> None:
        with self._open() as file:
            file.execute("DELETE FROM entries WHERE key = ?", (key,))

    def _now(self) -> float:
        return self._clock.now().timestamp()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction of its own for each call."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)  # answers are kept here, some with a token in them
            with closing(sqlite3.connect(self._path, timeout=5, isolation_level=None)) as file:
                file.execute("BEGIN IMMEDIATE")
                file.execute(_TABLE)
                yield file
                file.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable("the cache file cannot be used") from error
