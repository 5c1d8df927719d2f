"""What models learn prices from (contract/admin-ml-and-jobs.md 4.8, domain.md 4.1.9)."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from math import hypot, sqrt
from typing import Final

from spot_optimizer.domain.identifiers import PoolId

LEARNT_FROM: Final = timedelta(days=2 * 365)
LOWEST_CONFIDENCE: Final = Decimal("0.95")

# Rows of a pool that make an hour, six and a day, where none is missing.
HOUR_ROWS: Final = 12
VOLATILITY_ROWS: Final = 72
DAY_ROWS: Final = 288


@dataclass(frozen=True, slots=True)
class TrustedPrice:
    """Of one pool in one bucket, USD per hour."""

    pool_id: PoolId
    zone: str
    bucket_start: datetime
    price: float
    on_demand_price: float | None


@dataclass(frozen=True, slots=True)
class LearningRow:
    """Prices in USD per hour; None where a pool has too short a history."""

    pool_id: PoolId
    instance_type: str
    region: str
    az: str
    time_bucket: datetime
    spot_price: float
    ondemand_price: float | None
    hour_of_day: int
    day_of_week: int
    """1 is Sunday."""
    day_of_month: int
    month: int
    year: int
    price_change_1h: float | None
    price_change_24h: float | None
    price_volatility_6h: float
    """Population standard deviation of the last 72 rows, this one included."""
    pool_rank_by_price: int
    """1 is the cheapest in its market and bucket; equal prices have equal ranks."""


@dataclass(slots=True)
class MarketHistory:
    """Turns the prices of one market into rows, bucket by bucket; remembers a day of each pool."""

    instance_type: str
    region: str
    average_on_demand: float | None
    days: dict[PoolId, deque[float]] = field(default_factory=dict)
    hours: dict[PoolId, deque[float]] = field(default_factory=dict)
    """The same, as far back as volatility looks."""

    def rows(self, bucket: Sequence[TrustedPrice]) -> Iterator[LearningRow]:
        """Of all prices of one bucket."""
        prices = sorted(one.price for one in bucket)
        ranks: dict[float, int] = {}
        for place, price in enumerate(prices, start=1):
            ranks.setdefault(price, place)
        for one in bucket:
            yield self._row(one, ranks[one.price])

    def _row(self, one: TrustedPrice, rank: int) -> LearningRow:
        before = self.days.setdefault(one.pool_id, deque(maxlen=DAY_ROWS))
        lately = self.hours.setdefault(one.pool_id, deque(maxlen=VOLATILITY_ROWS - 1))
        at, price = one.bucket_start, one.price
        own = one.on_demand_price
        row = LearningRow(
            pool_id=one.pool_id,
            instance_type=self.instance_type,
            region=self.region,
            az=one.zone,
            time_bucket=at,
            spot_price=price,
            ondemand_price=self.average_on_demand if own is None else own,
            hour_of_day=at.hour,
            day_of_week=at.isoweekday() % 7 + 1,
            day_of_month=at.day,
            month=at.month,
            year=at.year,
            price_change_1h=price - before[-HOUR_ROWS] if len(before) >= HOUR_ROWS else None,
            price_change_24h=price - before[-DAY_ROWS] if len(before) >= DAY_ROWS else None,
            price_volatility_6h=_deviation(lately, price),
            pool_rank_by_price=rank,
        )
        before.append(price)
        lately.append(price)
        return row


def _deviation(before: Sequence[float], price: float) -> float:
    """Of this price and those before it, around their mean."""
    window = (*before, price)
    mean = sum(window) / len(window)
    return hypot(*(it - mean for it in window)) / sqrt(len(window))
