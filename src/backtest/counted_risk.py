"""Cost-aware moving, with the risk of each pool counted from its last day."""

from typing import Final

import numpy

from spot_optimizer.backtest.agents import Decider, Observation, Placement
from spot_optimizer.backtest.profiles import DOWNTIME_HOURS, NOTICE_S
from spot_optimizer.backtest.traces import ON_DEMAND, Figures

_WINDOW_S: Final = 86400
_HORIZON_H: Final = 24.0
_PRIOR_H: Final = 4.0
"""How many hours up the prior counts for."""
_PRIOR_RATES: Final = numpy.array([0.00004, 0.0001, 0.0002, 0.0003, 0.05])
"""Reclaims per hour, by the advisor's band; the last one is that of pools under strain."""
_COUNT_EVERY_S: Final = 600
_SETTLED_S: Final = 1800
_UNSETTLED_SURCHARGE: Final = 0.3
"""Of the on-demand price."""
_ON_DEMAND_AFTER_H: Final = 0.25
"""How long a reclaim is taken to leave the workload on demand."""


def counted_risk() -> Decider:
    """Compares price + rate of drops x cost of a reclaim, over a day or as long as the pool lasts;
    on demand when that is cheaper."""
    return _CountedRisk()


class _CountedRisk:
    def __init__(self) -> None:
        self._counted_at: int | None = None
        self._rates: Figures = numpy.empty(0)
        self._prior: Figures = numpy.empty(0)

    def __call__(self, seen: Observation) -> Placement:
        self._count(seen)
        profile, limit = seen.profile, seen.on_demand_price
        second = DOWNTIME_HOURS * limit / 3600
        reclaim = second * (max(0.0, profile.mean_boot_s - NOTICE_S) + profile.cut_over_s)
        cost = numpy.array(seen.prices) + self._rates * (reclaim + limit * _ON_DEMAND_AFTER_H)
        settled = seen.steady(max(1, int(_SETTLED_S / seen.tick_s)))
        offers = cost + ~settled * (_UNSETTLED_SURCHARGE * limit)
        offers[~numpy.array(seen.up)] = numpy.inf
        best = int(offers.argmin())
        offer = float(offers[best])
        here = seen.current
        if seen.interrupted:
            return Placement(best if offer < limit else ON_DEMAND)
        staying, price = limit, limit
        if here != ON_DEMAND:
            staying, price = float(cost[here]), seen.prices[here]
        move = price * profile.move_hours(seen.boot_s) + second * profile.cut_over_s
        if best != here and offer < numpy.inf:
            lasts_h = min(_HORIZON_H, 1 / max(float(self._rates[best]), 1e-6))
            if (staying - offer) * lasts_h > move:
                return Placement(best)
        if here != ON_DEMAND and (staying - limit) * _HORIZON_H > move:
            return Placement(ON_DEMAND)
        return Placement(here)

    def _count(self, seen: Observation) -> None:
        at = self._counted_at
        is_recent = at is not None and at + _COUNT_EVERY_S / seen.tick_s > seen.tick
        if is_recent and not seen.interrupted:
            return
        self._counted_at = seen.tick
        if not self._prior.size:
            self._prior = _PRIOR_RATES[numpy.clip(seen.bands, 0, 4)] * _PRIOR_H
        ticks = int(_WINDOW_S / seen.tick_s)
        up_h = seen.ups_within(ticks) * (seen.tick_s / 3600)
        self._rates = (seen.drops_within(ticks) + self._prior) / (up_h + _PRIOR_H)
