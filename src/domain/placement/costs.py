"""What it costs one agent to move, to be reclaimed, and to be down.

Inner figures of the placement policy are floats: they are estimates, multiplied by estimates. Money
that is billed or shown stays Decimal and is turned into floats at this border.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Final, NamedTuple

HOUR_S: Final = 3600.0

NOTICE_S: Final = 120.0
"""AWS gives two minutes between an interruption notice and the end of an instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchingCost:
    """One agent's times, in seconds, and what an hour of its downtime is worth."""

    boot_s: float = 210.0
    """From asking for an instance until it can take over."""
    cutover_s: float = 30.0
    """Downtime of a planned move, or of promoting a ready replica."""
    drain_s: float = 300.0
    """How long the old instance is kept, and paid, after the cut-over."""
    notice_s: float = NOTICE_S
    downtime_value: float = 20.0
    """An hour of downtime costs this many hours of on demand."""

    @property
    def boot_after_notice_s(self) -> float:
        """How long a reclaimed workload waits for an instance that nobody held ready."""
        return max(0.0, self.boot_s - self.notice_s)

    def of_downtime(self, seconds: float, on_demand: float) -> float:
        """USD that so much downtime is worth."""
        return self.downtime_value * on_demand * seconds / HOUR_S

    def of_move(self, old_price: float, on_demand: float, *, onto_replica: bool = False) -> float:
        """USD for a planned move: the old instance is paid while the new one is, too, and the
        cut-over is downtime. A ready replica needs no boot."""
        overlap_s = (0.0 if onto_replica else self.boot_s) + self.cutover_s + self.drain_s
        return old_price * overlap_s / HOUR_S + self.of_downtime(self.cutover_s, on_demand)

    def of_reclaim(self, on_demand: float, *, replica_ready: bool = False) -> float:
        """USD that the downtime of an interruption is worth."""
        waiting_s = 0.0 if replica_ready else self.boot_after_notice_s
        return self.of_downtime(waiting_s + self.cutover_s, on_demand)


class MoveTimes(NamedTuple):
    """Of one move, as the agent reported it."""

    initiated_at: datetime | None
    ready_at: datetime | None
    old_ended_at: datetime | None


_MOST_S: Final = 4 * HOUR_S
"""What took longer was waiting for something else."""


def measured(moves: Sequence[MoveTimes], profile: SwitchingCost) -> SwitchingCost:
    """The profile with the agent's own times instead, where it has reported them: the medians of
    its boots, and of how long it kept the old instance. Cut-overs are not reported."""
    boots = [
        _seconds(move.initiated_at, move.ready_at)
        for move in moves
        if move.initiated_at and move.ready_at
    ]
    kept = [
        _seconds(move.ready_at, move.old_ended_at) - profile.cutover_s
        for move in moves
        if move.ready_at and move.old_ended_at
    ]
    boot_s, drain_s = _median(boots), _median(kept)
    return replace(
        profile,
        boot_s=profile.boot_s if boot_s is None else boot_s,
        drain_s=profile.drain_s if drain_s is None else drain_s,
    )


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


def _median(seconds: Sequence[float]) -> float | None:
    possible = [one for one in seconds if 0 <= one <= _MOST_S]
    return median(possible) if possible else None
