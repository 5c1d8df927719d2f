"""Submitted prices and the buckets they fill, the same expectations wherever they are kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.application.ports.repositories import RawSubmission
from spot_optimizer.application.ports.unit_of_work import TransactionLost
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.buckets import Bucket, BucketSnapshot, DataSource
from spot_optimizer.domain.pricing.duplicates import KeptPoint
from spot_optimizer.domain.pricing.prices import SourceRole
from tests.builders import (
    ACME,
    AGENT,
    FIRST,
    HOUR,
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
    a_raw_submission,
    a_snapshot,
    an_observation,
)
from tests.stores import SqlStore, Store

SPAN = (NOON - timedelta(seconds=5), NOON + timedelta(seconds=5))


def seen_at(
    offset: int, number: int = 0, pool_id: PoolId = POOL_A, price: str = "0.0125"
) -> RawSubmission:
    return a_raw_submission(
        an_observation(
            observed_at=NOON + timedelta(seconds=offset),
            submission_id=f"submission-{number or offset}",
            pool_id=pool_id,
            price=Decimal(price),
        )
    )


def submit(store: Store, *submissions: RawSubmission) -> None:
    """With a tick for each that was admitted, as prices are taken in."""
    with store.work() as work:
        work.prices.add_submissions(submissions)
        work.prices.add_ticks([s.observation for s in submissions if not s.is_duplicate])
        work.commit()


def points(store: Store, pool_id: PoolId = POOL_A) -> Sequence[KeptPoint]:
    with store.work() as work:
        return work.prices.points_near({POOL_A: SPAN, POOL_B: SPAN}).get(pool_id, ())


class TestPoints:
    @pytest.fixture(autouse=True)
    def two_pools(self, request: pytest.FixtureRequest) -> None:
        place = next(name for name in ("store", "database") if name in request.fixturenames)
        request.getfixturevalue(place).put_pools(ZONE_A, ZONE_B)

    def test_a_point_comes_back_as_it_was_submitted(self, store: Store) -> None:
        submit(store, seen_at(1, price="0.012345"))

        assert points(store) == [
            KeptPoint(
                price=Decimal("0.012345"),
                observed_at=NOON + SECOND_OF_TIME,
                source=FIRST,
                id="submission-1",
            )
        ]
        assert points(store, POOL_B) in ((), [])

    def test_without_an_instance_the_agent_is_its_source(self, store: Store) -> None:
        submit(store, a_raw_submission(an_observation(instance_id=None, ondemand_price=None)))

        assert [point.source for point in points(store)] == [AGENT]

    def test_both_ends_of_the_span_belong_to_it(self, store: Store) -> None:
        submit(store, *(seen_at(offset) for offset in (-6, -5, 5, 6)))

        assert [point.id for point in points(store)] == ["submission-5", "submission--5"]

    def test_each_pool_has_a_span_of_its_own(self, store: Store) -> None:
        submit(store, seen_at(0, 1), seen_at(3600, 2), seen_at(0, 3, POOL_B))
        later = (SPAN[0] + HOUR, SPAN[1] + HOUR)

        with store.work() as work:
            found = work.prices.points_near({POOL_A: later, POOL_B: SPAN})
            assert not work.prices.points_near({})

        assert [point.id for point in found[POOL_A]] == ["submission-2"]
        assert [point.id for point in found[POOL_B]] == ["submission-3"]

    def test_the_newest_ten_are_found_newest_first(self, store: Store) -> None:
        offsets = [-4, 4, -3, 3, -2, 2, -1, 1, 0]
        submit(store, *(seen_at(offset, n) for n, offset in enumerate(offsets, start=1)))
        submit(store, *(seen_at(0, number) for number in (21, 22, 23)))

        found = [point.id for point in points(store)]

        numbers = [2, 4, 6, 8, 23, 22, 21, 9, 7, 5]
        assert found == [f"submission-{number}" for number in numbers]

    def test_duplicates_are_left_out(self, store: Store) -> None:
        duplicate = replace(seen_at(2), is_duplicate=True, duplicate_of="submission-1")

        submit(store, seen_at(1), duplicate)

        assert [point.id for point in points(store)] == ["submission-1"]

    def test_where_the_ticks_are_gone_there_are_no_points(self, store: Store) -> None:
        submit(store, seen_at(1), seen_at(2, pool_id=POOL_B))

        store.drop_ticks(POOL_A)

        assert not points(store)
        assert len(points(store, POOL_B)) == 1

    def test_a_tick_outside_of_the_span_does_not_vouch_for_a_point(self, store: Store) -> None:
        with store.work() as work:
            work.prices.add_submissions([seen_at(1)])
            work.prices.add_ticks([seen_at(6).observation])
            work.commit()

        assert not points(store)

    def test_any_number_of_pools_is_asked_for(self, store: Store) -> None:
        pools = [PoolId(f"pool-{number}") for number in range(120)]
        with store.work() as work:
            work.pools.ensure([a_pool(id=one, zone=one) for one in pools], NOON)
            work.commit()
        submit(store, *(seen_at(0, 1 + n, one) for n, one in enumerate(pools)))

        with store.work() as work:
            found = work.prices.points_near(dict.fromkeys(pools, SPAN))

        assert {pool_id: point.id for pool_id, (point,) in found.items()} == {
            pool_id: f"submission-{1 + number}" for number, pool_id in enumerate(pools)
        }

    def test_a_submission_exists_once(self, store: Store) -> None:
        submit(store, seen_at(1))

        with pytest.raises(TransactionLost):
            submit(store, seen_at(1))

    def test_all_that_was_submitted_is_kept(self, database: SqlStore) -> None:
        duplicate = replace(seen_at(2), is_duplicate=True, duplicate_of="submission-1")
        submit(database, replace(duplicate, pool=a_pool()))

        row = database.row(tables.pricing_submissions_raw)
        expected = {
            "submission_id": "submission-2",
            "source_instance_id": FIRST,
            "source_agent_id": AGENT,
            "source_type": "primary",
            "pool_id": POOL_A,
            "instance_type": TYPE,
            "region": REGION,
            "az": ZONE_A,
            "spot_price": Decimal("0.012500"),
            "ondemand_price": Decimal("0.041600"),
            "observed_at": NOON + 2 * SECOND_OF_TIME,
            "submitted_at": NOON + SECOND_OF_TIME,
            "received_at": NOON + SECOND_OF_TIME,
            "client_id": ACME,
            "is_duplicate": True,
            "duplicate_of": "submission-1",
            "processed": True,
            "processed_at": NOON + SECOND_OF_TIME,
        }
        assert {name: row[name] for name in expected} == expected


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
            work.prices.replace_buckets([a_snapshot()])
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
        others = [a_snapshot(pool_id=POOL_B), a_snapshot(bucket=self.later)]
        self.fill(store, before, *others)

        with store.work() as work:
            work.prices.replace_buckets([after])
            work.commit()

        replaced = ranks.index(coming) > ranks.index(standing)
        assert self.standing(store) == (after if replaced else before)
        assert self.standing(store, POOL_B) == others[0]
        assert self.standing(store, start=self.later.start) == others[1]

    def test_an_empty_bucket_is_not_replaced(self, store: Store) -> None:
        with store.work() as work:
            work.prices.replace_buckets([a_snapshot()])
            work.prices.replace_buckets([])
            work.prices.add_buckets([], {}, NOON)
            work.commit()

        assert self.standing(store) is None

    def test_a_bucket_tells_its_place_and_its_ends(self, database: SqlStore) -> None:
        self.fill(database, a_snapshot())

        row = database.row(tables.pricing_snapshots_clean)
        assert (row["instance_type"], row["region"], row["az"]) == (TYPE, REGION, ZONE_A)
        assert row["time_bucket"] == row["bucket_start"] == row["created_at"] == NOON
        assert row["bucket_end"] == NOON + 5 * MINUTE - SECOND_OF_TIME
