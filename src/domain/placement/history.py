"""A pool's past as far as decisions look: when it was up, and what it cost.

Both are kept as changes, with running totals, so that a window of any length costs one search and
an unchanged pool costs nothing. Times are seconds since the epoch and never run backwards.
"""

from bisect import bisect_right
from math import isfinite, log
from typing import Final

HOUR_S: Final = 3600.0
LOOK_BACK_S: Final = 168 * HOUR_S
"""How far back features look."""

_KEPT_S: Final = LOOK_BACK_S + HOUR_S
_KEPT_BEYOND: Final = 512
"""Old changes are dropped in batches of so many."""


class UpHistory:
    """Whether a pool could be had. A state holds until the next one is told."""

    __slots__ = ("_at", "_drops", "_up", "_up_s", "last_down_at", "since")

    def __init__(self) -> None:
        self.since: float | None = None
        """When it was first heard of."""
        self.last_down_at: float | None = None
        """The latest time it was seen down."""
        self._at: list[float] = []
        self._up: list[bool] = []
        self._up_s: list[float] = []
        self._drops: list[int] = []

    def observe(self, at: float, up: bool) -> None:
        """What was seen at this time; a time before the last one is not looked at."""
        if not up and (self.last_down_at is None or at > self.last_down_at):
            self.last_down_at = at
        if not self._at:
            self.since = at
            self._append(at, up, 0.0, 0)
            return
        if at < self._at[-1] or up == self._up[-1]:
            return
        was_up = self._up[-1]
        up_s = self._up_s[-1] + (at - self._at[-1] if was_up else 0.0)
        self._append(at, up, up_s, self._drops[-1] + was_up)
        if len(self._at) > 2 * _KEPT_BEYOND and self._at[_KEPT_BEYOND] < at - _KEPT_S:
            for series in (self._at, self._up, self._up_s, self._drops):
                del series[:_KEPT_BEYOND]

    @property
    def is_up(self) -> bool:
        """As last told; a pool that nobody has heard of counts as up."""
        return self._up[-1] if self._up else True

    def hours_known(self, now: float) -> float:
        return 0.0 if self.since is None else max(0.0, now - self.since) / HOUR_S

    def hours_up(self, now: float) -> float | None:
        """Since it was last seen down; None if it never was."""
        return None if self.last_down_at is None else max(0.0, now - self.last_down_at) / HOUR_S

    def share_up(self, now: float, hours: float) -> float:
        """Of the known part of the last hours; just told, it is the present state; NaN when
        nothing is known."""
        if self.since is None:
            return float("nan")
        start = max(now - hours * HOUR_S, self.since)
        length = now - start
        if length <= 0:
            return 1.0 if self._up[-1] else 0.0
        return (self._up_s_until(now) - self._up_s_until(start)) / length

    def share_between(self, start: float, end: float) -> float:
        """Of a time that is wholly known."""
        return (self._up_s_until(end) - self._up_s_until(start)) / (end - start)

    def drops(self, now: float, hours: float) -> int:
        """Changes from up to down in the last hours."""
        if not self._at:
            return 0
        before = bisect_right(self._at, now - hours * HOUR_S) - 1
        return self._drops[-1] - (self._drops[before] if before >= 0 else 0)

    def _append(self, at: float, up: bool, up_s: float, drops: int) -> None:
        self._at.append(at)
        self._up.append(up)
        self._up_s.append(up_s)
        self._drops.append(drops)

    def _up_s_until(self, at: float) -> float:
        index = bisect_right(self._at, at) - 1
        if index < 0:
            return 0.0
        return self._up_s[index] + (at - self._at[index] if self._up[index] else 0.0)


class PriceHistory:
    """What a pool cost, USD per hour. A price holds until the next one is told."""

    __slots__ = ("_at", "_log", "_moved", "_paid", "_price")

    def __init__(self) -> None:
        self._at: list[float] = []
        self._price: list[float] = []
        self._paid: list[float] = []
        """Price x seconds until each change."""
        self._log: list[float] = []
        self._moved: list[float] = []

    def observe(self, at: float, price: float) -> None:
        """A price that is none (NaN, zero, negative) says nothing."""
        if not (isfinite(price) and price > 0):
            return
        level = log(price)
        if not self._at:
            self._append(at, price, level, 0.0, 0.0)
            return
        if at < self._at[-1] or level == self._log[-1]:
            return
        moved = self._moved[-1] + abs(level - self._log[-1])
        self._append(at, price, level, moved, self._paid_until(at))
        if len(self._at) > 2 * _KEPT_BEYOND and self._at[_KEPT_BEYOND] < at - _KEPT_S:
            for series in (self._at, self._price, self._log, self._moved, self._paid):
                del series[:_KEPT_BEYOND]

    @property
    def latest(self) -> float | None:
        """None when no price is known."""
        return self._price[-1] if self._price else None

    def log_move(self, now: float, hours: float) -> float:
        """Log of the price over that of so many hours ago, or of the oldest known."""
        if not self._at:
            return 0.0
        return self._log[-1] - self._log[self._index(now - hours * HOUR_S)]

    def log_travel(self, now: float, hours: float) -> float:
        """All log moves of the last hours, without their signs, added up."""
        if not self._at:
            return 0.0
        return self._moved[-1] - self._moved[self._index(now - hours * HOUR_S)]

    def mean(self, now: float, hours: float) -> float | None:
        """Over the known part of the last hours, USD per hour; None when no price is known."""
        if not self._at:
            return None
        start = max(now - hours * HOUR_S, self._at[0])
        length = now - start
        if length <= 0 or self._at[-1] <= start:
            return self._price[-1]
        return (self._paid_until(now) - self._paid_until(start)) / length

    def _append(self, at: float, price: float, level: float, moved: float, paid: float) -> None:
        self._at.append(at)
        self._price.append(price)
        self._log.append(level)
        self._moved.append(moved)
        self._paid.append(paid)

    def _paid_until(self, at: float) -> float:
        index = self._index(at)
        return self._paid[index] + self._price[index] * max(0.0, at - self._at[index])

    def _index(self, at: float) -> int:
        return max(0, bisect_right(self._at, at) - 1)
