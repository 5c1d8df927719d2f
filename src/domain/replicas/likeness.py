"""How much the fate of one pool is that of another: a replica is of little use where it is lost
together with its primary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import StatisticsError, correlation
from typing import Final, NamedTuple

# What is looked at: of interruptions as much as tells the risk of a pool, of prices a day.
INTERRUPTIONS_LOOK_BACK: Final = timedelta(days=30)
PRICES_LOOK_BACK: Final = timedelta(hours=24)

# Interruptions of two pools in the same ten minutes have one cause, as far as anybody can tell.
SAME_TIME: Final = timedelta(minutes=10)

# An hour of five-minute prices; fewer changes are chance.
FEWEST_CHANGES: Final = 12


@dataclass(frozen=True, slots=True)
class PoolPast:
    """What is on record of one pool."""

    interrupted_at: Sequence[datetime] = ()
    prices: Mapping[datetime, Decimal] = field(default_factory=dict)
    """Measured, USD per hour, by the start of the five minutes."""


class Likeness(NamedTuple):
    """The less, the better; interruptions say more than prices."""

    interrupted_together: float = 0.0
    """Of the times when either was interrupted, the share when both were; 0 to 1 (the Jaccard
    index of their ten-minute slots)."""
    priced_together: float = 0.0
    """Pearson's correlation of their price changes, -1 to 1; 0 where too few are known, or one of
    them never changed."""


UNKNOWN: Final = Likeness()


def likeness(lost: PoolPast, other: PoolPast) -> Likeness:
    return Likeness(_interrupted_together(lost, other), _priced_together(lost, other))


def _interrupted_together(lost: PoolPast, other: PoolPast) -> float:
    ours, theirs = _slots(lost.interrupted_at), _slots(other.interrupted_at)
    either = ours | theirs
    return len(ours & theirs) / len(either) if either else 0.0


def _slots(moments: Sequence[datetime]) -> set[int]:
    return {int(moment.timestamp() // SAME_TIME.total_seconds()) for moment in moments}


def _priced_together(lost: PoolPast, other: PoolPast) -> float:
    known = sorted(lost.prices.keys() & other.prices.keys())
    if len(known) <= FEWEST_CHANGES:
        return 0.0
    try:
        return correlation(_changes(lost, known), _changes(other, known))
    except StatisticsError:  # one of them never changed
        return 0.0


def _changes(past: PoolPast, moments: Sequence[datetime]) -> list[float]:
    return [
        float(past.prices[later] - past.prices[earlier]) for earlier, later in pairwise(moments)
    ]
