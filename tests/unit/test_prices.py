"""What counts as a price, whose it is, and when it was seen."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId, ReportId
from spot_optimizer.domain.pricing.prices import (
    PriceObservation,
    SourceRole,
    confidence_in,
    difference_percent,
    is_on_demand_price,
    is_spot_price,
    rank_of,
    time_of_observation,
)
from spot_optimizer.domain.pricing.report import (
    PoolOffer,
    PricingReport,
    SpotPool,
    cheapest_offer,
)
from spot_optimizer.domain.values import Cents, hourly_price, money, percent

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

amounts = st.decimals(min_value=-10_000, max_value=10_000, places=6)
prices = st.decimals(min_value=Decimal("0.001"), max_value=100, places=6)
instants = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone itself
    max_value=datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.mark.parametrize("amount", ["0.001", "0.0312", "1", "100", "100.000000"])
def test_a_spot_price_lies_within_its_inclusive_bounds(amount: str) -> None:
    assert is_spot_price(Decimal(amount))


@pytest.mark.parametrize(
    "amount", ["0.000999", "0", "-0.5", "100.000001", "150", "NaN", "sNaN", "Infinity", "-Infinity"]
)
def test_what_is_outside_or_not_finite_is_no_spot_price(amount: str) -> None:
    assert not is_spot_price(Decimal(amount))


def test_on_demand_prices_reach_twice_as_far() -> None:
    assert is_on_demand_price(Decimal("200"))
    assert is_on_demand_price(Decimal("0.001"))
    assert not is_on_demand_price(Decimal("200.000001"))
    assert not is_on_demand_price(Decimal("0.000999"))
    assert not is_on_demand_price(Decimal("NaN"))


@pytest.mark.parametrize("thing", [None, "abc", "0.03", True, 0.03, 1, []])
def test_only_a_decimal_is_a_price(thing: object) -> None:
    assert not is_spot_price(thing)
    assert not is_on_demand_price(thing)


def test_of_three_reported_prices_two_are_rejected() -> None:
    reported = [Decimal("0.0312"), "abc", Decimal("150")]  # contract D-23

    assert [is_spot_price(price) for price in reported] == [True, False, False]


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_any_number_can_be_asked(amount: Decimal) -> None:
    expected = amount.is_finite() and Decimal("0.001") <= amount <= 100
    assert is_spot_price(amount) == expected


@pytest.mark.parametrize(
    ("role", "rank", "confidence"),
    [
        ("primary", 4, "1.00"),
        ("replica-automatic", 3, "0.95"),
        ("replica-manual", 2, "0.95"),
        ("interpolated", 1, "0.70"),
        ("hearsay", 0, "0.50"),
    ],
)
def test_ranks_and_confidences(role: str, rank: int, confidence: str) -> None:
    assert rank_of(role) == rank
    assert confidence_in(role) == Decimal(confidence)


def test_every_role_has_its_own_rank() -> None:
    assert len({rank_of(role) for role in SourceRole}) == len(SourceRole)


def test_the_instance_speaks_before_the_agent() -> None:
    assert an_observation(instance_id=InstanceId("i-1")).source == "i-1"
    assert an_observation(instance_id=None).source == "agent-1"


def test_without_a_claimed_time_the_receipt_counts() -> None:
    assert time_of_observation(None, NOON) == NOON


def test_a_clock_may_be_five_minutes_ahead_but_no_more() -> None:
    ahead = NOON + timedelta(seconds=300)

    assert time_of_observation(ahead, NOON) == ahead
    assert time_of_observation(ahead + timedelta(seconds=1), NOON) == NOON


@given(claimed=st.none() | instants, received=instants)
def test_no_observation_is_more_than_five_minutes_ahead(
    claimed: datetime | None, received: datetime
) -> None:
    observed = time_of_observation(claimed, received)

    assert observed <= received + timedelta(seconds=300)
    assert observed.microsecond == 0
    if claimed is not None and claimed <= received:
        assert observed == claimed.replace(microsecond=0)


def test_the_difference_is_a_share_of_the_earlier_price() -> None:
    difference = difference_percent(Decimal("0.0458"), Decimal("0.0456"))

    assert round(difference, 4) == Decimal("0.4386")


@given(amounts, amounts)
def test_a_difference_is_never_negative_and_never_refused(price: Decimal, earlier: Decimal) -> None:
    difference = difference_percent(price, earlier)

    assert difference >= 0
    assert (difference == 0) == (price == earlier)


@given(prices, prices)
def test_the_difference_leads_from_one_price_to_the_other(price: Decimal, earlier: Decimal) -> None:
    step = earlier * difference_percent(price, earlier) / 100

    assert min(abs(earlier + step - price), abs(earlier - step - price)) < Decimal("1e-20")


@given(amounts)
def test_rounding_moves_an_amount_by_half_a_step_at_most(amount: Decimal) -> None:
    fine = amount / 7

    assert abs(hourly_price(fine) - fine) <= Decimal("0.0000005")
    assert abs(money(fine) - fine) <= Decimal("0.00005")
    assert abs(percent(fine) - max(-Decimal("999.99"), min(Decimal("999.99"), fine))) <= Decimal(
        "0.005"
    )


def test_money_rounds_to_the_even_neighbour_and_prices_upwards() -> None:
    assert money(Decimal("0.00005")) == Decimal("0.0000")
    assert money(Decimal("0.00015")) == Decimal("0.0002")
    assert hourly_price(Decimal("0.0000005")) == Decimal("0.000001")


def test_a_pool_is_named_after_type_and_zone() -> None:
    pool = SpotPool.of("t3.medium", "us-east-1", "us-east-1a")

    assert pool.id == "t3.medium.us-east-1a"
    assert pool.name == "t3.medium (us-east-1a)"
    assert pool.is_active


def test_a_pool_may_have_an_id_of_its_own() -> None:
    assert SpotPool.of("t3.medium", "us-east-1", "us-east-1a", PoolId("7")).id == "7"


def test_an_offer_without_zone_takes_it_from_the_pool_id() -> None:
    offer = an_offer(pool_id="t3.medium.us-east-1b", zone=None)

    assert offer is not None
    assert offer.zone == "us-east-1b"


def test_an_offer_without_type_takes_it_from_the_pool_id() -> None:
    offer = an_offer(pool_id="m5.large.us-east-1b", zone=None, instance_type=None)

    assert offer is not None
    assert (offer.instance_type, offer.zone) == ("m5.large", "us-east-1b")


def test_an_offer_without_id_is_named_after_type_and_zone() -> None:
    offer = an_offer(pool_id=None, zone="us-east-1c", instance_type="m5.large")

    assert offer is not None
    assert offer.pool_id == "m5.large.us-east-1c"


@pytest.mark.parametrize(
    ("pool_id", "zone", "instance_type"),
    [
        (None, None, "t3.medium"),
        (None, "us-east-1a", None),
        ("pool7", None, "t3.medium"),
        ("t3.medium.us-east-1a" + "x" * 90, None, "t3.medium"),
        ("p.z", "z" * 49, "t3.medium"),
        ("p.z", "z", "t" * 51),
    ],
)
def test_an_offer_that_cannot_be_placed_is_none(
    pool_id: str | None, zone: str | None, instance_type: str | None
) -> None:
    assert an_offer(pool_id=pool_id, zone=zone, instance_type=instance_type) is None


def test_an_offer_may_fill_its_columns() -> None:
    offer = an_offer(pool_id="p" * 100, zone="z" * 48, instance_type="t" * 50)

    assert offer is not None
    assert an_offer(pool_id="p" * 101, zone="z", instance_type="t") is None


@pytest.mark.parametrize("price", [None, "abc", Decimal("150"), Decimal("0.0001"), 0.0312, True])
def test_an_offer_without_a_valid_price_has_none(price: object) -> None:
    offer = an_offer(price=price)

    assert offer is not None
    assert offer.price is None


def test_the_cheapest_offer_has_the_lowest_price_and_then_the_first_id() -> None:
    offers = [
        an_offer(pool_id="t3.medium.us-east-1c", price=Decimal("0.011")),
        an_offer(pool_id="t3.medium.us-east-1b", price=Decimal("0.011")),
        an_offer(pool_id="t3.medium.us-east-1a", price=Decimal("0.0125")),
    ]

    cheapest = cheapest_offer(offer for offer in offers if offer)

    assert cheapest is not None
    assert cheapest.pool_id == "t3.medium.us-east-1b"
    assert cheapest_offer([]) is None


def test_an_empty_report_is_a_report() -> None:
    report = PricingReport(id=ReportId("r-1"), agent_id=AgentId("agent-1"), received_at=NOON)

    assert report.spot_pools == ()
    assert report.collected_at is None


def an_observation(instance_id: InstanceId | None = None) -> PriceObservation:
    return PriceObservation(
        pool_id=PoolId("t3.medium.us-east-1a"),
        price=Decimal("0.0312"),
        observed_at=NOON,
        received_at=NOON,
        agent_id=AgentId("agent-1"),
        instance_id=instance_id,
    )


def an_offer(
    pool_id: str | None = "t3.medium.us-east-1a",
    zone: str | None = None,
    instance_type: str | None = "t3.medium",
    price: object = Decimal("0.0125"),
) -> PoolOffer | None:
    return PoolOffer.of(pool_id=pool_id, zone=zone, instance_type=instance_type, price=price)


@given(fine=st.lists(amounts))
def test_cents_add_up_to_the_exact_sum_wherever_one_stops(fine: list[Decimal]) -> None:
    cents = Cents()
    rounded = [cents.of(amount) for amount in fine]

    for count in range(len(fine) + 1):
        difference = sum(rounded[:count], Decimal(0)) - sum(fine[:count], Decimal(0))
        assert abs(difference) <= Decimal("0.005")
    for told, exact in zip(rounded, fine, strict=True):
        assert abs(told - exact) <= Decimal("0.01")
        assert told == round(told, 2)
