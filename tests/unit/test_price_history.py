"""What a pool has cost, as engines are told and decisions keep it."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.application.decisions.price_histories import PriceHistories
from spot_optimizer.domain.decisions.contract import PRICE_HISTORY_WINDOW
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.buckets import Bucket, BucketSnapshot, DataSource
from spot_optimizer.domain.pricing.history import HistoricPrice, PriceHistory
from spot_optimizer.domain.pricing.prices import Quality
from tests.builders import DAY, HOUR, MINUTE, NOON, POOL_A, POOL_B, a_snapshot
from tests.fakes import InMemoryUnitOfWork
from tests.fakes.prices import InMemoryPrices

QUALITIES = (Quality.ACTUAL, Quality.INTERPOLATED)
POINTS = st.lists(
    st.builds(
        HistoricPrice,
        st.integers(0, 2_500).map(lambda buckets: NOON - buckets * 5 * MINUTE),
        st.decimals("0.001", "9999.999999", places=6),
        st.sampled_from(QUALITIES),
    ),
    unique_by=lambda point: point.at,
    max_size=40,
)
A_WEEK_OF_ONE_PRICE = [
    HistoricPrice(NOON - number * 5 * MINUTE, Decimal("0.012500"), Quality.ACTUAL)
    for number in range(2_016)
]


@given(POINTS)
def test_what_goes_in_comes_out_ascending(points: list[HistoricPrice]) -> None:
    history = PriceHistory.of(points)

    assert list(history.points) == sorted(points)
    assert history == PriceHistory.of(reversed(points))
    assert list(history.newest(3)) == [point.price for point in sorted(points)[-3:]]


@given(POINTS, POINTS, st.integers(0, 2_500), st.integers(0, 2_500))
def test_recent_prices_replace_the_end(
    points: list[HistoricPrice], recent: list[HistoricPrice], oldest: int, newest: int
) -> None:
    since, renewed_from = (NOON - number * 5 * MINUTE for number in (oldest, newest))
    news = [point for point in recent if point.at >= renewed_from]

    updated = PriceHistory.of(points).updated(since, renewed_from, PriceHistory.of(news))

    kept = [point for point in points if since <= point.at < renewed_from]
    assert list(updated.points) == sorted([*kept, *news])


def test_a_week_is_small() -> None:
    history = PriceHistory.of(A_WEEK_OF_ONE_PRICE)

    assert len(history.points) == 2_016
    assert len(history.packed) < 500


class CountedPrices(InMemoryPrices):
    def __init__(self) -> None:
        super().__init__()
        self.read: list[tuple[int, datetime]] = []
        """Of how many pools, from when on."""

    def histories(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, PriceHistory]:
        if pool_ids:
            self.read.append((len(pool_ids), since))
        return super().histories(pool_ids, since)


class Record:
    """A pool's buckets on record, of which one process is told again and again."""

    def __init__(self) -> None:
        self.work = InMemoryUnitOfWork()
        self.work.prices = self.prices = CountedPrices()
        self.histories = PriceHistories()

    def put(self, minutes_ago: int, price: str = "0.0125", **changes: object) -> None:
        bucket = Bucket(NOON - minutes_ago * MINUTE)
        kept: BucketSnapshot = a_snapshot(bucket=bucket, spot_price=Decimal(price), **changes)
        self.work.prices.buckets[kept.pool_id, bucket.start] = kept

    def told(self, after: timedelta = 0 * HOUR, pool_id: PoolId = POOL_A) -> list[tuple[str, str]]:
        """By how long before noon, and the price."""
        found = self.histories.of(self.work, {pool_id}, NOON + after)
        history = found.get(pool_id, PriceHistory())
        return [(str(NOON - point.at), str(point.price)) for point in history.points]


def test_seven_days_are_told_measured_or_not() -> None:
    record = Record()
    record.put(0, "0.0300")
    record.put(5, "0.0200", data_source=DataSource.INTERPOLATED)
    record.put(7 * 24 * 60, "0.0100")
    record.put(7 * 24 * 60 + 5, "0.0050")
    record.put(0, "0.0400", pool_id=POOL_B)

    history = record.histories.of(record.work, {POOL_A}, NOON)[POOL_A]

    assert list(history.points) == [
        HistoricPrice(NOON - 7 * DAY, Decimal("0.010000"), Quality.ACTUAL),
        HistoricPrice(NOON - 5 * MINUTE, Decimal("0.020000"), Quality.INTERPOLATED),
        HistoricPrice(NOON, Decimal("0.030000"), Quality.ACTUAL),
    ]


def test_what_is_settled_is_read_once() -> None:
    record = Record()
    record.put(24 * 60)

    moments = [0 * HOUR, 5 * MINUTE, 10 * MINUTE, 6 * HOUR]
    for after in moments:
        record.told(after)

    back = [
        NOON + after - since for after, (_, since) in zip(moments, record.prices.read, strict=True)
    ]
    assert back == [PRICE_HISTORY_WINDOW, 3 * HOUR, 3 * HOUR, PRICE_HISTORY_WINDOW]


def test_new_changed_and_estimated_prices_of_the_last_hours_are_seen_at_once() -> None:
    record = Record()
    record.put(2 * 60 + 40, "0.0100")
    record.put(24 * 60, "0.0200")
    record.told()

    record.put(2 * 60 + 35, "0.0150", data_source=DataSource.INTERPOLATED)
    record.put(2 * 60 + 40, "0.0110")
    record.put(0, "0.0300")

    assert record.told() == [
        ("1 day, 0:00:00", "0.020000"),
        ("2:40:00", "0.011000"),
        ("2:35:00", "0.015000"),
        ("0:00:00", "0.030000"),
    ]


def test_a_pool_that_falls_silent_grows_old() -> None:
    record = Record()
    record.put(7 * 24 * 60)
    record.put(0)

    told = [len(record.told(after)) for after in (0 * HOUR, 5 * MINUTE, 4 * HOUR, 7 * DAY + HOUR)]

    assert told == [2, 1, 1, 0]


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 30), st.decimals("0.001", "9", places=4)),
        max_size=15,
    )
)
def test_it_is_as_if_all_were_read_each_time(steps: list[tuple[int, int, Decimal]]) -> None:
    """So many buckets pass, and then one that is at most so many old gets a price."""
    record, passed = Record(), 0
    for buckets, back, price in steps:
        passed += buckets
        record.put((back - passed) * 5, str(price))
        now = NOON + passed * 5 * MINUTE

        told = record.histories.of(record.work, {POOL_A}, now)

        assert told == record.work.prices.histories({POOL_A}, now - PRICE_HISTORY_WINDOW)


def test_no_more_pools_are_remembered_than_fit() -> None:
    record = Record()
    pools = {PoolId(f"pool-{number}") for number in range(2_010)}
    for pool_id in pools:
        record.put(0, pool_id=pool_id)

    for _ in range(2):
        assert len(record.histories.of(record.work, pools, NOON)) == 2_010
    whole, recent = NOON - PRICE_HISTORY_WINDOW, NOON - 3 * HOUR
    assert record.prices.read == [(2_010, whole), (2_000, recent), (10, whole)]
