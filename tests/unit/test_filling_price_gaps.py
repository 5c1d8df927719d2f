"""What pools probably cost while nobody looked is filled in, wherever prices are kept."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.application.pricing.fill_price_gaps import FillPriceGaps, PriceQuality
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.buckets import Bucket
from spot_optimizer.domain.pricing.gaps import PoolSeries, fill_buckets
from tests.builders import (
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    ZONE_A,
    ZONE_B,
    a_pool,
    a_snapshot,
)
from tests.fakes import FixedClock
from tests.stores import SqlStore, Store

FIVE = 5 * MINUTE


def put(store: Store, pool_id: PoolId, prices: dict[int, str]) -> None:
    """Measured, by minutes before noon."""
    measured = [
        a_snapshot(
            pool_id=pool_id, bucket=Bucket(NOON - minutes * MINUTE), spot_price=Decimal(price)
        )
        for minutes, price in prices.items()
    ]
    with store.work() as work:
        work.prices.add_buckets(measured, {POOL_A: a_pool(), POOL_B: a_pool(ZONE_B)}, NOON)
        work.commit()


def fill(store: Store, now: datetime = NOON) -> PriceQuality:
    return FillPriceGaps(store.work, FixedClock(now), store.price_windows)()


def standing(store: Store, pool_id: PoolId = POOL_A) -> dict[int, tuple[str, str, str]]:
    """Price, source and confidence of all buckets, by minutes before noon."""
    starts = [NOON - number * FIVE for number in range(-2, 13 * 24)]
    with store.work() as work:
        found = work.prices.buckets_at({(pool_id, start) for start in starts})
    return {
        (NOON - start) // MINUTE: (
            f"{one.spot_price:.6f}",
            one.data_source.value,
            f"{one.confidence:.2f}",
        )
        for (_, start), one in sorted(found.items())
    }


@pytest.fixture(autouse=True)
def pools(store: Store) -> None:
    store.put_pools(ZONE_A, ZONE_B)


def test_a_gap_between_measured_prices_is_filled_and_stays_so(store: Store) -> None:
    put(store, POOL_A, {20: "0.0400", 10: "0.0500"})

    assert fill(store) == PriceQuality(filled=1, without_boundary=285)
    assert standing(store)[15] == ("0.045000", "interpolated", "0.85")
    before = standing(store)
    assert fill(store).filled == 0
    assert standing(store) == before
    assert standing(store).keys() == {20, 15, 10}  # nothing beyond, nothing in progress


def test_the_bucket_in_progress_is_left_alone(store: Store) -> None:
    put(store, POOL_A, {5: "0.0400", -5: "0.0500"})

    assert fill(store, NOON + 2 * MINUTE).filled == 0
    assert fill(store, NOON + 12 * MINUTE).filled == 1
    assert standing(store)[0] == ("0.045000", "interpolated", "0.85")


def test_a_long_gap_moves_as_the_peers_did(store: Store) -> None:
    put(store, POOL_A, {60: "0.0400", 10: "0.0400"})
    put(store, POOL_B, dict.fromkeys(range(60, 30, -5), "0.0100") | {30: "0.0200", 10: "0.0200"})

    assert fill(store).filled == 9 + 3

    # Around 35 minutes before noon the peer's price doubled.
    assert standing(store)[30] == ("0.080000", "interpolated", "0.70")
    assert standing(store)[50] == ("0.040000", "interpolated", "0.70")


def test_a_gap_of_more_than_two_hours_stays_open(store: Store) -> None:
    put(store, POOL_A, {150: "0.0400", 20: "0.0500"})

    assert fill(store) == PriceQuality(too_long=25, without_boundary=261)
    assert standing(store).keys() == {150, 20}


def test_a_gap_across_the_edge_of_the_day_is_filled_inside_it(store: Store) -> None:
    put(store, POOL_A, {24 * 60 + 5: "0.0400", 24 * 60 - 5: "0.0500", 24 * 60 - 10: "0.0500"})

    assert fill(store).filled == 1
    assert 24 * 60 in standing(store)


def test_what_is_measured_late_replaces_an_estimate(store: Store) -> None:
    put(store, POOL_A, {20: "0.0400", 10: "0.0500"})
    fill(store)
    late = a_snapshot(bucket=Bucket(NOON - 15 * MINUTE), spot_price=Decimal("0.0300"))

    with store.work() as work:
        work.prices.replace_buckets([late], {POOL_A: a_pool()}, NOON)
        work.commit()

    assert fill(store).filled == 0
    assert standing(store)[15][:2] == ("0.030000", "measured")


def test_an_estimate_that_comes_too_late_is_none(store: Store) -> None:
    """Somebody has measured the bucket since the gap was looked at."""
    put(store, POOL_A, {20: "0.0400", 15: "0.0300", 10: "0.0500"})
    around = [
        a_snapshot(bucket=Bucket(NOON - minutes * MINUTE), spot_price=Decimal("0.0400"))
        for minutes in (20, 10)
    ]
    (estimate,) = fill_buckets(PoolSeries.of(around), [], NOON - HOUR, NOON).filled

    with store.work() as work:
        assert work.prices.add_estimates([estimate], a_pool(), NOON) == 0
        work.commit()

    assert standing(store)[15][:2] == ("0.030000", "measured")
    if isinstance(store, SqlStore):
        assert store.rows(tables.pricing_snapshots_interpolated) == []


def test_pools_that_are_not_active_are_left_alone(store: Store) -> None:
    inactive = replace(a_pool("us-east-1f"), is_active=False)
    store.put_pool(inactive)
    measured = [
        a_snapshot(pool_id=inactive.id, bucket=Bucket(NOON - minutes * MINUTE))
        for minutes in (20, 10)
    ]
    with store.work() as work:
        work.prices.add_buckets(measured, {inactive.id: inactive}, NOON)
        work.commit()

    assert fill(store) == PriceQuality()


def test_one_pool_that_fails_does_not_stop_the_others(store: Store) -> None:
    put(store, POOL_A, {20: "0.0400", 10: "0.0500"})
    put(store, POOL_B, {20: "0.0400", 10: "0.0500"})
    windows = store.price_windows

    def works() -> UnitOfWork:
        work = store.work()
        return work if works.calls.pop() else 1 / 0  # type: ignore[attr-defined,return-value]

    works.calls = [True, False]  # type: ignore[attr-defined]

    done = FillPriceGaps(works, FixedClock(NOON), windows)()

    assert (done.filled, done.failed_pools) == (1, 1)
    assert 15 not in standing(store, POOL_A)
    assert 15 in standing(store, POOL_B)
