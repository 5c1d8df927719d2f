"""A server that dies between any two statements."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, cast

from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory


class Crash(Exception):
    """The process is gone, and with it whatever was not committed."""


class Saboteur:
    """Lets that many statements pass, and then none."""

    def __init__(self, works: Callable[[], UnitOfWork]) -> None:
        self._works = works
        self.left: int | None = None

    @property
    def factory(self) -> UnitOfWorkFactory:
        return cast(UnitOfWorkFactory, lambda: _Work(self._works(), self))

    def look(self) -> None:
        if self.left is None:
            return
        if self.left == 0:
            raise Crash
        self.left -= 1


class _Work:
    def __init__(self, work: UnitOfWork, saboteur: Saboteur) -> None:
        self._work, self._saboteur = work, saboteur

    def __enter__(self) -> _Work:
        self._work.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._work.__exit__(kind, error, trace)

    def commit(self) -> None:
        self._saboteur.look()
        self._work.commit()

    def __getattr__(self, name: str) -> Any:
        return _Part(getattr(self._work, name), self._saboteur)


class _Part:
    def __init__(self, part: object, saboteur: Saboteur) -> None:
        self._part, self._saboteur = part, saboteur

    def __getattr__(self, name: str) -> Any:
        self._saboteur.look()
        return getattr(self._part, name)
