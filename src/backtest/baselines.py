"""What has to be beaten: rules that need neither a model nor a memory of their own."""

from collections.abc import Mapping
from typing import Final

import numpy

from spot_optimizer.backtest.agents import Decider, DeciderFactory, Observation, Placement
from spot_optimizer.backtest.counted_risk import counted_risk
from spot_optimizer.backtest.former_rule import former_rule
from spot_optimizer.backtest.profiles import DOWNTIME_HOURS
from spot_optimizer.backtest.traces import ON_DEMAND

_SETTLED_S: Final = 1800
"""After a first interruption, only a pool that was up so long is gone back to."""


def always_on_demand() -> Decider:
    staying = Placement(ON_DEMAND)
    return lambda seen: staying


def stay_put(*, replica: bool = False) -> Decider:
    """The cheapest pool once; from there only a reclaim drives it away."""

    def decide(seen: Observation) -> Placement:
        target = seen.current
        if seen.interrupted:
            target = seen.cheapest
        elif target == ON_DEMAND:
            target = _back_to_spot(seen)
        return Placement(target, _standby(seen, target) if replica else None)

    return decide


def greedy(seen: Observation) -> Placement:
    """Wherever it is cheapest right now."""
    best = seen.cheapest
    if best == ON_DEMAND or seen.prices[best] >= seen.on_demand_price:
        return Placement(ON_DEMAND)
    here = seen.current
    if here != ON_DEMAND and seen.up[here] and seen.prices[here] <= seen.prices[best]:
        return Placement(here)
    return Placement(best)


def hysteresis(*, margin: float, stay_s: float) -> Decider:
    """The cheapest pool, for a saving of at least that share and after so long in the present."""

    def decide(seen: Observation) -> Placement:
        here, best = seen.current, seen.cheapest
        if seen.interrupted:
            return Placement(best)
        if here == ON_DEMAND:
            return Placement(_back_to_spot(seen))
        if (
            best != ON_DEMAND
            and seen.seconds_in_place >= stay_s
            and seen.prices[best] < seen.prices[here] * (1 - margin)
        ):
            return Placement(best)
        return Placement(here)

    return decide


def cost_aware(*, horizon_h: float = 72.0) -> Decider:
    """Moves when what it saves until the horizon, at the prices of now, exceeds what it costs."""

    def decide(seen: Observation) -> Placement:
        here, best = seen.current, _cheapest_below_on_demand(seen)
        if seen.interrupted:
            return Placement(best)
        if here == ON_DEMAND:
            return Placement(_back_to_spot(seen))
        if best in (ON_DEMAND, here):
            return Placement(here)
        limit = seen.on_demand_price
        saved = min(seen.prices[here], limit) - min(seen.prices[best], limit)
        return Placement(best if saved * horizon_h > move_cost(seen) else here)

    return decide


def move_cost(seen: Observation) -> float:
    """USD of a planned move from here, the workload's pause at its value."""
    here = seen.current
    price = seen.on_demand_price if here == ON_DEMAND else seen.prices[here]
    paused_h = DOWNTIME_HOURS * seen.profile.cut_over_s / 3600
    return price * seen.profile.move_hours(seen.boot_s) + paused_h * seen.on_demand_price


def _cheapest_below_on_demand(seen: Observation) -> int:
    """As `cheapest`, but what costs as much as on demand or more is all the same."""
    best = seen.cheapest
    if best == ON_DEMAND or seen.prices[best] < seen.on_demand_price:
        return best
    return seen.up.index(True)


def _back_to_spot(seen: Observation) -> int:
    best = seen.cheapest
    if best == ON_DEMAND or seen.prices[best] >= seen.on_demand_price:
        return ON_DEMAND
    if not seen.interruptions:
        return best
    settled = seen.steady(max(1, int(_SETTLED_S / seen.tick_s)))
    if settled[best]:
        return best
    prices = numpy.where(settled, seen.prices, numpy.inf)
    found = int(prices.argmin())
    return found if settled[found] else ON_DEMAND


def _standby(seen: Observation, target: int) -> int | None:
    """The cheapest pool beside the target."""
    if target == ON_DEMAND:
        return None
    if seen.replica is not None and seen.replica != target:
        return seen.replica
    others = [pool for pool, is_up in enumerate(seen.up) if is_up and pool != target]
    return min(others, key=seen.prices.__getitem__, default=None)


BASELINES: Final[Mapping[str, DeciderFactory]] = {
    "always on demand": always_on_demand,
    "stay put": stay_put,
    "stay put + warm replica": lambda: stay_put(replica=True),
    "greedy cheapest": lambda: greedy,
    "hysteresis 3 %, 6 h": lambda: hysteresis(margin=0.03, stay_s=6 * 3600),
    "monolith's rule": former_rule,
    "monolith's rule + replica": lambda: former_rule(replicas=True),
    "cost-aware, 72 h": cost_aware,
    "counted risk": counted_risk,
}
"""By the name that results give them."""
