"""The time of a replay, which stands still until somebody moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

# Far from the real time, so that a moment which somebody else's clock has set is found out.
BEGINNING: Final = datetime(2025, 6, 17, 12, 0, 0, tzinfo=UTC)


class ReplayClock:
    """Serves the application as its clock and the judge as its "now"."""

    def __init__(self, beginning: datetime = BEGINNING) -> None:
        self._now = beginning

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def enter_next_second(self) -> None:
        self._now = self._now.replace(microsecond=0) + timedelta(seconds=1)
