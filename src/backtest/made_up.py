"""Markets made from a few parameters, for judging models where nothing is on record yet.

Nothing in them was recorded. They have what recorded markets have: a pool that has just come up is
lost sooner than one that has been up for long, pools of a place grow scarce together, and calm
pools are hardly ever lost. A model that cannot tell these apart is worse here than counting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy

from spot_optimizer.backtest.traces import Flags, Trace, TracePool, Track

_TICK_S: Final = 600
_DAYS: Final = 17
_HISTORY_DAYS: Final = 7
_POOLS: Final = 4
_ON_DEMAND: Final = 1.0
_SHORTEST_H: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Kind:
    """Hours up are Pareto-distributed: the fewer of them behind, the fewer lie ahead."""

    name: str
    shape: float
    least_up_h: float
    mean_down_h: float
    scarcities: float
    """Per week, when all pools are gone together."""
    price: float


_KINDS: Final = (
    _Kind("scarce", 0.8, 0.4, 2.0, 4.0, 0.32),
    _Kind("mixed", 0.9, 2.0, 1.0, 2.0, 0.30),
    _Kind("calm", 1.1, 60.0, 0.75, 0.2, 0.28),
)
_SEEDS: Final = (1, 2)


def made_up_markets() -> Sequence[Trace]:
    """The same every time."""
    return [
        _market(kind, seed, number)
        for number, (kind, seed) in enumerate((k, s) for k in _KINDS for s in _SEEDS)
    ]


def _market(kind: _Kind, seed: int, number: int) -> Trace:
    chance = numpy.random.default_rng([seed, number])
    ticks = _DAYS * 86400 // _TICK_S
    up = numpy.column_stack([_ups(kind, ticks, chance) for _ in range(_POOLS)])
    for begin in numpy.flatnonzero(chance.random(ticks) < kind.scarcities * _TICK_S / 604800):
        up[begin : begin + _in_ticks(chance.exponential(kind.mean_down_h))] = False
    levels = kind.price * (1 + 0.1 * chance.random(_POOLS))
    steps = chance.normal(0.0, 0.0006, (ticks, _POOLS)).cumsum(axis=0)
    return Trace(
        agent=f"made up, {kind.name} {seed}",
        track=Track.MADE_UP,
        number=number,
        tick_s=float(_TICK_S),
        times=(numpy.arange(ticks) * _TICK_S).astype(numpy.int64),
        pools=tuple(TracePool("made.up", f"zone-{letter}") for letter in "abcd"),
        prices=numpy.minimum(levels * numpy.exp(steps), _ON_DEMAND),
        up=up,
        on_demand_price=_ON_DEMAND,
        bands=numpy.full(_POOLS, -1),
        start=_HISTORY_DAYS * 86400 // _TICK_S,
    )


def _ups(kind: _Kind, ticks: int, chance: numpy.random.Generator) -> Flags:
    up = numpy.zeros(ticks, bool)
    at = -int(chance.integers(0, _in_ticks(kind.least_up_h * 4)))
    while at < ticks:
        lasts = _in_ticks(kind.least_up_h * (1 + chance.pareto(kind.shape)))
        up[max(0, at) : max(0, at + lasts)] = True
        at += lasts + _in_ticks(_SHORTEST_H + chance.exponential(kind.mean_down_h))
    return up


def _in_ticks(hours: float) -> int:
    return max(1, round(min(hours, 24.0 * _DAYS) * 3600 / _TICK_S))
