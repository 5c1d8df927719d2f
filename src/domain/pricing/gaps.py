"""What a pool probably cost while nobody looked (contract/domain.md 4.1.6, 4.1.8)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import Final, Self

from spot_optimizer.domain.pricing.buckets import (
    BUCKET_MINUTES,
    BUCKET_WIDTH,
    Bucket,
    BucketSnapshot,
    DataSource,
)
from spot_optimizer.domain.pricing.prices import PricePoint, Quality, SourceRole, is_spot_price
from spot_optimizer.domain.values import hourly_price

TICK_INTERVAL: Final = timedelta(seconds=60)
# A pause is a gap when it is longer than the first and not longer than the second.
SHORTEST_TICK_GAP: Final = timedelta(seconds=90)
LONGEST_TICK_GAP: Final = timedelta(seconds=600)
MOST_TICKS_PER_GAP: Final = 10

MOST_NEIGHBOURS: Final = 6
NEIGHBOURHOOD: Final = timedelta(hours=1)


class GapMethod(StrEnum):
    LINEAR = "linear"
    WEIGHTED = "weighted-average"
    CROSS_POOL = "cross-pool"


class GapClass(StrEnum):
    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRung:
    """How gaps up to a size are filled, and how far to trust that."""

    up_to: int
    """Buckets from boundary to boundary, inclusive."""
    gap_class: GapClass
    method: GapMethod
    confidence: Decimal


# Larger gaps stay open.
LADDER: Final = (
    GapRung(up_to=2, gap_class=GapClass.SHORT, method=GapMethod.LINEAR, confidence=Decimal("0.85")),
    GapRung(
        up_to=6, gap_class=GapClass.MEDIUM, method=GapMethod.WEIGHTED, confidence=Decimal("0.75")
    ),
    GapRung(
        up_to=24, gap_class=GapClass.LONG, method=GapMethod.CROSS_POOL, confidence=Decimal("0.70")
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledBucket:
    """An estimated price with its provenance: the boundaries, the method and the size."""

    snapshot: BucketSnapshot
    before: BucketSnapshot
    after: BucketSnapshot
    method: GapMethod
    gap_class: GapClass

    @property
    def gap_minutes(self) -> int:
        return gap_size(self.before, self.after) * BUCKET_MINUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class GapFilling:
    """What one look at a pool's window has found."""

    filled: tuple[FilledBucket, ...] = ()
    too_long: int = 0
    """Missing buckets in gaps of more than two hours (`gap_too_long`)."""
    without_boundary: int = 0
    """Missing buckets before the first or after the last measured one (`missing_boundaries`)."""

    @property
    def found(self) -> int:
        return len(self.filled) + self.too_long + self.without_boundary


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSeries:
    """The buckets of one pool. Filled ones are occupied, but measured ones alone bear witness."""

    measured: tuple[BucketSnapshot, ...]
    """Ascending."""
    starts: tuple[datetime, ...]
    """Of the measured ones."""
    occupied: frozenset[datetime]

    @classmethod
    def of(cls, snapshots: Iterable[BucketSnapshot]) -> Self:
        ascending = sorted(snapshots, key=lambda snapshot: snapshot.bucket.start)
        measured = tuple(snapshot for snapshot in ascending if snapshot.is_measured)
        return cls(
            measured=measured,
            starts=tuple(snapshot.bucket.start for snapshot in measured),
            occupied=frozenset(snapshot.bucket.start for snapshot in ascending),
        )

    def around(self, instant: datetime) -> tuple[BucketSnapshot, BucketSnapshot] | None:
        """The nearest measured buckets before and after an instant, if there are both."""
        earlier, later = bisect_left(self.starts, instant), bisect_right(self.starts, instant)
        if earlier == 0 or later == len(self.starts):
            return None
        return self.measured[earlier - 1], self.measured[later]

    def nearest(
        self, instant: datetime, since: datetime, until: datetime
    ) -> Sequence[BucketSnapshot]:
        """Up to six measured buckets within a span, by their distance from an instant."""
        first, last = bisect_left(self.starts, since), bisect_right(self.starts, until)
        by_distance = sorted(
            self.measured[first:last], key=lambda snapshot: abs(snapshot.bucket.start - instant)
        )
        return by_distance[:MOST_NEIGHBOURS]


def fill_ticks(previous: PricePoint, new: PricePoint) -> tuple[PricePoint, ...]:
    """One point per minute on the line between two ticks, for gaps over 90 s and up to 600 s;
    they are shown and counted but never stored among measured ticks (4.1.6)."""
    gap = new.captured_at - previous.captured_at
    if not SHORTEST_TICK_GAP < gap <= LONGEST_TICK_GAP:
        return ()
    count = min(gap // TICK_INTERVAL - 1, MOST_TICKS_PER_GAP)
    return tuple(
        PricePoint(
            pool_id=new.pool_id,
            price=hourly_price(
                _on_the_line(previous.price, new.price, elapsed=TICK_INTERVAL * k, gap=gap)
            ),
            captured_at=previous.captured_at + TICK_INTERVAL * k,
            quality=Quality.INTERPOLATED,
        )
        for k in range(1, count + 1)
    )


def fill_buckets(
    series: PoolSeries, peers: Sequence[PoolSeries], since: datetime, now: datetime
) -> GapFilling:
    """Every missing bucket between two measured ones, up to the bucket in progress (4.1.8).

    Peers are the other active pools of the same type and region. A pool without any measured
    bucket has no gaps.
    """
    if not series.measured:
        return GapFilling()
    filled, too_long, without_boundary = [], 0, 0
    for bucket in _buckets_between(since, now):
        if bucket.start in series.occupied:
            continue
        boundaries = series.around(bucket.start)
        if boundaries is None:
            without_boundary += 1
            continue
        rung = rung_for(gap_size(*boundaries))
        if rung is None:
            too_long += 1
            continue
        filled.append(_fill(bucket, rung, boundaries, series, peers))
    return GapFilling(filled=tuple(filled), too_long=too_long, without_boundary=without_boundary)


def gap_size(before: BucketSnapshot, after: BucketSnapshot) -> int:
    """Buckets from boundary to boundary: one less are missing."""
    return (after.bucket.start - before.bucket.start) // BUCKET_WIDTH


def rung_for(size: int) -> GapRung | None:
    return next((rung for rung in LADDER if size <= rung.up_to), None)


def _buckets_between(since: datetime, now: datetime) -> Iterator[Bucket]:
    """From the bucket of `since` to the last one that is over."""
    bucket, in_progress = Bucket.of(since), Bucket.of(now)
    while bucket < in_progress:
        yield bucket
        bucket = bucket.next


def _fill(
    bucket: Bucket,
    rung: GapRung,
    boundaries: tuple[BucketSnapshot, BucketSnapshot],
    series: PoolSeries,
    peers: Sequence[PoolSeries],
) -> FilledBucket:
    before, after = boundaries
    moved = None
    if rung.method is GapMethod.CROSS_POOL:
        moved = _moved_with(peers, before.spot_price, bucket.start)
    if moved is not None:
        method, price = GapMethod.CROSS_POOL, moved
    elif rung.method is GapMethod.WEIGHTED:
        method = GapMethod.WEIGHTED
        price = _weighted(
            series.nearest(
                bucket.start,
                before.bucket.start - NEIGHBOURHOOD,
                after.bucket.start + NEIGHBOURHOOD,
            ),
            bucket.start,
        )
    else:
        method = GapMethod.LINEAR
        price = _on_the_line(
            before.spot_price,
            after.spot_price,
            elapsed=bucket.start - before.bucket.start,
            gap=after.bucket.start - before.bucket.start,
        )

    return FilledBucket(
        snapshot=BucketSnapshot(
            pool_id=before.pool_id,
            bucket=bucket,
            spot_price=hourly_price(price),
            role=SourceRole.INTERPOLATED,
            confidence=rung.confidence,
            data_source=DataSource.INTERPOLATED,
        ),
        before=before,
        after=after,
        method=method,
        gap_class=rung.gap_class,
    )


def _on_the_line(start: Decimal, end: Decimal, elapsed: timedelta, gap: timedelta) -> Decimal:
    """start + (end - start) x elapsed / gap."""
    microsecond = timedelta(microseconds=1)
    return start + (end - start) * (elapsed // microsecond) / (gap // microsecond)


def _weighted(neighbours: Sequence[BucketSnapshot], instant: datetime) -> Decimal:
    """Mean price by 1 / (distance in seconds + 1). The boundaries are always among the
    neighbours' span, so there is at least one."""
    second = timedelta(seconds=1)
    weights = [
        1 / Decimal(abs(neighbour.bucket.start - instant) // second + 1) for neighbour in neighbours
    ]
    weighted = (
        weight * neighbour.spot_price for weight, neighbour in zip(weights, neighbours, strict=True)
    )
    return sum(weighted, Decimal(0)) / sum(weights, Decimal(0))


def _moved_with(peers: Iterable[PoolSeries], price: Decimal, instant: datetime) -> Decimal | None:
    """The price, changed as the peers measured on both sides of an instant have changed.

    The median of their (after - before) / before counts in full, wherever in the gap the instant
    lies. None where there is no such peer, or where their change leaves no price in bounds.
    """
    around = (peer.around(instant) for peer in peers)
    changes = [
        (after.spot_price - before.spot_price) / before.spot_price
        for before, after in filter(None, around)
        if before.spot_price > 0
    ]
    moved = price * (1 + median(changes)) if changes else None
    return moved if is_spot_price(moved) else None
