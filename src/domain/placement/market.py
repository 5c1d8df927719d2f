"""The pools that an agent may use, with their past: from observations to outlooks."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.placement.features import features_of
from spot_optimizer.domain.placement.forecasts import BandRisk, LastPrice, PriceModel, RiskModel
from spot_optimizer.domain.placement.history import PriceHistory, UpHistory
from spot_optimizer.domain.placement.outlook import UNKNOWN_BAND, PoolOutlook


@dataclass(slots=True)
class WatchedPool:
    pool_id: PoolId
    band: int = UNKNOWN_BAND
    ups: UpHistory = field(default_factory=UpHistory)
    prices: PriceHistory = field(default_factory=PriceHistory)


class Market:
    """Is told at every step what was seen of each pool, and asked what to expect.

    `at` and `now` are seconds since the epoch; prices USD per hour.
    """

    def __init__(
        self,
        pools: Sequence[WatchedPool],
        *,
        risk_model: RiskModel | None = None,
        price_model: PriceModel | None = None,
    ) -> None:
        self.pools = tuple(pools)
        self._risk_model = risk_model or BandRisk()
        self._price_model = price_model or LastPrice()

    def observe(self, at: float, up: Sequence[bool], prices: Sequence[float]) -> None:
        """One figure for each pool, in their order."""
        for pool, is_up, price in zip(self.pools, up, prices, strict=True):
            pool.ups.observe(at, is_up)
            pool.prices.observe(at, price)

    def outlooks(
        self, now: float, up: Sequence[bool], prices: Sequence[float], on_demand: float
    ) -> tuple[PoolOutlook, ...]:
        """In the order of the pools."""
        vectors = features_of([pool.ups for pool in self.pools], now)
        return tuple(
            PoolOutlook(
                pool_id=pool.pool_id,
                price=price,
                up=is_up,
                risk=self._risk_model.risk(vector, pool.band),
                price_ahead=self._price_model.ahead(price, pool.prices, now, on_demand),
                hours_up=pool.ups.hours_up(now),
                hours_known=pool.ups.hours_known(now),
                band=pool.band,
            )
            for pool, vector, is_up, price in zip(self.pools, vectors, up, prices, strict=True)
        )
