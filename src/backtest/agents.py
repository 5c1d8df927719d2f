"""Who decides in a backtest, and what it gets to see."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from spot_optimizer.backtest.profiles import Profile
from spot_optimizer.backtest.traces import ON_DEMAND, Counts, Figures, Flags, Trace, TracePool


class Placement(NamedTuple):
    """Where to run, and where to hold a warm replica: indices of pools."""

    target: int
    """ON_DEMAND, or a pool; the current place is staying."""
    replica: int | None = None


class Observation:
    """What an operator could see at one tick: nothing of later ones. Holds during the call only."""

    __slots__ = (
        "_trace",
        "boot_s",
        "current",
        "interrupted",
        "interruptions",
        "now",
        "on_demand_price",
        "pools",
        "prices",
        "profile",
        "replica",
        "replica_ready_at",
        "since",
        "switched_at",
        "tick",
        "tick_s",
        "up",
    )

    def __init__(self, trace: Trace, profile: Profile) -> None:
        self._trace = trace
        self.profile = profile
        self.pools: Sequence[TracePool] = trace.pools
        self.on_demand_price = trace.on_demand_price
        self.tick_s = trace.tick_s
        self.tick = trace.start
        self.since = trace.start
        """The tick at which the current place was taken."""
        self.now = 0
        """Seconds since 1970, UTC."""
        self.boot_s = 0.0
        self.current = ON_DEMAND
        self.replica: int | None = None
        self.replica_ready_at = 0.0
        """Seconds since 1970, of the replica held or held last."""
        self.interrupted = False
        """The current pool is gone, and a place has to be found."""
        self.prices: list[float] = []
        """USD per hour of each pool, now."""
        self.up: list[bool] = []
        """Whether each pool can be had now."""
        self.switched_at: list[int] = []
        """Seconds since 1970 of each move so far, reclaims included."""
        self.interruptions: list[tuple[int, int]] = []
        """Seconds since 1970, and the pool."""

    @property
    def seconds_in_place(self) -> float:
        return (self.tick - self.since) * self.tick_s

    @property
    def replica_is_ready(self) -> bool:
        return self.replica is not None and self.now >= self.replica_ready_at

    @property
    def bands(self) -> Counts:
        return self._trace.bands

    @property
    def cheapest(self) -> int:
        """Of the pools that are up; ON_DEMAND if none is."""
        return self._trace.cheapest_rows[self.tick]

    @property
    def price_history(self) -> Figures:
        """(ticks up to now, pools), USD per hour."""
        return self._trace.prices[: self.tick + 1]

    @property
    def up_history(self) -> Flags:
        """(ticks up to now, pools)."""
        return self._trace.up[: self.tick + 1]

    def price_before(self, ticks: int, pool: int) -> float:
        """So many ticks ago; at the first one where history is shorter."""
        return self._trace.price_rows[max(0, self.tick - ticks)][pool]

    def ups_within(self, ticks: int) -> Counts:
        """At how many of the last ticks, the present one included, each pool was up."""
        first = max(0, self.tick + 1 - ticks)
        counted = self._trace.ups_before
        ups: Counts = counted[self.tick + 1] - counted[first]
        return ups

    def drops_within(self, ticks: int) -> Counts:
        """How often each pool went down between the first and the last of these ticks."""
        first = max(0, self.tick + 1 - ticks)
        counted = self._trace.drops_until
        drops: Counts = counted[self.tick] - counted[first]
        return drops

    def steady(self, ticks: int) -> Flags:
        """Which pools were up at each of the last ticks."""
        flags: Flags = self.ups_within(ticks) == min(ticks, self.tick + 1)
        return flags


class Decider(Protocol):
    """One agent's; it is asked at every tick, and a second time at that of a reclaim."""

    def __call__(self, seen: Observation, /) -> Placement: ...


DeciderFactory: TypeAlias = Callable[[], Decider]
"""A fresh one for every agent: nothing is carried from one to another."""
