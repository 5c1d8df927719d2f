"""Reclaims drawn at the rates that AWS publishes, for recordings that hold prices only."""

from typing import Final

import numpy

from spot_optimizer.backtest.traces import Counts, Flags
from spot_optimizer.domain.placement.outlook import monthly_share

LASTS_S: Final = 2700
"""How long a pool cannot be had after a reclaim."""
_FIRST_SEED: Final = 1000


def drawn_availability(ticks: int, tick_s: float, bands: Counts, number: int) -> Flags:
    """(ticks, pools): up but for three quarters of an hour after each reclaim, which come as a
    Poisson process at the rate of the pool's band; the same ones for the agent of that number."""
    shares = numpy.array([monthly_share(band) for band in bands.tolist()])
    rates = -numpy.log1p(-shares) / (30 * 86400)
    chance = numpy.random.default_rng(_FIRST_SEED + number)
    up = numpy.ones((ticks, len(bands)), bool)
    lasts = max(1, round(LASTS_S / tick_s))
    for pool, rate in enumerate(rates):
        for tick in numpy.flatnonzero(chance.random(ticks) < -numpy.expm1(-rate * tick_s)):
            up[tick : tick + lasts, pool] = False
    return up
