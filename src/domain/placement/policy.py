"""The placement policy: where an agent runs cheapest, all things counted.

Over a horizon it adds up, for staying, for each pool and for on demand: the price while the place
is expected to be up, what comes after that, the downtime of the reclaim, and the move. The lowest
sum wins, so that an agent moves when and only when the move pays for itself; nothing else makes it
patient.
"""

from collections.abc import Sequence
from math import inf, isfinite
from typing import Final

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.placement.choice import Choice, MoveLimits, Option, Position, Target
from spot_optimizer.domain.placement.costs import HOUR_S, SwitchingCost
from spot_optimizer.domain.placement.outlook import PoolOutlook
from spot_optimizer.domain.placement.replicas import replica_for
from spot_optimizer.domain.placement.survival import UpTime, up_time

ENTRY_CAUTION: Final = 2.0
"""The hazard of a pool that the agent is not in counts so many times. Of several pools the one
that looks best is the one most likely misjudged, and waiting has a value of its own, because the
hazard of a pool falls while it stays up. Chosen on recorded launch probes and reclaims, for agents
that move cheaply and for those that do not; 1.7 to 2.5 do about as well."""

_HALF_KNOWN_H: Final = 16.0
_LEAST_KNOWN_H: Final = 8.0
"""The caution is the double for a pool that was watched for 16 hours only, and at most three times
that of a pool whose past is well known: forecasts from little are the likeliest to be wrong."""

_HORIZON_H: Final = 80.0
_COST_OF_HORIZON_H: Final = 0.3
_SHORTEST_H: Final = 48.0
_LONGEST_H: Final = 168.0


def horizon_of(costs: SwitchingCost) -> float:
    """Hours to look ahead: 80 for those who pay 0.3 hours of on demand for a move, and with the
    cube root of that for others, as the best band around a wandering price does. Prices creep for
    days; chosen on recorded ones, where 60 to 120 hours do about as well."""
    move_h = costs.of_move(1.0, 1.0)
    if not isfinite(move_h):
        return _LONGEST_H
    factor = float((max(0.0, move_h) / _COST_OF_HORIZON_H) ** (1 / 3))
    return min(max(_HORIZON_H * factor, _SHORTEST_H), _LONGEST_H)


def decide(
    current: Position,
    pools: Sequence[PoolOutlook],
    on_demand: float,
    costs: SwitchingCost,
    limits: MoveLimits,
    now: float,
) -> Choice:
    """Where the agent had better run from now on.

    `on_demand` is USD per hour, `now` seconds since the epoch. Equal sums prefer the cheaper move,
    so staying, and then the earlier pool. An agent whose price of on demand is not known stays,
    unless it has to go.
    """
    horizon_h = horizon_of(costs)
    known = isfinite(on_demand) and on_demand > 0
    scale = on_demand if known else max((p.price for p in pools if p.known_price < inf), default=1)
    judged = _Judging(current, scale, costs, horizon_h, tuple(pools))
    options = judged.options()
    if not known and not current.reclaimed:
        options = [option for option in options if option.pool_id == current.pool_id]
    best, *others = sorted(options, key=lambda option: (option.total, option.moving))
    held_back = False
    may_wait = best.pool_id is not None and limits.are_reached(now)
    if may_wait and _waits_for_limits(best, others, current, horizon_h):
        stay = next(option for option in others if option.pool_id == current.pool_id)
        others = [best, *(option for option in others if option is not stay)]
        best, held_back = stay, True
    stays = best.pool_id == current.pool_id and not current.reclaimed
    moved = Target.ON_DEMAND if best.pool_id is None else Target.POOL
    return Choice(
        target=Target.STAY if stays else moved,
        pool_id=best.pool_id,
        replica_pool_id=replica_for(best.pool_id, pools, scale, costs),
        horizon_h=horizon_h,
        chosen=best,
        others=tuple(others),
        held_back=held_back,
    )


def _waits_for_limits(
    best: Option, others: Sequence[Option], current: Position, horizon_h: float
) -> bool:
    """Only moves between pools wait, and of these only what is not a flight: the better part of
    the gain is in the prices themselves, not in the risk."""
    if current.pool_id in (None, best.pool_id) or current.reclaimed:
        return False
    stay = next((option for option in others if option.pool_id == current.pool_id), None)
    if stay is None:
        return False
    cheaper = (stay.price - best.price) * horizon_h
    return cheaper > (stay.total - best.total) / 2


class _Judging:
    """One agent's options."""

    def __init__(
        self,
        current: Position,
        on_demand: float,
        costs: SwitchingCost,
        horizon_h: float,
        pools: tuple[PoolOutlook, ...],
    ) -> None:
        self._current = current
        self._on_demand = on_demand
        self._horizon_h = horizon_h
        self._pools = pools
        self._reclaim = costs.of_reclaim(on_demand)
        self._overlap_h = (costs.boot_s + costs.cutover_s + costs.drain_s) / HOUR_S
        here = next((pool for pool in pools if pool.pool_id == current.pool_id), None)
        self._here = here
        # The same as staying is judged by: the dearer a place, the dearer it is to leave, but never
        # more so than to stay.
        price_here = on_demand if here is None else here.expected_price
        self._price_here = on_demand if price_here == inf else price_here
        self._moving = 0.0 if current.reclaimed else costs.of_move(self._price_here, on_demand)
        self._cycle = self._reclaim + costs.of_move(on_demand, on_demand)
        self._promoting = costs.of_move(self._price_here, on_demand, onto_replica=True)

    def options(self) -> list[Option]:
        """Staying, unless the instance is taken away; every pool that is up and not dearer than on
        demand; and on demand."""
        current, found = self._current, []
        if current.pool_id is not None and not current.reclaimed:
            found.append(self._stay(current.pool_id, self._here))
        for pool in self._pools:
            if pool.pool_id == current.pool_id or not pool.up:
                continue
            if pool.known_price <= self._on_demand:
                found.append(self._entering(pool))
        moving = 0.0 if current.pool_id is None else self._moving
        price, horizon_h = self._on_demand, self._horizon_h
        cost = price * horizon_h
        found.append(Option(None, price, horizon_h, 0.0, horizon_h, cost, 0.0, moving))
        return found

    def _stay(self, pool_id: PoolId, here: PoolOutlook | None) -> Option:
        """An instance is paid at least as long as it takes to leave it."""
        here = here or PoolOutlook(pool_id=pool_id, price=self._price_here)
        up = up_time(here.known_risk, self._horizon_h)
        return self._option(pool_id, self._price_here, up, max(up.hours, self._overlap_h), 0.0)

    def _entering(self, pool: PoolOutlook) -> Option:
        current = self._current
        little_known = 1.0 + _HALF_KNOWN_H / _hours_known(pool)
        up = up_time(pool.known_risk, self._horizon_h, ENTRY_CAUTION * little_known)
        price = pool.expected_price
        is_ready = current.replica_ready and pool.pool_id == current.replica_pool_id
        moving = self._promoting if is_ready and not current.reclaimed else self._moving
        return self._option(pool.pool_id, price, up, up.hours, moving)

    def _option(
        self, pool_id: PoolId, price: float, up: UpTime, paid_h: float, moving: float
    ) -> Option:
        """Whoever loses a pool goes back to one like it again and again for the rest of the
        horizon, unless on demand is cheaper. Losing a place that is dearer than on demand counts as
        no gain: more risk would make it more attractive."""
        rest_h = max(0.0, self._horizon_h - up.hours)
        reclaims = up.risk / up.hours * self._cycle if up.hours > 0 else inf
        comes_back = price + reclaims < self._on_demand
        rest = (price + reclaims if comes_back else max(price, self._on_demand)) * rest_h
        return Option(
            pool_id=pool_id,
            price=price,
            hours_up=up.hours,
            risk=up.risk,
            hours_paid=paid_h + (rest_h if comes_back else 0.0),
            running=price * paid_h + rest,
            reclaim=up.risk * self._reclaim,
            moving=moving,
        )


def _hours_known(pool: PoolOutlook) -> float:
    known = pool.hours_known
    return max(known, _LEAST_KNOWN_H) if isfinite(known) else _LEAST_KNOWN_H
