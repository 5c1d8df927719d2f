"""Recorded time of one agent: what its pools cost, and whether they could be had."""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

import numpy
from numpy.typing import NDArray

ON_DEMAND: Final = -1
"""In place of the index of a pool."""

Figures: TypeAlias = NDArray[numpy.float64]
Flags: TypeAlias = NDArray[numpy.bool_]
Counts: TypeAlias = NDArray[numpy.int64]


class Track(StrEnum):
    """What the recording tells of interruptions."""

    PRICE = "price"
    """Prices only; nothing is reclaimed."""
    HAZARD = "hazard"
    """Prices; reclaims are drawn at the rate that the Spot Instance Advisor publishes."""
    AVAILABILITY = "avail"
    """Launches that were tried; a running instance is taken to survive while they succeed."""
    PREEMPTION = "preempt"
    """Instances that ran, and were reclaimed."""
    MADE_UP = "made up"
    """Made from parameters."""
    SERVER = "server"
    """What a server has on record of its own pools."""


class TracePool(NamedTuple):
    instance_type: str
    zone: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """One agent that has to run all the time, on one of the pools or on demand.

    Ticks are the rows of `prices` (USD per hour) and `up` (a launch works, and what runs goes on
    running), pools their columns. What lies before the tick `start` is history only.
    """

    agent: str
    track: Track
    number: int
    """Which of the agents it is: chance, such as the time that a boot takes, follows from it."""
    tick_s: float
    times: Counts
    """Seconds since 1970, UTC."""
    pools: tuple[TracePool, ...]
    prices: Figures
    up: Flags
    on_demand_price: float
    bands: Counts
    """The advisor's interruption band of each pool, 0 to 4; -1 where it is not known."""
    start: int = 0

    def __post_init__(self) -> None:
        self.prices.flags.writeable = False
        self.up.flags.writeable = False

    def before(self, end: float) -> "Trace | None":
        """What was until then, seconds since 1970; None where that is nothing."""
        ticks = int(numpy.searchsorted(self.times, end))
        return self.until_tick(ticks, min(self.start, ticks - 1)) if ticks else None

    def until_tick(self, end: int, start: int) -> "Trace":
        """Judged from `start` to before `end`; what lies before is history."""
        return replace(
            self,
            start=start,
            times=self.times[:end],
            prices=self.prices[:end],
            up=self.up[:end],
        )

    @property
    def ticks(self) -> int:
        return len(self.times)

    @property
    def hours(self) -> float:
        """How long it is judged for."""
        return (self.ticks - self.start) * self.tick_s / 3600

    @cached_property
    def price_rows(self) -> list[list[float]]:
        """Plain figures: a loop over single ones is several times faster with them."""
        rows: list[list[float]] = self.prices.tolist()
        return rows

    @cached_property
    def up_rows(self) -> list[list[bool]]:
        rows: list[list[bool]] = self.up.tolist()
        return rows

    @cached_property
    def second_of(self) -> list[int]:
        seconds: list[int] = self.times.tolist()
        return seconds

    @cached_property
    def cheapest_rows(self) -> list[int]:
        """At each tick the cheapest pool that is up, or ON_DEMAND."""
        price = numpy.where(self.up, self.prices, numpy.inf)
        found: list[int] = numpy.where(
            self.up.any(axis=1), price.argmin(axis=1), ON_DEMAND
        ).tolist()
        return found

    @cached_property
    def ups_before(self) -> Counts:
        """(ticks + 1, pools): at how many of the ticks before each one the pool was up."""
        return _counted(self.up)

    @cached_property
    def drops_until(self) -> Counts:
        """(ticks, pools): how often the pool went down, up to and with each tick."""
        fell = numpy.zeros_like(self.up)
        fell[1:] = self.up[:-1] & ~self.up[1:]
        return _counted(fell)[1:]


def _counted(flags: Flags) -> Counts:
    counts = numpy.zeros((len(flags) + 1, flags.shape[1]), numpy.int64)
    numpy.cumsum(flags, axis=0, out=counts[1:])
    return counts
