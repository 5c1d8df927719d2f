"""Spot pools, the same expectations wherever they are kept."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.buckets import Bucket, DataSource
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.pricing.prices import SourceRole
from tests.builders import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    POOL_C,
    REGION,
    SECOND_OF_TIME,
    TYPE,
    ZONE_A,
    ZONE_B,
    ZONE_C,
    a_pool,
    a_snapshot,
    an_interruption,
    an_observation,
)
from tests.stores import SqlStore, Store


def ensured(store: Store, *pools: Any, at: datetime = NOON) -> dict[PoolId, PoolId]:
    with store.work() as work:
        kept_as = work.pools.ensure(pools, at)
        work.commit()
    return dict(kept_as)


def priced(store: Store, at: datetime = NOON) -> list[PricedPool]:
    with store.work() as work:
        return list(work.pools.list_priced(TYPE, REGION, at))


def put_prices(store: Store, *prices: Any) -> None:
    """Ticks and buckets."""
    with store.work() as work:
        ticks = [price for price in prices if not hasattr(price, "bucket")]
        work.prices.add_ticks(ticks)
        buckets = [price for price in prices if hasattr(price, "bucket")]
        work.prices.add_buckets(buckets, {one.pool_id: a_pool() for one in buckets}, NOON)
        work.commit()


class TestEnsuring:
    def test_a_new_pool_comes_back_as_it_went_in(self, store: Store) -> None:
        assert ensured(store, a_pool(), a_pool(ZONE_B)) == {POOL_A: POOL_A, POOL_B: POOL_B}

        with store.work() as work:
            assert work.pools.find(POOL_A) == a_pool()
            assert work.pools.find(POOL_B) == a_pool(ZONE_B)
            assert work.pools.find(POOL_C) is None
            assert work.pools.find(PoolId(POOL_A.upper())) is None

    def test_without_commit_there_is_no_pool(self, store: Store) -> None:
        with store.work() as work:
            work.pools.ensure([a_pool()], NOON)

        with store.work() as work:
            assert work.pools.find(POOL_A) is None

    def test_a_known_pool_stays_as_it_is(self, store: Store) -> None:
        retired = a_pool(is_active=False, name="our favourite")
        store.put_pool(retired)

        assert ensured(store, a_pool()) == {POOL_A: POOL_A}

        with store.work() as work:
            assert work.pools.find(POOL_A) == retired

    def test_a_known_place_keeps_its_id(self, store: Store) -> None:
        named = PoolId("pool-17")
        store.put_pool(a_pool(id=named))

        kept_as = ensured(store, a_pool(), a_pool(ZONE_B))

        assert kept_as == {POOL_A: named, POOL_B: POOL_B}
        with store.work() as work:
            assert work.pools.find(POOL_A) is None

    def test_two_names_for_one_new_place_are_one_pool(self, store: Store) -> None:
        again = a_pool(id=PoolId("pool-17"))

        assert ensured(store, a_pool(), again) == {POOL_A: POOL_A, again.id: POOL_A}

    def test_a_known_id_keeps_its_place(self, store: Store) -> None:
        store.put_pool(a_pool())

        assert ensured(store, a_pool(id=POOL_A, zone=ZONE_C)) == {POOL_A: POOL_A}

        with store.work() as work:
            assert work.pools.find(POOL_A) == a_pool()

    def test_the_same_zone_of_another_region_or_type_is_another_pool(self, store: Store) -> None:
        pools = [
            a_pool(),
            a_pool(id=PoolId("2"), region="eu-west-1"),
            a_pool(id=PoolId("3"), instance_type="m5.large"),
        ]

        assert ensured(store, *pools) == {pool.id: pool.id for pool in pools}

    def test_a_place_in_another_spelling_is_the_same_to_mysql(self, mariadb: SqlStore) -> None:
        mariadb.put_pool(a_pool())
        shouted = PoolId("T3.MEDIUM.US-EAST-1A")
        pools = [
            a_pool(id=shouted, instance_type="T3.MEDIUM", zone="US-EAST-1A"),
            a_pool(ZONE_B),
            a_pool(id=PoolId(POOL_B.upper()), zone="US-EAST-1B"),
        ]

        kept_as = ensured(mariadb, *pools)

        assert kept_as == {shouted: POOL_A, POOL_B: POOL_B, POOL_B.upper(): POOL_B}

    def test_it_is_noted_when_a_pool_was_seen(self, database: SqlStore) -> None:
        def seen() -> dict[str, datetime]:
            return {row["id"]: row["updated_at"] for row in database.rows(tables.spot_pools)}

        database.put_pools(ZONE_C)
        ensured(database, a_pool())
        assert seen() == {POOL_A: NOON, POOL_C: None}

        ensured(database, a_pool(), a_pool(ZONE_B), a_pool(ZONE_C), at=NOON + MINUTE)
        ensured(database, a_pool(), at=NOON)
        assert seen() == dict.fromkeys((POOL_A, POOL_B, POOL_C), NOON + MINUTE)


class TestPricedPools:
    def test_active_pools_of_the_type_and_region_come_in_the_order_of_their_ids(
        self, store: Store
    ) -> None:
        store.put_pools(ZONE_C, ZONE_A)
        store.put_pool(a_pool(ZONE_B, is_active=False))
        store.put_pool(a_pool(id=PoolId("x"), region="eu-west-1"))
        store.put_pool(a_pool(id=PoolId("y"), instance_type="m5.large"))

        assert priced(store) == [
            PricedPool(pool_id=POOL_A, zone=ZONE_A, name=f"{TYPE} ({ZONE_A})"),
            PricedPool(pool_id=POOL_C, zone=ZONE_C, name=f"{TYPE} ({ZONE_C})"),
        ]

    def test_the_newest_tick_is_the_price(self, store: Store) -> None:
        store.put_pools(ZONE_A, ZONE_B)
        put_prices(
            store,
            an_observation(price=Decimal("0.02"), observed_at=NOON - MINUTE),
            an_observation(price=Decimal("0.03"), observed_at=NOON - 2 * MINUTE),
            an_observation(pool_id=POOL_B, price=Decimal("0.09"), observed_at=NOON),
        )

        newest = priced(store)[0]

        assert (newest.price, newest.priced_at) == (Decimal("0.020000"), NOON - MINUTE)

    @pytest.mark.parametrize(
        ("tick_at", "price"),
        [
            (NOON - SECOND_OF_TIME, "0.05"),
            (NOON, "0.02"),
            (NOON + SECOND_OF_TIME, "0.02"),
        ],
    )
    def test_the_newer_of_tick_and_bucket_counts(
        self, store: Store, tick_at: datetime, price: str
    ) -> None:
        store.put_pools(ZONE_A)
        put_prices(
            store,
            an_observation(price=Decimal("0.02"), observed_at=tick_at),
            a_snapshot(spot_price=Decimal("0.05")),
            a_snapshot(spot_price=Decimal("0.06"), bucket=Bucket(NOON - HOUR)),
        )

        (pool,) = priced(store)

        assert pool.price == Decimal(price)
        assert pool.priced_at == max(tick_at, NOON)

    def test_an_interpolated_price_is_none(self, store: Store) -> None:
        store.put_pools(ZONE_A)
        store.put_interpolated_bucket(
            a_snapshot(role=SourceRole.INTERPOLATED, data_source=DataSource.INTERPOLATED)
        )

        (pool,) = priced(store)

        assert (pool.price, pool.priced_at) == (None, None)

    def test_interruptions_count_for_a_day_and_for_thirty(self, store: Store) -> None:
        store.put_pools(ZONE_A, ZONE_B)
        ages = [timedelta(0), DAY, DAY + SECOND_OF_TIME, 30 * DAY, 30 * DAY + SECOND_OF_TIME]
        with store.work() as work:
            for age in ages:
                work.interruptions.add(an_interruption(detected_at=NOON - age), NOON)
            work.interruptions.add(an_interruption(pool_id=POOL_B, detected_at=NOON), NOON)
            work.commit()

        counted = [(pool.interruptions_24h, pool.interruptions_30d) for pool in priced(store)]

        assert counted == [(2, 4), (1, 1)]

    def test_a_pool_without_a_name_is_called_by_its_type_and_zone(self, database: SqlStore) -> None:
        database.insert(tables.spot_pools, id=POOL_A, instance_type=TYPE, region=REGION, az=ZONE_A)

        assert priced(database)[0].name == f"{TYPE} ({ZONE_A})"
