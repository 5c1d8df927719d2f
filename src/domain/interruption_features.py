"""What is kept with a notice to learn from (contract/domain.md 4.7.7).

Each feature is empty when it cannot be computed, and none is a reason to fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.pricing.prices import PricePoint
from spot_optimizer.domain.values import hourly_price, percent

PRICE_LOOK_BACK: Final = timedelta(hours=1)

_TREND: Final = Decimal("0.05")
_STEP: Final = Decimal("0.01")
_MOST_HOURS: Final = Decimal("99999999.99")
_HIGHEST_RATE: Final = Decimal("9.9999")
_RATE: Final = Decimal("0.0001")
_REGION_DAYS: Final = 30
_LARGEST_COUNT: Final = 2**31 - 1


class PriceTrend(StrEnum):
    RISING = "rising"
    FALLING = "falling"
    STABLE = "stable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is on record when a notice comes."""

    now: datetime
    instance_since: datetime | None = None
    prices: Sequence[PricePoint] = ()
    """Of the current pool, oldest first; those before the last hour only to know the newest."""
    pool_interruptions: int | None = None
    pool_first_interrupted_at: datetime | None = None
    agents_in_pool: int | None = None
    agent_interruptions: int | None = None
    agent_last_interrupted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """None is not known."""

    instance_age_hours: Decimal | None = None
    spot_price: Decimal | None = None
    price_trend: PriceTrend | None = None
    price_change_percent: Decimal | None = None
    minutes_since_price_change: int | None = None
    day_of_week: int | None = None
    """0 is Sunday."""
    hour_of_day: int | None = None
    pool_rate: Decimal | None = None
    """Notices in the pool per day since its first one."""
    region_rate: Decimal | None = None
    """Notices in the pool / 30."""
    competing_instances: int | None = None
    previous_interruptions: int | None = None
    hours_since_last_interruption: Decimal | None = None

    @classmethod
    def of(cls, seen: Circumstances) -> "Features":
        recent = [point for point in seen.prices if seen.now - point.captured_at <= PRICE_LOOK_BACK]
        return cls(
            instance_age_hours=_whole_hours(seen.instance_since, seen.now),
            spot_price=hourly_price(seen.prices[-1].price) if seen.prices else None,
            price_trend=_trend(recent),
            price_change_percent=_change(recent),
            minutes_since_price_change=_minutes_since_step(recent, seen.now),
            day_of_week=seen.now.isoweekday() % 7,
            hour_of_day=seen.now.hour,
            pool_rate=_daily_rate(
                seen.pool_interruptions, seen.pool_first_interrupted_at, seen.now
            ),
            region_rate=_rate(seen.pool_interruptions, Decimal(_REGION_DAYS)),
            competing_instances=_count(seen.agents_in_pool),
            previous_interruptions=_count(seen.agent_interruptions),
            hours_since_last_interruption=_hours(seen.agent_last_interrupted_at, seen.now),
        )


NOTHING_LEARNT: Final = Features()


def _trend(points: Sequence[PricePoint]) -> PriceTrend | None:
    if len(points) < 2:
        return None
    first, last = points[0].price, points[-1].price
    if last > first * (1 + _TREND):
        return PriceTrend.RISING
    if last < first * (1 - _TREND):
        return PriceTrend.FALLING
    return PriceTrend.STABLE


def _change(points: Sequence[PricePoint]) -> Decimal | None:
    if len(points) < 2 or not points[0].price:
        return None
    first, last = points[0].price, points[-1].price
    return percent((last - first) / first * 100)


def _minutes_since_step(points: Sequence[PricePoint], now: datetime) -> int | None:
    """Since the latest step of more than 1 %."""
    for earlier, later in zip(reversed(points[:-1]), reversed(points[1:]), strict=True):
        if earlier.price and abs(later.price - earlier.price) / earlier.price > _STEP:
            return _count(int((now - later.captured_at).total_seconds() // 60))
    return None


def _hours(since: datetime | None, now: datetime) -> Decimal | None:
    if since is None:
        return None
    hours = Decimal(int((now - since).total_seconds())) / 3600
    return max(Decimal(0), min(_MOST_HOURS, hours)).quantize(Decimal("0.01"))


def _whole_hours(since: datetime | None, now: datetime) -> Decimal | None:
    hours = _hours(since, now)
    return None if hours is None else Decimal(int(hours))


def _daily_rate(count: int | None, first: datetime | None, now: datetime) -> Decimal | None:
    if first is None:
        return None
    days = Decimal(int((now - first).total_seconds())) / 86_400
    return _rate(count, max(days, Decimal(1)))


def _rate(count: int | None, days: Decimal) -> Decimal | None:
    return None if count is None else min(_HIGHEST_RATE, count / days).quantize(_RATE)


def _count(number: int | None) -> int | None:
    return None if number is None else max(0, min(_LARGEST_COUNT, number))
