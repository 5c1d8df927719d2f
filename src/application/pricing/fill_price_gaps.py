import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import (
    AlwaysLost,
    StoreUnavailable,
    UnitOfWorkFactory,
)
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.pricing.buckets import Bucket, BucketSnapshot
from spot_optimizer.domain.pricing.gaps import FilledBucket, PoolSeries, fill_buckets
from spot_optimizer.domain.pricing.report import SpotPool

logger = logging.getLogger(__name__)

# What is looked at (contract/domain.md 4.1.9), and how far beyond it lie the boundaries of a gap
# that can be filled, with their neighbours (4.1.8).
WINDOW: Final = timedelta(hours=24)
MARGIN: Final = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class PoolGroup:
    """Pools of one type and region, which bear witness for one another."""

    instance_type: str
    region: str


class PriceWindows(Protocol):
    def groups_with_gaps(self, since: datetime, until: datetime) -> Sequence[PoolGroup]:
        """Those with an active pool that lacks a bucket between its first and its last one."""
        ...

    def window_of(
        self, group: PoolGroup, since: datetime, until: datetime
    ) -> Mapping[SpotPool, Sequence[BucketSnapshot]]:
        """The active pools with their buckets that start in that time, `until` left out."""
        ...


@dataclass(frozen=True, slots=True)
class PriceQuality:
    """What one look at the prices has come to, in buckets."""

    filled: int = 0
    too_long: int = 0
    """Missing in gaps of more than two hours, which stay open."""
    without_boundary: int = 0
    failed_pools: int = 0


@dataclass(frozen=True, slots=True)
class FillPriceGaps:
    """Estimates what pools cost while nobody looked, for charts and learning: never beyond what
    was measured, and never the bucket in progress (contract/domain.md 4.1.8).

    What goes wrong with one pool does not keep the others waiting.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    windows: PriceWindows

    def __call__(self) -> PriceQuality:
        now = self.clock.now()
        since, until = now - WINDOW, Bucket.of(now).start
        quality = PriceQuality()
        for group in self._groups(since - MARGIN, until):
            quality = self._fill_group(group, since, now, quality)
        if quality.filled or quality.failed_pools:
            logger.info(
                "%d missing prices estimated, %d left out in long gaps, %d pools failed",
                quality.filled,
                quality.too_long,
                quality.failed_pools,
            )
        return quality

    def _fill_group(
        self, group: PoolGroup, since: datetime, now: datetime, before: PriceQuality
    ) -> PriceQuality:
        window = self._window(group, since - MARGIN, Bucket.of(now).start)
        series = {pool: PoolSeries.of(snapshots) for pool, snapshots in window.items()}
        filled = too_long = without_boundary = failed = 0
        for pool, own in series.items():
            peers = [other for another, other in series.items() if another is not pool]
            found = fill_buckets(own, peers, since, now)
            too_long += found.too_long
            without_boundary += found.without_boundary
            try:
                filled += self._keep(found.filled, pool, now)
            except AlwaysLost as lost:
                failed += 1
                logger.warning("the gaps of pool %s were left out: %s", pool.id, lost)
            except StoreUnavailable:
                raise  # no other pool fares better
            except Exception:  # the others must not wait for a defect of ours
                failed += 1
                logger.exception("the gaps of pool %s could not be filled", pool.id)
        return PriceQuality(
            filled=before.filled + filled,
            too_long=before.too_long + too_long,
            without_boundary=before.without_boundary + without_boundary,
            failed_pools=before.failed_pools + failed,
        )

    @repeated_when_lost
    def _groups(self, since: datetime, until: datetime) -> Sequence[PoolGroup]:
        return self.windows.groups_with_gaps(since, until)

    @repeated_when_lost
    def _window(
        self, group: PoolGroup, since: datetime, until: datetime
    ) -> Mapping[SpotPool, Sequence[BucketSnapshot]]:
        return self.windows.window_of(group, since, until)

    @repeated_when_lost
    def _keep(self, filled: Sequence[FilledBucket], pool: SpotPool, now: datetime) -> int:
        if not filled:
            return 0
        with self.unit_of_work() as work:
            kept = work.prices.add_estimates(filled, pool, now)
            work.commit()
        return kept
