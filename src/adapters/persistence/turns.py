"""Whose turn it is to write to a database file.

SQLite lets one connection write at a time, and lets whoever finds it busy sleep up to a tenth of a
second before it looks again, in no order. The threads of one process wait here instead: each is
woken when its turn has come, those in a hurry before all others.
"""

from collections import deque
from threading import Lock
from typing import Final

from sqlalchemy import Engine

from spot_optimizer.application.ports.unit_of_work import StoreUnavailable

# As long as a connection waits for another process.
_PATIENCE_S: Final = 10.0


class Turns:
    """One holder at a time, in the order of arrival, the urgent first."""

    def __init__(self, patience_s: float = _PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._guard = Lock()
        self._is_taken = False
        self._urgent: deque[Lock] = deque()
        self._others: deque[Lock] = deque()

    def take(self, *, urgent: bool) -> None:
        """Raises:
        StoreUnavailable: it took too long.
        """
        queue = self._urgent if urgent else self._others
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            mine = Lock()
            mine.acquire()
            queue.append(mine)
        if mine.acquire(timeout=self._patience_s):
            return
        with self._guard:
            if mine in queue:
                queue.remove(mine)
                raise StoreUnavailable("the database file is busy")

    def pass_on(self) -> None:
        with self._guard:
            queue = self._urgent or self._others
            if queue:
                queue.popleft().release()
            else:
                self._is_taken = False


def make_turns(engine: Engine) -> Turns | None:
    """None where writers do not wait for one another, as on a database server."""
    return Turns() if engine.dialect.name == "sqlite" else None
