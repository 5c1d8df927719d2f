"""A pricing report on its way in: what it leaves out, whose it is, and when it is a repeat."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.agents.agent import Placement
from spot_optimizer.domain.agents.instances import Standby
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId, ReportId
from spot_optimizer.domain.pricing.prices import SourceRole
from spot_optimizer.domain.pricing.report import PoolOffer, PricingReport, SpotPool
from spot_optimizer.domain.pricing.submission import PriceSubmission, role_of_reporter
from spot_optimizer.domain.values import Mode
from tests.unit.domain_examples import (
    NOON,
    NOWADAYS,
    POOL_A,
    POOL_B,
    SECOND,
    a_standby,
    an_agent,
    vitals_of,
)

VITALS = vitals_of(an_agent())
OVERWRITES = Compatibility(price_report_overwrites=True)
IN_A = PoolOffer(
    pool_id=POOL_A, instance_type="t3.medium", zone="us-east-1a", price=Decimal("0.0125")
)
IN_B = replace(IN_A, pool_id=POOL_B, zone="us-east-1b", price=Decimal("0.0110"))
UNPRICED = replace(IN_A, pool_id=PoolId("t3.medium.us-east-1c"), price=None)


def completed(**said: Any) -> PriceSubmission:
    return replace(PriceSubmission(), **said).completed(VITALS, NOWADAYS)


def test_an_empty_report_is_the_primarys_where_the_agent_is() -> None:
    assert completed() == PriceSubmission(
        instance_id=InstanceId("i-1"),
        instance_type="t3.medium",
        region="us-east-1",
        zone="us-east-1a",
    )


def test_what_is_said_is_not_replaced() -> None:
    said = PriceSubmission(
        instance_id=InstanceId("i-9"),
        instance_type="c5.large",
        region="eu-west-1",
        zone="eu-west-1a",
        mode=Mode.SPOT,
        pool_id=POOL_B,
        on_demand_price=Decimal("0.1"),
        current_spot_price=Decimal("0.03"),
        cheapest_pool_id=POOL_B,
        cheapest_pool_price=Decimal("0.02"),
        offers=(IN_A, IN_B),
        listed=({"pool_id": POOL_A},),
        collected_at=NOON,
    )

    assert said.completed(VITALS, NOWADAYS) == said


@given(st.sampled_from([PriceSubmission(), PriceSubmission(mode=Mode.SPOT, offers=(IN_A,))]))
def test_formerly_nothing_was_completed(said: PriceSubmission) -> None:
    assert said.completed(VITALS, OVERWRITES) == said


@pytest.mark.parametrize(
    ("mode", "pool_id", "expected"),
    [
        (Mode.SPOT, None, POOL_A),
        (Mode.SPOT, POOL_B, POOL_B),
        (Mode.ON_DEMAND, None, None),
        (Mode.UNKNOWN, None, None),
        (None, None, None),
    ],
)
def test_on_spot_the_pool_is_that_of_type_and_zone(
    mode: Mode | None, pool_id: PoolId | None, expected: PoolId | None
) -> None:
    assert completed(mode=mode, pool_id=pool_id).pool_id == expected


@pytest.mark.parametrize("missing", ["instance_type", "zone"])
def test_no_pool_is_made_of_half_a_place(missing: str) -> None:
    somewhere: dict[str, Any] = {"instance_type": "t3.medium", "zone": "us-east-1a"}
    del somewhere[missing]
    agent = vitals_of(an_agent(placement=Placement(**somewhere)))

    assert PriceSubmission(mode=Mode.SPOT).completed(agent, NOWADAYS).pool_id is None


@pytest.mark.parametrize(
    ("mode", "offers", "price"),
    [
        (Mode.SPOT, (IN_B, IN_A), "0.0125"),
        (Mode.SPOT, (IN_B,), None),
        (Mode.SPOT, (replace(IN_A, price=None),), None),
        (Mode.ON_DEMAND, (IN_A,), None),
        (None, (IN_A,), None),
    ],
)
def test_a_spot_price_that_is_not_said_is_that_of_the_current_pool_in_the_list(
    mode: Mode | None, offers: tuple[PoolOffer, ...], price: str | None
) -> None:
    expected = None if price is None else Decimal(price)
    assert completed(mode=mode, offers=offers).current_spot_price == expected


def test_a_pool_that_is_not_known_has_no_price_in_the_list() -> None:
    nowhere = vitals_of(an_agent(placement=Placement()))

    told = PriceSubmission(mode=Mode.SPOT, offers=(IN_A,)).completed(nowhere, NOWADAYS)

    assert (told.pool_id, told.current_spot_price) == (None, None)


@pytest.mark.parametrize(
    ("pool_id", "price", "offers", "expected"),
    [
        (None, None, (IN_A, IN_B), (POOL_B, Decimal("0.0110"))),
        (None, None, (UNPRICED, IN_A), (POOL_A, Decimal("0.0125"))),
        (None, None, (UNPRICED,), (None, None)),
        (None, None, (), (None, None)),
        (POOL_A, Decimal("0.0125"), (IN_A, IN_B), (POOL_A, Decimal("0.0125"))),
        (None, Decimal("9"), (IN_A,), (POOL_A, Decimal("0.0125"))),
        (None, Decimal("9"), (), (None, Decimal("9"))),
    ],
)
def test_the_cheapest_pool_is_computed_from_the_list_unless_it_is_said(
    pool_id: PoolId | None,
    price: Decimal | None,
    offers: tuple[PoolOffer, ...],
    expected: tuple[PoolId | None, Decimal | None],
) -> None:
    told = completed(cheapest_pool_id=pool_id, cheapest_pool_price=price, offers=offers)

    assert (told.cheapest_pool_id, told.cheapest_pool_price) == expected


@pytest.mark.parametrize(
    ("spot", "on_demand", "expected"),
    [
        ("0.0125", "0.0416", ("0.0125", "0.0416")),
        (None, None, (None, None)),
        ("0", "0", (None, None)),
        ("100", "200", ("100", "200")),
        ("100.000001", "200.000001", (None, None)),
    ],
)
def test_only_valid_prices_are_the_instances_and_formerly_all_were(
    spot: str | None, on_demand: str | None, expected: tuple[str | None, str | None]
) -> None:
    reported = tuple(None if p is None else Decimal(p) for p in (spot, on_demand))
    said = PriceSubmission(current_spot_price=reported[0], on_demand_price=reported[1])

    valid = tuple(None if p is None else Decimal(p) for p in expected)
    assert said.prices_of_the_instance(NOWADAYS) == valid
    assert said.valid_on_demand_price == valid[1]
    assert said.prices_of_the_instance(OVERWRITES) == reported


def test_a_report_is_kept_as_it_was_completed() -> None:
    said = completed(
        mode=Mode.SPOT,
        on_demand_price=Decimal("0.0416"),
        offers=(IN_A, IN_B),
        listed=({"pool_id": POOL_A}, "nonsense"),
        collected_at=NOON - SECOND,
    )

    assert said.report(ReportId("report-1"), VITALS, NOON) == PricingReport(
        id=ReportId("report-1"),
        agent_id=AgentId("agent-1"),
        received_at=NOON,
        collected_at=NOON - SECOND,
        instance_id=InstanceId("i-1"),
        instance_type="t3.medium",
        region="us-east-1",
        zone="us-east-1a",
        current_mode=Mode.SPOT,
        current_pool_id=POOL_A,
        on_demand_price=Decimal("0.0416"),
        current_spot_price=Decimal("0.0125"),
        cheapest_pool_id=POOL_B,
        cheapest_pool_price=Decimal("0.0110"),
        spot_pools=({"pool_id": POOL_A}, "nonsense"),
    )


@pytest.mark.parametrize(
    ("reporter", "standbys", "role"),
    [
        (None, [], SourceRole.PRIMARY),
        ("i-1", [], SourceRole.PRIMARY),
        ("i-1", [a_standby(instance_id="i-1", replica_type="manual")], SourceRole.PRIMARY),
        ("i-3", [a_standby()], SourceRole.REPLICA_AUTOMATIC),
        (
            "i-3",
            [a_standby(replica_type="automatic-termination")],
            SourceRole.REPLICA_AUTOMATIC,
        ),
        ("i-3", [a_standby(replica_type="manual")], SourceRole.REPLICA_MANUAL),
        ("i-3", [a_standby(instance_id="i-4")], SourceRole.REPLICA_MANUAL),
        ("i-3", [a_standby(instance_id="i-4"), a_standby()], SourceRole.REPLICA_AUTOMATIC),
        ("i-3", [], SourceRole.REPLICA_MANUAL),
    ],
)
def test_who_measured_follows_from_the_instance(
    reporter: str | None, standbys: list[Standby], role: SourceRole
) -> None:
    instance_id = None if reporter is None else InstanceId(reporter)

    assert role_of_reporter(instance_id, VITALS, standbys) is role


FAR_ZONE, LONG_TYPE = "z" * 49, "t" * 51


@pytest.mark.parametrize(
    ("pool_id", "zone", "instance_type", "offered"),
    [
        (POOL_A, None, None, (POOL_A, "us-east-1a", "t3.medium")),
        (POOL_A, "us-east-1b", None, (POOL_A, "us-east-1b", "t3.medium")),
        (POOL_A, None, "c5.large", (POOL_A, "us-east-1a", "c5.large")),
        (None, "us-east-1a", "t3.medium", (POOL_A, "us-east-1a", "t3.medium")),
        ("", "us-east-1a", "t3.medium", (POOL_A, "us-east-1a", "t3.medium")),
        ("17", "us-east-1a", "t3.medium", ("17", "us-east-1a", "t3.medium")),
        ("17", None, "t3.medium", None),
        ("17", "us-east-1a", None, None),
        (None, None, "t3.medium", None),
        (None, "us-east-1a", None, None),
        (".us-east-1a", None, None, None),
        ("t3.", None, None, None),
        ("p" * 100, "z", "t", ("p" * 100, "z", "t")),
        ("p" * 101, "z", "t", None),
        ("p", "z" * 48, "t" * 50, ("p", "z" * 48, "t" * 50)),
        ("p", FAR_ZONE, "t", None),
        ("p", "z", LONG_TYPE, None),
    ],
)
def test_an_offer_is_completed_from_its_pool_or_the_pool_from_it(
    pool_id: str | None,
    zone: str | None,
    instance_type: str | None,
    offered: tuple[str, str, str] | None,
) -> None:
    offer = PoolOffer.of(
        pool_id=pool_id, zone=zone, instance_type=instance_type, price=Decimal("0.01")
    )

    told = None if offer is None else (offer.pool_id, offer.zone, offer.instance_type)
    assert told == offered
    assert offer is None or offer.price == Decimal("0.01")


@pytest.mark.parametrize("name", ["", "t3 medium", "größe", "t3\nmedium", "t" * 51, None])
def test_what_is_no_name_for_aws_names_no_type_region_or_pool(name: str | None) -> None:
    said = PriceSubmission(instance_type=name, region=name)

    assert (said.names_its_type, said.names_its_region) == (False, False)
    assert PoolOffer.of(pool_id="p", zone="z", instance_type=name, price=None) is None
    assert PoolOffer.of(pool_id="p", zone=name, instance_type="t", price=None) is None


def test_the_longest_names_that_are_kept_still_name_something() -> None:
    said = PriceSubmission(instance_type="t" * 50, region="r" * 32)

    assert (said.names_its_type, said.names_its_region) == (True, True)
    assert not replace(said, region="r" * 33).names_its_region


@pytest.mark.parametrize("price", [None, "0.01", 0.01, True, Decimal("0.0009"), Decimal("101")])
def test_an_offer_whose_price_is_none_is_still_a_pool(price: object) -> None:
    offer = PoolOffer.of(pool_id=POOL_A, zone=None, instance_type=None, price=price)

    assert offer == replace(IN_A, price=None)


def test_a_pool_is_called_by_its_type_and_zone() -> None:
    pool = SpotPool.of("t3.medium", "us-east-1", "us-east-1a")

    assert pool == SpotPool(
        id=POOL_A,
        name="t3.medium (us-east-1a)",
        instance_type="t3.medium",
        region="us-east-1",
        zone="us-east-1a",
        is_active=True,
    )
    assert SpotPool.of("t3.medium", "us-east-1", "us-east-1a", PoolId("17")).id == "17"


def a_report(report_id: str = "report-1", **changes: Any) -> PricingReport:
    report = PricingReport(
        id=ReportId(report_id),
        agent_id=AgentId("agent-1"),
        received_at=NOON,
        collected_at=NOON,
        on_demand_price=Decimal("0.0416"),
    )
    return replace(report, **changes)


fractions = st.integers(0, 999_999).map(lambda micros: NOON + timedelta(microseconds=micros))


@given(one=fractions, other=fractions)
def test_a_report_repeats_another_of_the_same_agent_and_second(
    one: datetime, other: datetime
) -> None:
    first = a_report(collected_at=one)
    again = a_report("report-2", collected_at=other, received_at=NOON + SECOND)

    assert again.key == (AgentId("agent-1"), NOON)
    assert again.repeats(first, NOWADAYS)
    assert again.repeats(replace(first, on_demand_price=None), NOWADAYS)


@pytest.mark.parametrize(
    "other",
    [
        a_report(collected_at=NOON + SECOND),
        a_report(agent_id="agent-2"),
        a_report(collected_at=None),
    ],
)
@pytest.mark.parametrize("policy", [NOWADAYS, OVERWRITES])
def test_another_agents_or_seconds_report_is_news(
    other: PricingReport, policy: Compatibility
) -> None:
    assert not a_report().repeats(other, policy)


def test_a_report_without_a_time_never_repeats() -> None:
    undated = a_report(collected_at=None)

    assert undated.key is None
    assert not undated.repeats(undated, NOWADAYS)


def test_formerly_reports_of_one_second_were_told_apart_by_what_they_say() -> None:
    again = a_report("report-2", received_at=NOON + SECOND)

    assert again.repeats(a_report(), OVERWRITES)
    assert not again.repeats(a_report(on_demand_price=None), OVERWRITES)
