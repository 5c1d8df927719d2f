from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time; the database's own is never asked."""

    def now(self) -> datetime:
        """An aware instant in UTC."""
        ...


class Stopwatch(Protocol):
    """Measures how long something takes."""

    def seconds(self) -> float:
        """Seconds since some fixed moment; never goes back."""
        ...
