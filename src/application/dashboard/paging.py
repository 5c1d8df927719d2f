"""A part of a list that goes on (contract/clients-and-notifications.md 4.6, 4.9, 8.1)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended, in a list that is sorted by time, newest first, and then by id; what has
    no time stands last."""

    at: datetime | None
    id: str


@dataclass(frozen=True, slots=True)
class Placed(Generic[T]):
    """A line of a list that tells elsewhere where it stands."""

    line: T
    position: Position


@dataclass(frozen=True, slots=True)
class Page:
    limit: int
    after: Position | None = None
