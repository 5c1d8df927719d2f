"""The buckets of the price series, the same expectations wherever they are kept."""

from datetime import datetime
from decimal import Decimal

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.application.ports.unit_of_work import TransactionLost
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.buckets import Bucket, BucketSnapshot, DataSource
from spot_optimizer.domain.pricing.history import HistoricPrice
from spot_optimizer.domain.pricing.prices import Quality, SourceRole
from tests.builders import (
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    REGION,
    SECOND_OF_TIME,
    TYPE,
    ZONE_A,
    ZONE_B,
    a_pool,
    a_snapshot,
)
from tests.stores import SqlStore, Store


class TestBuckets:
    later = Bucket(NOON + 5 * MINUTE)

    def fill(self, store: Store, *snapshots: BucketSnapshot) -> None:
        with store.work() as work:
            pools = {POOL_A: a_pool(), POOL_B: a_pool(ZONE_B)}
            work.prices.add_buckets(snapshots, pools, NOON)
            work.commit()

    def standing(
        self, store: Store, pool_id: PoolId = POOL_A, start: datetime = NOON
    ) -> BucketSnapshot | None:
        with store.work() as work:
            return work.prices.buckets_at({(pool_id, start)}).get((pool_id, start))

    def test_their_prices_are_told_from_a_moment_on_the_newest_last(self, store: Store) -> None:
        for minutes, price in ((10, "0.0300"), (0, "0.0100"), (5, "0.0200")):
            bucket = Bucket(NOON + minutes * MINUTE)
            self.fill(store, a_snapshot(bucket=bucket, spot_price=Decimal(price)))
        self.fill(store, a_snapshot(pool_id=POOL_B))

        with store.work() as work:
            assert work.prices.bucket_prices({POOL_A}, NOON + 5 * MINUTE) == {
                POOL_A: [Decimal("0.0200"), Decimal("0.0300")]
            }
            assert work.prices.bucket_prices(set(), NOON) == {}

    def test_their_history_tells_what_was_measured(self, store: Store) -> None:
        estimated = {
            "role": SourceRole.INTERPOLATED,
            "data_source": DataSource.INTERPOLATED,
            "confidence": Decimal("0.70"),
        }
        self.fill(store, a_snapshot(bucket=Bucket(NOON - 5 * MINUTE)))
        self.fill(store, a_snapshot(spot_price=Decimal("12.345678")))
        self.fill(store, a_snapshot(bucket=Bucket(NOON + 10 * MINUTE), **estimated))

        with store.work() as work:
            history = work.prices.histories({POOL_A, POOL_B}, NOON)
            assert work.prices.histories(set(), NOON) == {}
        assert set(history) == {POOL_A}
        assert list(history[POOL_A].points) == [
            HistoricPrice(NOON, Decimal("12.345678"), Quality.ACTUAL),
            HistoricPrice(NOON + 10 * MINUTE, a_snapshot().spot_price, Quality.INTERPOLATED),
        ]

    @pytest.mark.parametrize(
        "snapshot",
        [
            a_snapshot(),
            a_snapshot(ondemand_price=None, savings_percent=None, agent_id=None, instance_id=None),
            a_snapshot(
                role=SourceRole.INTERPOLATED,
                data_source=DataSource.INTERPOLATED,
                confidence=Decimal("0.70"),
            ),
            a_snapshot(savings_percent=Decimal("-999.99")),
        ],
    )
    def test_what_is_put_into_a_bucket_stands_in_it(
        self, store: Store, snapshot: BucketSnapshot
    ) -> None:
        self.fill(store, snapshot)

        assert self.standing(store) == snapshot

    def test_a_bucket_is_known_by_its_pool_and_start_together(self, store: Store) -> None:
        self.fill(store, a_snapshot(), a_snapshot(pool_id=POOL_B, bucket=self.later))

        assert self.standing(store) == a_snapshot()
        assert self.standing(store, POOL_B) is None
        assert self.standing(store, POOL_A, self.later.start) is None
        with store.work() as work:
            assert work.prices.buckets_at(set()) == {}

    def test_a_bucket_is_filled_once(self, store: Store) -> None:
        self.fill(store, a_snapshot())

        with pytest.raises(TransactionLost):
            self.fill(store, a_snapshot(spot_price=Decimal("0.02")))

    def test_without_commit_a_bucket_stays_as_it_is(self, store: Store) -> None:
        self.fill(store, a_snapshot(role=SourceRole.REPLICA_MANUAL))

        with store.work() as work:
            work.prices.replace_buckets([a_snapshot()], {POOL_A: a_pool()}, NOON)
            work.prices.add_buckets([a_snapshot(bucket=self.later)], {POOL_A: a_pool()}, NOON)

        assert self.standing(store) == a_snapshot(role=SourceRole.REPLICA_MANUAL)
        assert self.standing(store, start=self.later.start) is None

    @pytest.mark.parametrize("standing", list(SourceRole))
    @pytest.mark.parametrize("coming", list(SourceRole))
    def test_only_a_higher_rank_replaces_what_stands(
        self, store: Store, standing: SourceRole, coming: SourceRole
    ) -> None:
        ranks = ["interpolated", "replica-manual", "replica-automatic", "primary"]
        before = a_snapshot(role=standing)
        after = a_snapshot(role=coming, spot_price=Decimal("0.020000"), agent_id=None)
        lowest = SourceRole.INTERPOLATED
        others = [
            a_snapshot(pool_id=POOL_B, role=lowest),
            a_snapshot(bucket=self.later, role=lowest),
        ]
        self.fill(store, before, *others)

        with store.work() as work:
            work.prices.replace_buckets([after], {POOL_A: a_pool()}, NOON)
            work.commit()

        replaced = ranks.index(coming) > ranks.index(standing)
        assert self.standing(store) == (after if replaced else before)
        assert self.standing(store, POOL_B) == others[0]
        assert self.standing(store, start=self.later.start) == others[1]

    def test_an_empty_bucket_is_not_replaced(self, store: Store) -> None:
        with store.work() as work:
            work.prices.replace_buckets([a_snapshot()], {POOL_A: a_pool()}, NOON)
            work.prices.replace_buckets([], {}, NOON)
            work.prices.add_buckets([], {}, NOON)
            work.commit()

        assert self.standing(store) is None

    def test_a_bucket_tells_its_place_and_its_ends(self, database: SqlStore) -> None:
        self.fill(database, a_snapshot())

        row = database.row(tables.pricing_snapshots_clean)
        assert (row["instance_type"], row["region"], row["az"]) == (TYPE, REGION, ZONE_A)
        assert row["time_bucket"] == row["bucket_start"] == row["created_at"] == NOON
        assert row["bucket_end"] == NOON + 5 * MINUTE - SECOND_OF_TIME
