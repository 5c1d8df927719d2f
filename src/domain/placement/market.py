"""The pools that an agent may use, with their past: from observations to outlooks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.placement.features import LONGEST_HOURS, features_of
from spot_optimizer.domain.placement.forecasts import PriceModel, RiskModel
from spot_optimizer.domain.placement.history import PriceHistory, UpHistory
from spot_optimizer.domain.placement.outlook import UNKNOWN_BAND, PoolOutlook, Risk

MEAN_PRICE_HOURS: Final = 18
"""Pools are compared by their mean price over so long: a rule that follows every movement pays for
moves that the next movement undoes. Chosen on recorded prices, where 12 to 36 do about as well."""


@dataclass(slots=True)
class WatchedPool:
    pool_id: PoolId
    band: int = UNKNOWN_BAND
    ups: UpHistory = field(default_factory=UpHistory)
    prices: PriceHistory = field(default_factory=PriceHistory)


class Market:
    """Is told at every step what was seen of each pool, and asked what to expect.

    `at` and `now` are seconds since the epoch; prices USD per hour. Without a model a pool has the
    risk of its band. With one, a pool that was not seen going down in the last days still has: a
    model of scarce pools says nothing about calm ones.
    """

    def __init__(
        self,
        pools: Sequence[WatchedPool],
        *,
        risk_model: RiskModel | None = None,
        price_model: PriceModel | None = None,
    ) -> None:
        self.pools = tuple(pools)
        self._risk_model = risk_model
        self._price_model = price_model

    def observe(self, at: float, up: Sequence[bool], prices: Sequence[float]) -> None:
        """One figure for each pool, in their order."""
        for pool, is_up, price in zip(self.pools, up, prices, strict=True):
            pool.ups.observe(at, is_up)
            pool.prices.observe(at, price)

    def outlooks(
        self, now: float, up: Sequence[bool], prices: Sequence[float], on_demand: float
    ) -> tuple[PoolOutlook, ...]:
        """In the order of the pools."""
        risks = self._risks(now)
        return tuple(
            PoolOutlook(
                pool_id=pool.pool_id,
                price=price,
                mean_price=pool.prices.mean(now, MEAN_PRICE_HOURS),
                up=is_up,
                risk=risk,
                price_ahead=(
                    self._price_model.ahead(pool.prices, now, on_demand)
                    if self._price_model
                    else ()
                ),
                hours_up=pool.ups.hours_up(now),
                hours_known=pool.ups.hours_known(now),
                band=pool.band,
            )
            for pool, risk, is_up, price in zip(self.pools, risks, up, prices, strict=True)
        )

    def _risks(self, now: float) -> Sequence[Risk | None]:
        drops = [pool.ups.drops(now, LONGEST_HOURS) for pool in self.pools]
        model = self._risk_model
        if model is None or not any(drops):
            return [None] * len(self.pools)
        vectors = features_of([pool.ups for pool in self.pools], now)
        return [
            _shrunk(model.risk(vector, pool.band), pool.band, count, pool.ups.hours_known(now))
            for pool, vector, count in zip(self.pools, vectors, drops, strict=True)
        ]


_DROPS_HALF_BELIEVED: Final = 3
"""A pool that goes down so often in seven days is as much scarce as calm. Recorded pools that were
scarce went down ten times and more, and calm ones hardly once in a month."""

_SHORTEST_KNOWN_H: Final = 1.0


def _shrunk(modelled: Risk, band: int, drops: int, hours_known: float) -> Risk | None:
    """Between what the model says and what the band says, by how often the pool goes down."""
    if drops == 0:
        return None
    known = min(max(hours_known, _SHORTEST_KNOWN_H), LONGEST_HOURS)
    weekly = drops * LONGEST_HOURS / known
    credit = weekly**2 / (weekly**2 + _DROPS_HALF_BELIEVED**2)
    calm = Risk.of_band(band)
    return Risk(
        credit * modelled.within_1h + (1 - credit) * calm.within_1h,
        credit * modelled.within_6h + (1 - credit) * calm.within_6h,
        modelled.hours_known,
    )
