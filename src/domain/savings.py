"""What spot saves and a standby costs, in USD and percent (contract/domain.md 4.2).

Two signs are kept apart: an *impact* is new - old, so negative is cheaper; *savings* and the
*savings impact* are old - new, so positive is cheaper. Only results are rounded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Final, Self

from spot_optimizer.domain.values import money, percent

HOURS_PER_DAY: Final = 24
HOURS_PER_MONTH: Final = 730
HOURS_PER_YEAR: Final = 8766

# USD per hour: the last resort for a type without any known price.
DEFAULT_ON_DEMAND_PRICE: Final = Decimal("0.0416")
# Share of the baseline that a spot instance is taken to cost until its price is known.
SPOT_ESTIMATE_FACTOR: Final = Decimal("0.3")
# USD: advisory figures, enforced by nothing.
ESTIMATED_COST_OF_A_SWITCH: Final = Decimal("0.50")
MINIMUM_MONTHLY_SAVINGS: Final = Decimal("5.00")

# An emergency replica runs so long per interruption.
EMERGENCY_REPLICA_HOURS: Final = 2
DOWNTIME_PER_INTERRUPTION_SECONDS: Final = 45
SECONDS_PER_HOUR: Final = 3600
# A manual replica pays when it returns more than this share of its overhead, and is advisable
# from so many interruptions on.
JUSTIFYING_ROI: Final = 1
ADVISABLE_INTERRUPTIONS: Final = 4

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlySavings:
    saving: Decimal
    percent: Decimal
    is_saving: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchImpact:
    """What a change of the spot price does to the bill."""

    before_percent: Decimal
    after_percent: Decimal
    improvement: Decimal
    """Percentage points."""
    hourly_impact: Decimal
    monthly_impact: Decimal
    yearly_impact: Decimal

    @property
    def savings_impact(self) -> Decimal:
        return -self.hourly_impact


def hourly_savings(on_demand: Decimal, spot: Decimal) -> HourlySavings:
    """od - sp, of od in percent; nothing without an on-demand price."""
    saving = _saving_per_hour(on_demand, spot)
    return HourlySavings(
        saving=money(saving),
        percent=savings_percent(on_demand, spot),
        is_saving=saving > 0,
    )


def savings_percent(on_demand: Decimal | None, price: Decimal | None) -> Decimal:
    """(od - price) / od x 100, within what a percentage column holds; 0 without either price."""
    if price is None or on_demand is None or on_demand <= 0:
        return percent(_NOTHING)
    return percent((on_demand - price) / on_demand * 100)


def daily_savings(on_demand: Decimal, spot: Decimal) -> Decimal:
    return money(_saving_per_hour(on_demand, spot) * HOURS_PER_DAY)


def annual_savings(on_demand: Decimal, spot: Decimal) -> Decimal:
    return money(_saving_per_hour(on_demand, spot) * HOURS_PER_YEAR)


def switch_impact(old_price: Decimal, new_price: Decimal, on_demand: Decimal) -> SwitchImpact:
    """Savings percent before and after, and new - old over an hour, a month and a year."""
    impact = new_price - old_price
    improvement = -impact / on_demand * 100 if on_demand > 0 else _NOTHING
    return SwitchImpact(
        before_percent=savings_percent(on_demand, old_price),
        after_percent=savings_percent(on_demand, new_price),
        improvement=percent(improvement),
        hourly_impact=money(impact),
        monthly_impact=money(impact * HOURS_PER_MONTH),
        yearly_impact=money(impact * HOURS_PER_YEAR),
    )


def savings_impact(
    old_spot: Decimal | None, new_spot: Decimal | None, on_demand: Decimal | None
) -> Decimal:
    """Old price - new price of a switch in USD per hour, as it is stored with the switch; a side
    without a spot price pays on-demand (contract/agents-and-replicas.md A7)."""
    fallback = on_demand or _NOTHING
    return (old_spot or fallback) - (new_spot or fallback)


def credit(impact: Decimal) -> Decimal:
    """What one switch adds to the client's total: a day of its savings impact, never less than
    nothing (contract/domain.md 4.2.8)."""
    return money(a_day_of(max(_NOTHING, impact)))


def a_day_of(impact: Decimal) -> Decimal:
    """What a savings impact in USD per hour comes to in a day; exact, not rounded."""
    return impact * HOURS_PER_DAY


def savings_of_period(impacts: Iterable[Decimal]) -> Decimal:
    """A day of the savings impact of every switch in the period."""
    return money(a_day_of(sum(impacts, _NOTHING)))


class ReplicaVerdict(StrEnum):
    JUSTIFIED = "manual_replica_justified"
    RECOMMENDED = "manual_replica_recommended"
    NOT_JUSTIFIED = "not_justified"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaCostAnalysis:
    """A permanent standby against emergency replicas: what it costs more and what it protects
    (contract/domain.md 4.2.5)."""

    manual_total: Decimal
    auto_total: Decimal
    overhead: Decimal
    overhead_percent: Decimal
    downtime_prevented_seconds: Decimal
    downtime_prevented_hours: Decimal
    revenue_protected: Decimal
    roi_percent: Decimal
    recommendation: ReplicaVerdict

    @classmethod
    def of(
        cls,
        *,
        primary_price: Decimal,
        replica_price: Decimal,
        hours: Decimal | int,
        interruptions: int = 0,
        downtime_seconds: Decimal | int = DOWNTIME_PER_INTERRUPTION_SECONDS,
        revenue_per_hour: Decimal | int = 0,
    ) -> Self:
        primary_cost = primary_price * hours
        manual = primary_cost + replica_price * hours
        auto = primary_cost + replica_price * EMERGENCY_REPLICA_HOURS * interruptions
        overhead = manual - auto
        downtime = Decimal(downtime_seconds) * interruptions
        revenue = revenue_per_hour * downtime / SECONDS_PER_HOUR
        roi = revenue / overhead if overhead > 0 else _NOTHING
        return cls(
            manual_total=money(manual),
            auto_total=money(auto),
            overhead=money(overhead),
            overhead_percent=_unlimited_percent(overhead / auto if auto > 0 else _NOTHING),
            downtime_prevented_seconds=downtime,
            downtime_prevented_hours=downtime / SECONDS_PER_HOUR,
            revenue_protected=money(revenue),
            roi_percent=_unlimited_percent(roi),
            recommendation=_verdict(roi, interruptions),
        )


def _unlimited_percent(share: Decimal) -> Decimal:
    """No column holds it, so it may be as large as it is."""
    return (share * 100).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def _verdict(roi: Decimal, interruptions: int) -> ReplicaVerdict:
    if roi > JUSTIFYING_ROI:
        return ReplicaVerdict.JUSTIFIED
    if interruptions >= ADVISABLE_INTERRUPTIONS:
        return ReplicaVerdict.RECOMMENDED
    return ReplicaVerdict.NOT_JUSTIFIED


def _saving_per_hour(on_demand: Decimal, spot: Decimal) -> Decimal:
    return on_demand - spot if on_demand > 0 else _NOTHING
