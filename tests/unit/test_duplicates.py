"""Several reporters see the same price; it is told once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId
from spot_optimizer.domain.pricing.duplicates import (
    Admission,
    KeptPoint,
    screen,
)
from spot_optimizer.domain.pricing.prices import (
    PriceObservation,
    SourceRole,
    difference_percent,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

seconds = st.integers(min_value=-8, max_value=8)
near_prices = st.decimals(min_value=Decimal("0.0450"), max_value=Decimal("0.0460"), places=4)
sources = st.sampled_from(["i-1", "i-2", "i-3"])


def test_the_first_price_of_a_pool_is_stored() -> None:
    screening = screen(seen("0.0456"), [])

    assert screening.admission is Admission.STORED
    assert screening.is_new
    assert screening.kept is None


def test_the_same_source_at_the_same_instant_says_nothing_new() -> None:
    there = kept("0.0456", source="i-primary")

    screening = screen(seen("0.0456"), [there])

    assert screening.admission is Admission.DUPLICATE_EXACT
    assert screening.kept is there
    assert not screening.is_new


def test_the_same_source_at_the_same_instant_is_not_heard_again_with_another_price() -> None:
    screening = screen(seen("0.0900"), [kept("0.0456", source="i-primary")])

    assert screening.admission is Admission.DUPLICATE_EXACT


def test_the_same_source_a_second_later_is_news() -> None:
    screening = screen(seen("0.0456", after=1), [kept("0.0456", source="i-primary")])

    assert screening.admission is Admission.STORED


def test_another_source_with_nearly_the_same_price_is_told_already() -> None:
    # contract/domain.md 4.1.5, example: 0.4386 % apart
    there = kept("0.0456", source="i-primary")

    screening = screen(seen("0.0458", by="i-replica", after=2.3), [there])

    assert screening.admission is Admission.DEDUPLICATED
    assert screening.kept is there


def test_reporters_that_disagree_are_both_heard() -> None:
    # contract D-22
    screening = screen(seen("0.0500"), [kept("0.0456", source="i-replica")])

    assert screening.admission is Admission.STORED


@pytest.mark.parametrize(
    ("price", "admission"),
    [
        ("0.1005", Admission.DEDUPLICATED),
        ("0.0995", Admission.DEDUPLICATED),
        ("0.100501", Admission.STORED),
        ("0.099499", Admission.STORED),
    ],
)
def test_half_a_percent_is_still_the_same(price: str, admission: Admission) -> None:
    assert screen(seen(price), [kept("0.1", source="i-2")]).admission is admission


@pytest.mark.parametrize(
    ("after", "admission"),
    [
        (5, Admission.DEDUPLICATED),
        (-5, Admission.DEDUPLICATED),
        (6, Admission.STORED),
        (-6, Admission.STORED),
    ],
)
def test_the_window_is_five_seconds_in_both_directions(after: float, admission: Admission) -> None:
    screening = screen(seen("0.0456", after=after), [kept("0.0456", source="i-2")])

    assert screening.admission is admission


def test_the_nearest_of_several_wins() -> None:
    far = kept("0.0456", source="i-2", after=-4)
    near = kept("0.0456", source="i-3", after=2)

    assert screen(seen("0.0456"), [far, near]).kept is near
    assert screen(seen("0.0456"), [near, far]).kept is near


def test_of_two_equally_near_the_earlier_wins() -> None:
    earlier = kept("0.0456", source="i-2", after=-3)
    later = kept("0.0456", source="i-3", after=3)

    assert screen(seen("0.0456"), [later, earlier]).kept is earlier


def test_a_near_point_with_another_price_does_not_hide_a_matching_one() -> None:
    differing = kept("0.0600", source="i-2", after=1)
    matching = kept("0.0456", source="i-3", after=4)

    assert screen(seen("0.0456"), [differing, matching]).kept is matching


def test_an_exact_duplicate_outweighs_a_near_equal_one() -> None:
    other = kept("0.0456", source="i-2")
    own = kept("0.0456", source="i-primary")

    screening = screen(seen("0.0456"), [other, own])

    assert screening.admission is Admission.DUPLICATE_EXACT
    assert screening.kept is own


def test_the_agent_is_the_source_when_no_instance_is_named() -> None:
    nameless = seen("0.0456", by=None)

    same_agent = screen(nameless, [kept("0.0456", source="agent-1")])
    another = screen(nameless, [kept("0.0456", source="agent-2")])

    assert same_agent.admission is Admission.DUPLICATE_EXACT
    assert another.admission is Admission.DEDUPLICATED


@given(
    price=near_prices,
    by=sources,
    points=st.lists(
        st.builds(lambda p, s, a: kept(str(p), source=s, after=a), near_prices, sources, seconds),
        max_size=10,
    ),
)
def test_the_outcome_is_what_the_rule_says_of_every_point(
    price: Decimal, by: str, points: list[KeptPoint]
) -> None:
    observation = seen(str(price), by=by)
    screening = screen(observation, points)

    exact = [p for p in points if p.source == by and p.observed_at == observation.observed_at]
    equal = [
        p
        for p in points
        if p.source != by
        and abs(p.observed_at - observation.observed_at) <= timedelta(seconds=5)
        and difference_percent(price, p.price) <= Decimal("0.5")
    ]
    if exact:
        assert screening.admission is Admission.DUPLICATE_EXACT
        assert screening.kept in exact
    elif equal:
        assert screening.admission is Admission.DEDUPLICATED
        assert screening.kept in equal
        distance = abs(screening.kept.observed_at - observation.observed_at)
        assert all(distance <= abs(p.observed_at - observation.observed_at) for p in equal)
    else:
        assert screening.admission is Admission.STORED


def seen(price: str, by: str | None = "i-primary", after: float = 0) -> PriceObservation:
    return PriceObservation(
        pool_id=PoolId("t3.medium.us-east-1a"),
        price=Decimal(price),
        observed_at=NOON + timedelta(seconds=after),
        received_at=NOON,
        agent_id=AgentId("agent-1"),
        instance_id=None if by is None else InstanceId(by),
        role=SourceRole.PRIMARY,
    )


def kept(price: str, source: str, after: float = 0) -> KeptPoint:
    return KeptPoint(
        price=Decimal(price), observed_at=NOON + timedelta(seconds=after), source=source
    )
