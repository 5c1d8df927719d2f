"""Where to hold a warm replica, if anywhere."""

from collections.abc import Sequence
from math import inf, log1p
from typing import Final

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.placement.costs import SwitchingCost
from spot_optimizer.domain.placement.outlook import PoolOutlook

PRICE_COUNTS: Final = 2.0
"""A replica has to save so many times its price: it may be lost, too, and on recorded reclaims
holding one as soon as it seemed to pay cost more than it saved."""

_CERTAIN: Final = 0.9999


def replica_for(
    pool_id: PoolId | None, pools: Sequence[PoolOutlook], on_demand: float, costs: SwitchingCost
) -> PoolId | None:
    """The pool whose warm replica saves an agent in `pool_id` the most beyond what it costs; None
    where none pays. It saves hazard x (boot - notice) x value of downtime, USD per hour, if the
    replica itself lives through the hour."""
    here = next((pool for pool in pools if pool.pool_id == pool_id), None)
    if pool_id is None or here is None:
        return None
    hazard = -log1p(-min(here.known_risk.within_1h, _CERTAIN))
    saved = hazard * costs.of_downtime(costs.boot_after_notice_s, on_demand)
    best, most = None, 0.0
    for pool in pools:
        if pool.pool_id == pool_id or not pool.up or pool.known_price == inf:
            continue
        gain = saved * (1.0 - pool.known_risk.within_1h) - PRICE_COUNTS * pool.known_price
        if gain > most:
            best, most = pool.pool_id, gain
    return best
