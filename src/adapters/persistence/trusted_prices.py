"""Price buckets as models learn from them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, bindparam, func, select

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import pricing_snapshots_clean
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.application.pricing.fill_price_gaps import PoolGroup
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.learning import LOWEST_CONFIDENCE, TrustedPrice

_CLEAN: Final = pricing_snapshots_clean.c
_SINCE: Final = bindparam("since", type_=UtcInstant)
_READ_AT_ONCE: Final = 10_000

_TRUSTED: Final = (
    _CLEAN.instance_type == bindparam("instance_type"),
    _CLEAN.region == bindparam("region"),
    _CLEAN.time_bucket >= _SINCE,
    _CLEAN.confidence_score >= LOWEST_CONFIDENCE,
)
_PRICES: Final = (
    select(_CLEAN.pool_id, _CLEAN.az, _CLEAN.time_bucket, _CLEAN.spot_price, _CLEAN.ondemand_price)
    .where(*_TRUSTED)
    .order_by(_CLEAN.time_bucket, _CLEAN.pool_id)
    .limit(_READ_AT_ONCE)
)


class SqlTrustedPrices:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def markets(self, since: datetime) -> Sequence[PoolGroup]:
        place = (_CLEAN.instance_type, _CLEAN.region)
        wanted = select(*place).distinct().order_by(*place)
        with reading(self._engine) as connection:
            return [PoolGroup(*row) for row in connection.execute(wanted)]

    @repeated_when_lost
    def average_on_demand(self, market: PoolGroup, since: datetime) -> float | None:
        wanted = select(func.avg(_CLEAN.ondemand_price)).where(*_TRUSTED)
        with reading(self._engine) as connection:
            average = connection.execute(wanted, _asked(market, since)).scalar_one()
        return None if average is None else float(average)

    def buckets(self, market: PoolGroup, since: datetime) -> Iterator[Sequence[TrustedPrice]]:
        """Some thousand rows at a time; the last bucket of them may go on, so it is read again."""
        while True:
            prices = self._prices(market, since)
            is_end = len(prices) < _READ_AT_ONCE
            last = prices[-1].bucket_start if prices and not is_end else None
            bucket: list[TrustedPrice] = []
            for one in prices:
                if one.bucket_start == last:
                    break
                if bucket and bucket[0].bucket_start != one.bucket_start:
                    yield bucket
                    bucket = []
                bucket.append(one)
            if bucket:
                yield bucket
            if last is None:
                return
            since = last

    @repeated_when_lost
    def _prices(self, market: PoolGroup, since: datetime) -> Sequence[TrustedPrice]:
        with reading(self._engine) as connection:
            return [
                TrustedPrice(
                    PoolId(row.pool_id),
                    row.az,
                    row.time_bucket,
                    float(row.spot_price),
                    None if row.ondemand_price is None else float(row.ondemand_price),
                )
                for row in connection.execute(_PRICES, _asked(market, since))
            ]


def _asked(market: PoolGroup, since: datetime) -> dict[str, object]:
    return {"instance_type": market.instance_type, "region": market.region, "since": since}
