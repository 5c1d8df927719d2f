"""What spot saves and a standby costs; the examples are those of contract/domain.md 4.2."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.savings import (
    HourlySavings,
    ReplicaCostAnalysis,
    ReplicaVerdict,
    SwitchImpact,
    annual_savings,
    credit,
    daily_savings,
    hourly_savings,
    savings_impact,
    savings_of_period,
    savings_percent,
    switch_impact,
)

any_price = st.decimals(min_value=-1000, max_value=1000, places=6)
prices = st.decimals(min_value=0, max_value=200, places=6)
optional_price = st.none() | any_price


@pytest.mark.parametrize(
    ("on_demand", "spot", "saving", "percent", "is_saving"),
    [
        ("0.0416", "0.0125", "0.0291", "69.95", True),
        ("0.0416", "0.0450", "-0.0034", "-8.17", False),
        ("0.0832", "0.0245", "0.0587", "70.55", True),
        ("0", "0.05", "0", "0", False),
        ("-1", "0.05", "0", "0", False),
        ("0.05", "0.05", "0", "0", False),
    ],
)
def test_hourly_savings(
    on_demand: str, spot: str, saving: str, percent: str, is_saving: bool
) -> None:
    assert hourly_savings(Decimal(on_demand), Decimal(spot)) == HourlySavings(
        saving=Decimal(saving), percent=Decimal(percent), is_saving=is_saving
    )


def test_a_saving_too_small_to_show_is_still_one() -> None:
    savings = hourly_savings(Decimal("0.04001"), Decimal("0.04"))

    assert savings.saving == 0
    assert savings.is_saving


def test_savings_of_a_day_and_a_year() -> None:
    assert daily_savings(Decimal("0.0416"), Decimal("0.0125")) == Decimal("0.6984")
    assert annual_savings(Decimal("0.0416"), Decimal("0.0125")) == Decimal("255.0906")
    assert daily_savings(Decimal(0), Decimal("0.05")) == 0
    assert annual_savings(Decimal(0), Decimal("0.05")) == 0


def test_longer_periods_are_not_computed_from_rounded_ones() -> None:
    # 0.00005 an hour rounds to nothing, a year of it does not
    assert hourly_savings(Decimal("0.00105"), Decimal("0.001")).saving == 0
    assert annual_savings(Decimal("0.00105"), Decimal("0.001")) == Decimal("0.4383")


def test_the_impact_of_a_switch() -> None:
    impact = switch_impact(Decimal("0.0450"), Decimal("0.0125"), Decimal("0.0416"))

    assert impact == SwitchImpact(
        before_percent=Decimal("-8.17"),
        after_percent=Decimal("69.95"),
        improvement=Decimal("78.12"),
        hourly_impact=Decimal("-0.0325"),
        monthly_impact=Decimal("-23.7250"),
        yearly_impact=Decimal("-284.8950"),
    )
    assert impact.savings_impact == Decimal("0.0325")


def test_without_an_on_demand_price_a_switch_improves_no_percentage() -> None:
    impact = switch_impact(Decimal("0.05"), Decimal("0.04"), Decimal(0))

    assert {impact.before_percent, impact.after_percent, impact.improvement} == {Decimal(0)}
    assert impact.hourly_impact == Decimal("-0.0100")


@given(old=any_price, new=any_price, on_demand=any_price)
def test_impact_and_savings_impact_have_opposite_signs(
    old: Decimal, new: Decimal, on_demand: Decimal
) -> None:
    impact = switch_impact(old, new, on_demand)

    assert impact.savings_impact == -impact.hourly_impact
    assert abs(impact.savings_impact - (old - new)) <= Decimal("0.00005")


@pytest.mark.parametrize(
    ("old_spot", "new_spot", "on_demand", "impact"),
    [
        ("0.02", "0.0125", "0.0416", "0.0075"),
        ("0.01", None, "0.0416", "-0.0316"),
        ("0.01", "0", "0.0416", "-0.0316"),
        (None, "0.0125", "0.0416", "0.0291"),
        ("0", "0.0125", "0.0416", "0.0291"),
        (None, "0.0125", None, "-0.0125"),
        (None, None, "0.0416", "0"),
        (None, None, None, "0"),
    ],
)
def test_a_side_without_spot_price_pays_on_demand(
    old_spot: str | None, new_spot: str | None, on_demand: str | None, impact: str
) -> None:
    assert savings_impact(price(old_spot), price(new_spot), price(on_demand)) == Decimal(impact)


def test_a_switch_is_credited_with_a_day_of_its_savings() -> None:
    assert credit(Decimal("0.0075")) == Decimal("0.1800")
    assert credit(Decimal("-0.0316")) == 0
    assert credit(Decimal(0)) == 0


def test_a_period_adds_up_all_its_switches() -> None:
    impacts = [Decimal("0.0075"), Decimal("-0.0025"), Decimal("0.00001")]

    assert savings_of_period(impacts) == Decimal("0.1202")
    assert savings_of_period([]) == 0


def test_a_missing_price_saves_no_percent() -> None:
    assert savings_percent(None, Decimal("0.01")) == 0
    assert savings_percent(Decimal("0.01"), None) == 0


@given(on_demand=prices, spot=prices)
def test_savings_never_exceed_all_of_it(on_demand: Decimal, spot: Decimal) -> None:
    percent = savings_percent(on_demand, spot)

    assert -Decimal("999.99") <= percent <= 100
    assert percent.as_tuple().exponent == -2


@given(on_demand=any_price, spot=any_price, other=any_price, optional=optional_price)
def test_no_price_is_refused(
    on_demand: Decimal, spot: Decimal, other: Decimal, optional: Decimal | None
) -> None:
    hourly = hourly_savings(on_demand, spot)
    assert hourly.is_saving == (on_demand > 0 and on_demand > spot)
    daily_savings(on_demand, spot)
    annual_savings(on_demand, spot)
    switch_impact(on_demand, spot, other)
    savings_impact(optional, spot, other)
    assert savings_percent(on_demand, optional) <= Decimal("999.99")
    assert credit(spot) >= 0
    an_analysis(primary_price=on_demand, replica_price=spot, revenue_per_hour=other)
    an_analysis(primary_price=on_demand, replica_price=spot, hours=Decimal(0))


def test_what_a_standby_costs_and_protects() -> None:
    analysis = an_analysis()

    assert analysis.manual_total == Decimal("45.1440")
    assert analysis.auto_total == Decimal("22.7160")
    assert analysis.overhead == Decimal("22.4280")
    assert analysis.overhead_percent == Decimal("98.73")
    assert analysis.downtime_prevented_seconds == 180
    assert analysis.downtime_prevented_hours == Decimal("0.05")
    assert analysis.revenue_protected == Decimal("50.0000")
    assert analysis.roi_percent == Decimal("222.94")
    assert analysis.recommendation is ReplicaVerdict.JUSTIFIED


def test_a_standby_without_revenue_is_advisable_from_four_interruptions_on() -> None:
    four = an_analysis(revenue_per_hour=Decimal(0))
    three = an_analysis(revenue_per_hour=Decimal(0), interruptions=3)

    assert four.recommendation is ReplicaVerdict.RECOMMENDED
    assert three.recommendation is ReplicaVerdict.NOT_JUSTIFIED


def test_a_standby_that_just_earns_its_cost_is_not_justified() -> None:
    # overhead 8 x 1 - 2 x 1 = 6 USD; an hour of downtime at 6 USD
    even = an_analysis(
        primary_price=Decimal(1),
        replica_price=Decimal(1),
        hours=Decimal(8),
        interruptions=1,
        downtime_seconds=Decimal(3600),
        revenue_per_hour=Decimal(6),
    )

    assert even.roi_percent == 100
    assert even.recommendation is ReplicaVerdict.NOT_JUSTIFIED


def test_a_standby_that_earns_a_little_more_is_justified() -> None:
    analysis = an_analysis(interruptions=1, revenue_per_hour=Decimal(2000))

    assert Decimal(100) < analysis.roi_percent < Decimal(200)
    assert analysis.recommendation is ReplicaVerdict.JUSTIFIED


def test_small_costs_are_compared_like_large_ones() -> None:
    cents = an_analysis(hours=Decimal(10), interruptions=1, revenue_per_hour=Decimal(1))

    assert cents.overhead == Decimal("0.2520")
    assert cents.overhead_percent == Decimal("67.20")
    assert cents.roi_percent == Decimal("4.96")


def test_unless_told_otherwise_nothing_is_interrupted_and_nothing_earned() -> None:
    analysis = ReplicaCostAnalysis.of(primary_price=Decimal(1), replica_price=Decimal(1), hours=730)
    once = ReplicaCostAnalysis.of(
        primary_price=Decimal(1), replica_price=Decimal(1), hours=730, interruptions=1
    )

    assert analysis.auto_total == 730
    assert analysis.downtime_prevented_seconds == 0
    assert once.downtime_prevented_seconds == 45
    assert once.revenue_protected == 0


def test_a_large_return_is_told_as_it_is() -> None:
    assert an_analysis(revenue_per_hour=Decimal(100_000)).roi_percent > 20_000


def test_without_overhead_there_is_no_return() -> None:
    free = an_analysis(replica_price=Decimal(0))

    assert free.overhead == 0
    assert free.roi_percent == 0
    assert free.recommendation is ReplicaVerdict.RECOMMENDED


@given(
    p=prices,
    r=prices,
    hours=st.integers(min_value=0, max_value=9000),
    n=st.integers(min_value=0, max_value=5000),
)
def test_a_standby_costs_no_less_while_it_runs_longer_than_emergencies(
    p: Decimal, r: Decimal, hours: int, n: int
) -> None:
    analysis = an_analysis(primary_price=p, replica_price=r, hours=Decimal(hours), interruptions=n)

    if hours >= 2 * n:
        assert analysis.manual_total >= analysis.auto_total


def an_analysis(
    primary_price: Decimal = Decimal("0.0312"),
    replica_price: Decimal = Decimal("0.0315"),
    hours: Decimal = Decimal(720),
    interruptions: int = 4,
    downtime_seconds: Decimal = Decimal(45),
    revenue_per_hour: Decimal = Decimal(1000),
) -> ReplicaCostAnalysis:
    return ReplicaCostAnalysis.of(
        primary_price=primary_price,
        replica_price=replica_price,
        hours=hours,
        interruptions=interruptions,
        downtime_seconds=downtime_seconds,
        revenue_per_hour=revenue_per_hour,
    )


def price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
