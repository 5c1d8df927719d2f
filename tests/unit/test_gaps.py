"""What a pool probably cost while nobody looked."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.buckets import Bucket, BucketSnapshot, DataSource
from spot_optimizer.domain.pricing.gaps import (
    GapClass,
    GapFilling,
    GapMethod,
    PoolSeries,
    fill_buckets,
    fill_ticks,
    rung_for,
)
from spot_optimizer.domain.pricing.prices import PricePoint, Quality, SourceRole, is_spot_price

TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
FIVE_MINUTES = timedelta(minutes=5)

prices = st.decimals(min_value=Decimal("0.001"), max_value=100, places=6)


@pytest.mark.parametrize(
    ("gap", "points"),
    [
        *[(60, 0), (90, 0), (91, 0), (119, 0), (120, 1), (180, 2), (240, 3), (300, 4), (600, 9)],
        *[(601, 0), (3600, 0), (0, 0), (-240, 0)],
    ],
)
def test_a_pause_between_ticks_is_filled_minute_by_minute(gap: int, points: int) -> None:
    assert len(fill_ticks(tick("0.05", 0), tick("0.06", gap))) == points


def test_ticks_are_filled_on_a_line() -> None:
    # contract/domain.md 4.1.6, example
    filled = fill_ticks(tick("0.051", 0), tick("0.056", 240))

    assert [point.price for point in filled] == [
        Decimal("0.05225"),
        Decimal("0.05350"),
        Decimal("0.05475"),
    ]
    assert [point.captured_at - TEN for point in filled] == [
        timedelta(seconds=60),
        timedelta(seconds=120),
        timedelta(seconds=180),
    ]
    assert {point.quality for point in filled} == {Quality.INTERPOLATED}


def test_the_line_is_one_of_time_not_of_steps() -> None:
    (point,) = fill_ticks(tick("0.10", 0), tick("0.25", 150))

    assert point.price == Decimal("0.16")  # 60 of 150 seconds, not half way


@given(start=prices, end=prices, gap=st.integers(min_value=-1000, max_value=1000))
def test_filled_ticks_lie_between_their_neighbours(start: Decimal, end: Decimal, gap: int) -> None:
    filled = fill_ticks(tick(str(start), 0), tick(str(end), gap))

    assert len(filled) <= 9
    for point in filled:
        assert TEN < point.captured_at < TEN + timedelta(seconds=gap)
        assert min(start, end) <= point.price <= max(start, end)


def test_two_missing_buckets_are_filled_from_their_neighbours() -> None:
    # contract D-24: 10:00 and 10:15 are measured
    filling = fill({0: "0.040", 3: "0.046"})

    assert [filled.snapshot.bucket.start for filled in filling.filled] == [
        TEN + FIVE_MINUTES,
        TEN + 2 * FIVE_MINUTES,
    ]
    for filled in filling.filled:
        assert filled.gap_minutes == 15
        assert filled.method is GapMethod.WEIGHTED
        assert filled.gap_class is GapClass.MEDIUM
        assert filled.snapshot.confidence == Decimal("0.75")
        assert filled.before.bucket.start == TEN
        assert filled.after.bucket.start == TEN + 3 * FIVE_MINUTES


def test_nothing_is_carried_on_after_the_last_measured_bucket() -> None:
    # contract D-25: 10:00 is measured, and it is 11:00
    filling = fill({0: "0.040"}, since=TEN, now=TEN + timedelta(hours=1))

    assert filling.filled == ()
    assert filling.without_boundary == 11
    assert filling.found == 11


def test_nothing_is_assumed_before_the_first_measured_bucket() -> None:
    filling = fill({3: "0.04", 4: "0.04"}, since=TEN, now=TEN + 5 * FIVE_MINUTES)

    assert filling == GapFilling(without_boundary=3)


def test_one_missing_bucket_lies_on_the_line() -> None:
    (filled,) = fill({0: "0.040", 2: "0.045"}).filled

    assert filled.snapshot.spot_price == Decimal("0.042500")
    assert filled.method is GapMethod.LINEAR
    assert filled.gap_class is GapClass.SHORT
    assert filled.gap_minutes == 10
    assert filled.snapshot.confidence == Decimal("0.85")
    assert filled.snapshot.role is SourceRole.INTERPOLATED
    assert filled.snapshot.data_source is DataSource.INTERPOLATED
    assert filled.snapshot.ondemand_price is None
    assert filled.snapshot.savings_percent is None


def test_a_filled_price_has_six_decimals() -> None:
    (filled,) = fill({0: "0.040001", 2: "0.040002"}).filled

    assert filled.snapshot.spot_price == Decimal("0.040002")  # 0.0400015, half up


def test_neighbours_count_by_their_nearness() -> None:
    first, _ = fill({0: "40", 3: "46"}).filled

    near, far = 1 / Decimal(301), 1 / Decimal(601)
    expected = (near * 40 + far * 46) / (near + far)
    assert first.snapshot.spot_price == round(expected, 6)


def test_six_neighbours_within_the_hour_are_enough() -> None:
    measured = dict.fromkeys(range(-20, 1), "0.04") | {3: "0.04"}

    first, _ = fill(measured | {-5: "9", -6: "9", -20: "9"}, since=TEN).filled

    # 10:05 is nearest to 10:00, 09:55, 10:15, 09:50, 09:45 and 09:40, not to 09:35 (bucket -5)
    assert first.snapshot.spot_price == Decimal("0.04")
    nearer, _ = fill(measured | {-4: "9"}, since=TEN).filled
    assert nearer.snapshot.spot_price > Decimal("0.04")


def test_a_neighbour_more_than_an_hour_beyond_a_boundary_is_none() -> None:
    just_within = fill({-12: "9", 0: "0.04", 3: "0.04"}, since=TEN).filled
    just_outside = fill({-13: "9", 0: "0.04", 3: "0.04"}, since=TEN).filled

    assert all(filled.snapshot.spot_price > Decimal("0.04") for filled in just_within)
    assert all(filled.snapshot.spot_price == Decimal("0.04") for filled in just_outside)


def test_a_neighbour_up_to_an_hour_after_counts_too() -> None:
    within = fill({0: "0.04", 3: "0.04", 15: "9"}, now=TEN + 4 * FIVE_MINUTES).filled
    outside = fill({0: "0.04", 3: "0.04", 16: "9"}, now=TEN + 4 * FIVE_MINUTES).filled

    assert within[0].snapshot.spot_price > Decimal("0.04")
    assert outside[0].snapshot.spot_price == Decimal("0.04")


def test_a_long_gap_follows_the_other_pools() -> None:
    peers = [
        series({0: "1.00", 7: "1.10"}),  # + 10 %
        series({-3: "2.00", 9: "2.40"}),  # + 20 %
        series({0: "1.00", 7: "1.90"}),  # + 90 %
    ]

    filling = fill({0: "0.050", 7: "0.051"}, peers=peers)

    assert len(filling.filled) == 6
    for filled in filling.filled:
        assert filled.snapshot.spot_price == Decimal("0.060000")  # the median, in full
        assert filled.method is GapMethod.CROSS_POOL
        assert filled.gap_class is GapClass.LONG
        assert filled.gap_minutes == 35
        assert filled.snapshot.confidence == Decimal("0.70")


def test_an_even_number_of_peers_has_its_median_between_the_middle_ones() -> None:
    peers = [series({0: "1.00", 7: "1.10"}), series({0: "1.00", 7: "1.20"})]

    filling = fill({0: "0.100", 7: "0.100"}, peers=peers)

    assert filling.filled[0].snapshot.spot_price == Decimal("0.115000")


def test_a_peer_bears_witness_where_it_was_measured_on_both_sides() -> None:
    peer = series({0: "1.00", 3: "2.00"})

    filling = fill({0: "0.040", 7: "0.047"}, peers=[peer])

    methods = [filled.method for filled in filling.filled]
    assert methods == [GapMethod.CROSS_POOL] * 2 + [GapMethod.LINEAR] * 4


def test_a_long_gap_without_peers_is_filled_on_the_line() -> None:
    filling = fill({0: "0.040", 7: "0.047"})

    assert [filled.snapshot.spot_price for filled in filling.filled] == [
        Decimal(f"0.04{step}000") for step in range(1, 7)
    ]
    assert {filled.method for filled in filling.filled} == {GapMethod.LINEAR}
    assert {filled.snapshot.confidence for filled in filling.filled} == {Decimal("0.70")}


def test_a_peer_that_cost_nothing_bears_no_witness() -> None:
    filling = fill({0: "0.040", 7: "0.047"}, peers=[series({0: "0", 7: "1"})])

    assert {filled.method for filled in filling.filled} == {GapMethod.LINEAR}


@pytest.mark.parametrize(
    ("size", "gap_class"),
    [(1, "short"), (2, "short"), (3, "medium"), (6, "medium"), (7, "long"), (24, "long")],
)
def test_the_ladder_of_gaps(size: int, gap_class: str) -> None:
    rung = rung_for(size)

    assert rung is not None
    assert rung.gap_class == gap_class


def test_a_gap_of_more_than_two_hours_stays_open() -> None:
    assert rung_for(25) is None
    assert fill({0: "0.04", 25: "0.04"}) == GapFilling(too_long=24)
    assert len(fill({0: "0.04", 24: "0.04"}).filled) == 23


def test_a_filled_bucket_is_never_a_boundary() -> None:
    measured = {0: "0.04", 30: "0.04"}
    earlier_estimate = an_estimate(10, "0.09")

    filling = fill_buckets(
        PoolSeries.of([*snapshots(measured), earlier_estimate]), [], TEN, TEN + DAY
    )

    assert filling.filled == ()
    assert filling.too_long == 28  # of the 29 between the measured ones, one is filled already


def test_a_filled_bucket_is_not_filled_again() -> None:
    filling = fill_buckets(
        PoolSeries.of([*snapshots({0: "0.04", 2: "0.04"}), an_estimate(1, "0.09")]),
        [],
        TEN,
        TEN + 2 * FIVE_MINUTES,
    )

    assert filling == GapFilling()


def test_an_estimate_is_no_neighbour() -> None:
    filling = fill_buckets(
        PoolSeries.of([*snapshots({0: "0.04", 4: "0.04"}), an_estimate(1, "9")]),
        [],
        TEN,
        TEN + DAY,
    )

    assert {filled.snapshot.spot_price for filled in filling.filled} == {Decimal("0.040000")}


def test_the_bucket_in_progress_is_left_alone() -> None:
    # a reporter with a fast clock has already filled the next bucket
    measured = {0: "0.04", 2: "0.04"}

    during = fill(measured, now=TEN + FIVE_MINUTES + timedelta(seconds=299))
    after = fill(measured, now=TEN + 2 * FIVE_MINUTES)

    assert during == GapFilling()
    assert len(after.filled) == 1


def test_a_pool_that_nobody_measured_has_no_gaps() -> None:
    assert fill({}) == GapFilling()
    only_estimates = PoolSeries.of([an_estimate(0, "0.04"), an_estimate(4, "0.04")])
    assert fill_buckets(only_estimates, [], TEN, TEN + DAY) == GapFilling()


def test_the_look_starts_with_the_bucket_of_its_first_moment() -> None:
    filling = fill({-3: "0.04", 0: "0.04"}, since=TEN - 2 * FIVE_MINUTES + timedelta(seconds=1))

    assert [filled.snapshot.bucket.start for filled in filling.filled] == [
        TEN - 2 * FIVE_MINUTES,
        TEN - FIVE_MINUTES,
    ]


@example(
    measured={0: Decimal("0.001"), 7: Decimal("0.001")},
    peer={0: Decimal("2.000001"), 2: Decimal("0.001")},
    minutes=10,
)  # the peer fell so far that with it the pool would cost nothing
@given(
    measured=st.dictionaries(st.integers(min_value=0, max_value=60), prices, max_size=12),
    peer=st.dictionaries(st.integers(min_value=0, max_value=60), prices, max_size=6),
    minutes=st.integers(min_value=0, max_value=320),
)
def test_filling_never_extrapolates(
    measured: dict[int, Decimal], peer: dict[int, Decimal], minutes: int
) -> None:
    now = TEN + timedelta(minutes=minutes)
    filling = fill(
        {number: str(price) for number, price in measured.items()},
        peers=[series({number: str(price) for number, price in peer.items()})],
        since=TEN,
        now=now,
    )

    starts = {TEN + number * FIVE_MINUTES for number in measured}
    for filled in filling.filled:
        at = filled.snapshot.bucket.start
        before, after = filled.before.bucket.start, filled.after.bucket.start
        assert at not in starts
        assert {before, after} <= starts
        assert before < at < after
        assert not any(before < start < after for start in starts)
        assert at < Bucket.of(now).start
        assert after - before <= timedelta(hours=2)
        assert is_spot_price(filled.snapshot.spot_price)
        if filled.method is GapMethod.LINEAR:
            low, high = sorted((filled.before.spot_price, filled.after.spot_price))
            assert low <= filled.snapshot.spot_price <= high
    over = Bucket.of(now).start
    if measured:
        assert filling.found == sum(
            TEN + number * FIVE_MINUTES not in starts
            for number in range(64)
            if TEN + number * FIVE_MINUTES < over
        )
    again = PoolSeries.of(
        [*snapshots({n: str(p) for n, p in measured.items()})]
        + [filled.snapshot for filled in filling.filled]
    )
    assert fill_buckets(again, [], TEN, now).filled == ()


def test_every_series_keeps_its_order_however_it_is_given() -> None:
    given_backwards = PoolSeries.of(reversed(snapshots({0: "1", 1: "2", 2: "3"})))

    assert given_backwards == series({0: "1", 1: "2", 2: "3"})


def fill(
    measured: dict[int, str],
    peers: list[PoolSeries] | None = None,
    since: datetime | None = None,
    now: datetime | None = None,
) -> GapFilling:
    """Looks from the first measured bucket until after the last one."""
    numbers = measured or {0: ""}
    return fill_buckets(
        series(measured),
        peers or [],
        since or TEN + min(numbers) * FIVE_MINUTES,
        now or TEN + max(numbers) * FIVE_MINUTES,
    )


def series(measured: dict[int, str]) -> PoolSeries:
    return PoolSeries.of(snapshots(measured))


def snapshots(measured: dict[int, str]) -> list[BucketSnapshot]:
    return [
        BucketSnapshot(
            pool_id=PoolId("t3.medium.us-east-1a"),
            bucket=Bucket(TEN + number * FIVE_MINUTES),
            spot_price=Decimal(price),
            ondemand_price=Decimal("0.0416"),
        )
        for number, price in measured.items()
    ]


def an_estimate(number: int, price: str) -> BucketSnapshot:
    return BucketSnapshot(
        pool_id=PoolId("t3.medium.us-east-1a"),
        bucket=Bucket(TEN + number * FIVE_MINUTES),
        spot_price=Decimal(price),
        role=SourceRole.INTERPOLATED,
        data_source=DataSource.INTERPOLATED,
    )


def tick(price: str, after_seconds: int) -> PricePoint:
    return PricePoint(
        pool_id=PoolId("t3.medium.us-east-1a"),
        price=Decimal(price),
        captured_at=TEN + timedelta(seconds=after_seconds),
    )
