"""Which other pool an agent could run in."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.pool_choice import (
    PricedPool,
    RebalanceAction,
    advise_rebalance,
    alternatives,
    pool_risk,
    rebalance_alternative,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_price_stays_fresh_for_an_hour() -> None:
    assert a_pool("a", age=HOUR).is_fresh(NOON)
    assert not a_pool("a", age=HOUR + timedelta(seconds=1)).is_fresh(NOON)
    assert a_pool("a", age=timedelta(seconds=-60)).is_fresh(NOON)


def test_freshness_can_be_asked_more_strictly() -> None:
    five_minutes = timedelta(minutes=5)

    assert a_pool("a", age=five_minutes).is_fresh(NOON, five_minutes)
    assert not a_pool("a", age=timedelta(minutes=15)).is_fresh(NOON, five_minutes)


def test_a_pool_without_price_or_time_is_not_fresh() -> None:
    assert not a_pool("a", price=None).is_fresh(NOON)
    assert not PricedPool(pool_id=PoolId("a"), zone="a", price=Decimal(1)).is_fresh(NOON)


def test_alternatives_are_the_other_pools_cheapest_first() -> None:
    pools = [a_pool("c", "0.0131"), a_pool("a", "0.0125"), a_pool("b", "0.011")]

    assert ids(alternatives(pools, PoolId("a"), NOON)) == ["b", "c"]


def test_alternatives_of_one_price_come_in_the_order_of_their_ids() -> None:
    pools = [a_pool("d"), a_pool("b"), a_pool("c")]

    assert ids(alternatives(pools, PoolId("a"), NOON)) == ["b", "c", "d"]


def test_a_stale_pool_is_no_alternative() -> None:
    pools = [a_pool("b", "0.009", age=2 * HOUR), a_pool("c", "0.0131"), a_pool("d", price=None)]

    assert ids(alternatives(pools, PoolId("a"), NOON)) == ["c"]
    assert ids(alternatives(pools, PoolId("a"), NOON, 3 * HOUR)) == ["b", "c"]


def test_five_alternatives_are_enough() -> None:
    pools = [a_pool(letter) for letter in "bcdefgh"]

    assert ids(alternatives(pools, PoolId("a"), NOON)) == ["b", "c", "d", "e", "f"]


def test_an_unknown_current_pool_excludes_nothing() -> None:
    pools = [a_pool("a"), a_pool("b")]

    assert ids(alternatives(pools, None, NOON)) == ["a", "b"]
    assert ids(alternatives(pools, PoolId("z"), NOON)) == ["a", "b"]


def test_an_unknown_current_pool_can_hide_everything() -> None:
    pools = [a_pool("a"), a_pool("b")]

    assert alternatives(pools, None, NOON, unknown_pool_hides_all=True) == ()
    assert ids(alternatives(pools, PoolId("a"), NOON, unknown_pool_hides_all=True)) == ["b"]


def test_rebalancing_leads_to_another_zone() -> None:
    pools = [a_pool("a", "0.001"), a_pool("b", "0.9", interruptions=7)]

    assert id_of(rebalance_alternative(pools, "a")) == "b"
    assert rebalance_alternative(pools[:1], "a") is None
    assert id_of(rebalance_alternative(pools, None)) == "a"


def test_the_calmest_pool_wins_then_the_cheapest_then_the_first() -> None:
    calm = a_pool("d", "0.5", interruptions=1)
    cheap = a_pool("c", "0.1", interruptions=1)
    twin = a_pool("b", "0.1", interruptions=1)
    restless = a_pool("a", "0.01", interruptions=2)
    unpriced = a_pool("0", price=None, interruptions=1)

    pools = [restless, unpriced, calm, cheap, twin]
    assert id_of(rebalance_alternative(pools, "z")) == "b"
    assert id_of(rebalance_alternative([restless, unpriced, calm, cheap], "z")) == "c"
    assert id_of(rebalance_alternative([restless, unpriced, calm], "z")) == "d"
    assert id_of(rebalance_alternative([restless, unpriced], "z")) == "0"


def test_a_stale_price_is_good_enough_to_rebalance() -> None:
    pools = [a_pool("b", "0.2"), a_pool("c", "0.1", age=3 * HOUR)]

    assert id_of(rebalance_alternative(pools, "a")) == "c"


@pytest.mark.parametrize(
    ("interruptions", "risk"), [(0, 0.0), (9, 0.3), (12, 0.4), (15, 0.5), (30, 1.0), (90, 1.0)]
)
def test_thirty_interruptions_in_thirty_days_are_a_certain_risk(
    interruptions: int, risk: float
) -> None:
    assert pool_risk(interruptions) == risk


@given(st.integers(min_value=0, max_value=10_000))
def test_the_risk_of_a_pool_is_a_probability_and_never_falls(interruptions: int) -> None:
    assert 0 <= pool_risk(interruptions) <= pool_risk(interruptions + 1) <= 1


def test_a_risky_pool_is_left_for_another() -> None:
    advice = advise_rebalance(10, [a_pool("a"), a_pool("b")], "a")

    assert advice.action is RebalanceAction.SWITCH
    assert id_of(advice.target) == "b"
    assert advice.risk_score == 10 / 30
    assert advice.reason == "Current pool has elevated interruption risk (33.33%)"


def test_a_risk_of_thirty_percent_is_still_acceptable() -> None:
    advice = advise_rebalance(9, [a_pool("b")], "a")

    assert advice.action is RebalanceAction.MONITOR
    assert advice.target is None
    assert advice.reason == "Risk is acceptable (30.00%), continuing to monitor"


def test_a_risky_pool_is_watched_when_there_is_no_other() -> None:
    advice = advise_rebalance(30, [a_pool("a")], "a")

    assert advice.action is RebalanceAction.MONITOR
    assert advice.risk_score == 1.0


pools_of_any_kind = st.lists(
    st.builds(
        lambda letter, price, minutes, count: a_pool(
            letter, price, age=timedelta(minutes=minutes), interruptions=count
        ),
        st.sampled_from("abcdefghij"),
        st.none() | st.sampled_from(["0.01", "0.02", "0.03"]),
        st.integers(min_value=0, max_value=120),
        st.integers(min_value=0, max_value=3),
    ),
    unique_by=lambda pool: pool.pool_id,
)


@given(pools=pools_of_any_kind)
def test_no_pool_left_out_is_better_than_one_offered(pools: list[PricedPool]) -> None:
    offered = alternatives(pools, PoolId("a"), NOON)

    eligible = [pool for pool in pools if pool.pool_id != "a" and pool.is_fresh(NOON)]
    assert len(offered) == min(5, len(eligible))
    assert all(pool in eligible for pool in offered)
    left_out = [pool for pool in eligible if pool not in offered]
    for better, worse in zip(offered, [*offered[1:], *left_out], strict=False):
        assert (better.price or 0, better.pool_id) < (worse.price or 0, worse.pool_id)


@given(pools=pools_of_any_kind)
def test_the_order_of_the_pools_does_not_matter(pools: list[PricedPool]) -> None:
    backwards = pools[::-1]

    assert alternatives(pools, None, NOON) == alternatives(backwards, None, NOON)
    assert rebalance_alternative(pools, "a") == rebalance_alternative(backwards, "a")


def a_pool(
    zone: str,
    price: str | None = "0.0125",
    age: timedelta = timedelta(minutes=1),
    interruptions: int = 0,
) -> PricedPool:
    return PricedPool(
        pool_id=PoolId(zone),
        zone=zone,
        price=None if price is None else Decimal(price),
        priced_at=NOON - age,
        interruptions_30d=interruptions,
    )


def ids(pools: tuple[PricedPool, ...]) -> list[str]:
    return [pool.pool_id for pool in pools]


def id_of(pool: PricedPool | None) -> str | None:
    return None if pool is None else pool.pool_id
