"""What it costs one agent to move, to be reclaimed, and to be down.

Inner figures of the placement policy are floats: they are estimates, multiplied by estimates. Money
that is billed or shown stays Decimal and is turned into floats at this border.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from typing import Final, NamedTuple

from spot_optimizer.domain.placement.downtime import USUAL_VALUE

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
    downtime_value: float = USUAL_VALUE
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
    switched_at: datetime | None = None
    """When the work had gone over to the new instance."""


_MOST_S: Final = 4 * HOUR_S
"""What took longer was waiting for something else."""

_NEWEST: Final = 5
_ENOUGH: Final = 3
"""Reports that are needed to believe them alone; fewer are filled up with the profile, so that no
single one decides."""

_LEAST_SHARE: Final = 1 / 4
_MOST_TIMES: Final = 16.0
"""Of the profile: what a report may say at the least and at the most. Agents that stamp the
cut-over the moment the new instance is up would seem to move for nothing."""


def measured(moves: Sequence[MoveTimes], profile: SwitchingCost) -> SwitchingCost:
    """The profile with the agent's own times instead, as far as it has reported them: medians of
    its newest boots, of how long its cut-overs took, and of how long it kept the old instance."""
    newest = sorted(moves, key=_started, reverse=True)
    cutover_s = _typical(
        [_between(it.ready_at, it.switched_at) for it in newest], profile.cutover_s
    )
    kept = [
        _between(move.switched_at, move.old_ended_at)
        if move.switched_at
        else _less(_between(move.ready_at, move.old_ended_at), cutover_s)
        for move in newest
    ]
    return replace(
        profile,
        boot_s=_typical([_between(it.initiated_at, it.ready_at) for it in newest], profile.boot_s),
        cutover_s=cutover_s,
        drain_s=_typical(kept, profile.drain_s),
    )


def _started(move: MoveTimes) -> datetime:
    return move.initiated_at or datetime.min.replace(tzinfo=UTC)


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds()


def _less(seconds: float | None, part_s: float) -> float | None:
    return None if seconds is None else seconds - part_s


def _typical(told: Sequence[float | None], usual_s: float) -> float:
    """From reports, the newest first; what is missing or cannot be is left out."""
    possible = [one for one in told if one is not None and 0 <= one <= _MOST_S][:_NEWEST]
    bounded = [min(max(one, usual_s * _LEAST_SHARE), usual_s * _MOST_TIMES) for one in possible]
    return median([*bounded, *[usual_s] * (_ENOUGH - len(bounded))])
