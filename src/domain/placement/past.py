"""What a server has on record of an agent's pools, and what is to be expected of them by it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.placement.costs import SwitchingCost
from spot_optimizer.domain.placement.forecasts import RiskModel
from spot_optimizer.domain.placement.history import LOOK_BACK_S
from spot_optimizer.domain.placement.market import MEAN_PRICE_HOURS, Market, WatchedPool
from spot_optimizer.domain.placement.outlook import UNKNOWN_BAND, PoolOutlook

LOSSES_WINDOW: Final = timedelta(seconds=LOOK_BACK_S)
PRICES_WINDOW: Final = timedelta(hours=MEAN_PRICE_HOURS)

LOSS_LASTS: Final = timedelta(minutes=45)
"""A server hears when a pool takes instances back, and not when it has some again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPast:
    pool_id: PoolId
    price: Decimal
    """The newest, USD per hour."""
    mean_price: Decimal | None = None
    """Of PRICES_WINDOW."""
    lost_at: tuple[datetime, ...] = ()
    """When it took instances back, within LOSSES_WINDOW; in any order."""
    band: int = UNKNOWN_BAND


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPast:
    """All that the placement of one agent is decided by, besides its own place and limits."""

    pools: tuple[PoolPast, ...]
    costs: SwitchingCost = field(default_factory=SwitchingCost)

    def outlooks(
        self, now: datetime, on_demand: float, model: RiskModel | None
    ) -> Sequence[PoolOutlook]:
        """In the order of the pools. A pool counts as watched for the whole window, and as down
        for LOSS_LASTS after each loss."""
        market = Market(
            [WatchedPool(pool.pool_id, pool.band) for pool in self.pools], risk_model=model
        )
        end = now.timestamp()
        for pool, watched in zip(self.pools, market.pools, strict=True):
            watched.ups.observe(end - LOOK_BACK_S, True)
            down = _times_down(pool.lost_at, now)
            # Without a model nothing counts of the past but whether and since when it is up.
            for start, until in down if model is not None else down[-1:]:
                watched.ups.observe(start, False)
                if until <= end:
                    watched.ups.observe(until, True)
        outlooks = market.outlooks(
            end,
            [pool.ups.is_up for pool in market.pools],
            [float(pool.price) for pool in self.pools],
            on_demand,
        )
        return [
            replace(outlook, mean_price=None if pool.mean_price is None else float(pool.mean_price))
            for outlook, pool in zip(outlooks, self.pools, strict=True)
        ]


def _times_down(lost_at: Sequence[datetime], now: datetime) -> Sequence[tuple[float, float]]:
    """From when until when, in order and without overlaps; what is not past yet is left out."""
    times: list[tuple[float, float]] = []
    end = now.timestamp()
    for start in sorted(at.timestamp() for at in lost_at):
        if not end - LOOK_BACK_S < start <= end:
            continue
        until = start + LOSS_LASTS.total_seconds()
        if times and start <= times[-1][1]:
            times[-1] = (times[-1][0], until)
        else:
            times.append((start, until))
    return times
