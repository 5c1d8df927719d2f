"""What the former server's documentation promises: thresholds, limits, and its risk formula."""

from typing import Final

from spot_optimizer.backtest.agents import Decider, Observation, Placement
from spot_optimizer.backtest.traces import ON_DEMAND

_TOO_DEAR: Final = 0.80
"""Share of the on-demand price above which spot is left."""
_WORTH_ENTERING: Final = 0.30
_WORTH_MOVING: Final = 0.15
_STAY_S: Final = 2 * 3600
_PER_DAY: Final = 3
_PER_WEEK: Final = 10
_RISKY: Final = 0.30
_DAY_S: Final = 86400
_WEEK_S: Final = 7 * _DAY_S
_TREND_S: Final = 3000
"""Ten reports, five minutes apart."""


def former_rule(*, replicas: bool = False) -> Decider:
    """On demand above 80 % of its price, spot from 30 % of savings on, another pool for 15 %;
    two hours apart, three a day and ten a week. `replicas` holds a warm one while the formula
    0.4 min(interruptions in 7 d / 10, 1) + 0.3 min(age / 12 h, 1) + 0.3 price trend is 0.3 or more,
    in the pool with the fewest interruptions."""

    def decide(seen: Observation) -> Placement:
        if seen.interrupted:
            return Placement(seen.cheapest)
        target = _target(seen)
        here = seen.current
        if replicas and target == here != ON_DEMAND and _risk(seen) >= _RISKY:
            return Placement(target, _safest(seen) if seen.replica is None else seen.replica)
        return Placement(target)

    return decide


def _target(seen: Observation) -> int:
    here, best = seen.current, seen.cheapest
    if not _is_free(seen):
        return here
    enters = best != ON_DEMAND and (
        seen.prices[best] < seen.on_demand_price * (1 - _WORTH_ENTERING)
    )
    if here == ON_DEMAND:
        return best if enters else ON_DEMAND
    if seen.prices[here] / seen.on_demand_price > _TOO_DEAR:
        return best if enters else ON_DEMAND
    if best != ON_DEMAND and seen.prices[best] <= seen.prices[here] * (1 - _WORTH_MOVING):
        return best
    return here


def _is_free(seen: Observation) -> bool:
    """Within the limits; a reclaim counts like a switch."""
    switched, now = seen.switched_at, seen.now
    if not switched:
        return True
    return (
        now - switched[-1] >= _STAY_S
        and sum(at > now - _DAY_S for at in switched[-_PER_DAY - 1 :]) < _PER_DAY
        and sum(at > now - _WEEK_S for at in switched[-_PER_WEEK - 1 :]) < _PER_WEEK
    )


def _risk(seen: Observation) -> float:
    here = seen.current
    suffered = sum(pool == here for at, pool in _last_week(seen))
    before = seen.price_before(int(_TREND_S / seen.tick_s), here)
    trend = seen.prices[here] / before - 1 if before > 0 else 0.0
    return (
        0.4 * min(suffered / 10, 1)
        + 0.3 * min(seen.seconds_in_place / 43200, 1)
        + 0.3 * min(max(0.0, trend), 1)
    )


def _safest(seen: Observation) -> int | None:
    suffered = [0] * len(seen.pools)
    for _, pool in _last_week(seen):
        suffered[pool] += 1
    others = [pool for pool, is_up in enumerate(seen.up) if is_up and pool != seen.current]
    return min(others, key=lambda pool: (suffered[pool], seen.prices[pool]), default=None)


def _last_week(seen: Observation) -> list[tuple[int, int]]:
    return [(at, pool) for at, pool in seen.interruptions[::-1] if at > seen.now - _WEEK_S]
