"""Small recorded times, written by hand or drawn."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy

from spot_optimizer.backtest.agents import DeciderFactory, Observation, Placement
from spot_optimizer.backtest.charging import Bill
from spot_optimizer.backtest.profiles import Profile
from spot_optimizer.backtest.replaying import Replay
from spot_optimizer.backtest.traces import ON_DEMAND, Trace, TracePool, Track

FIXED = Profile(name="fixed", boot_least_s=180, boot_most_s=180, cut_over_s=30, drain_s=300)
"""Every boot takes three minutes."""


def trace_of(
    prices: Sequence[Sequence[float]],
    up: Sequence[Sequence[int]] | None = None,
    *,
    start: int = 0,
    tick_s: float = 3600.0,
    on_demand: float = 1.0,
    number: int = 0,
) -> Trace:
    """A row per tick, a figure per pool; everything is up unless said otherwise."""
    table = numpy.array(prices, dtype=float)
    return Trace(
        agent="by hand",
        track=Track.AVAILABILITY,
        number=number,
        tick_s=tick_s,
        times=(numpy.arange(len(table)) * int(tick_s)).astype(numpy.int64),
        pools=tuple(TracePool("m5.large", f"zone{pool}") for pool in range(table.shape[1])),
        prices=table,
        up=numpy.ones(table.shape, bool) if up is None else numpy.array(up, dtype=bool),
        on_demand_price=on_demand,
        bands=numpy.full(table.shape[1], 4),
        start=start,
    )


def drawn_trace(
    seed: int, ticks: int, pools: int, *, start: int = 0, tick_s: float = 3600.0
) -> Trace:
    chance = numpy.random.default_rng(seed)
    prices = chance.uniform(0.2, 0.9, (ticks, pools))
    up = chance.random((ticks, pools)) < 0.75
    return trace_of(prices.tolist(), up.tolist(), number=seed, start=start, tick_s=tick_s)


def follow(course: Sequence[int]) -> Callable[[Observation], Placement]:
    """A decider that is where it is told to be, tick by tick."""
    return lambda seen: Placement(course[seen.tick])


def bill(trace: Trace, profile: Profile, decider: DeciderFactory) -> Bill:
    return Replay(trace, profile, decider()).run()


def every_course(trace: Trace) -> Sequence[tuple[int, ...]]:
    """All that never choose a pool that is not up."""
    places = (ON_DEMAND, *range(len(trace.pools)))
    return [
        course
        for course in product(places, repeat=trace.ticks)
        if all(place == ON_DEMAND or trace.up[t, place] for t, place in enumerate(course))
    ]
