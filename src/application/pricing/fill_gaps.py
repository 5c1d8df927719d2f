from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from spot_optimizer.application.jobs.one_by_one import one_by_one
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.jobs import NOTHING_DONE, JobResult
from spot_optimizer.domain.pricing.buckets import BucketSnapshot
from spot_optimizer.domain.pricing.gaps import GapFilling, PoolSeries, fill_buckets
from spot_optimizer.domain.pricing.report import SpotPool


@dataclass(frozen=True, slots=True, order=True)
class Market:
    """The pools of one instance type in one region, which are peers."""

    instance_type: str
    region: str

    def __str__(self) -> str:
        return f"{self.instance_type} in {self.region}"


class MarketQueries(Protocol):
    def markets(self) -> Sequence[Market]:
        """Those with active pools."""
        ...

    def series(
        self, market: Market, since: datetime, until: datetime
    ) -> Mapping[SpotPool, Sequence[BucketSnapshot]]:
        """The buckets of its active pools that start since then and before `until`, ascending:
        what they cost and whether that was measured, no more."""
        ...


@dataclass(frozen=True, slots=True)
class FillGaps:
    """Estimates what pools cost while nobody looked, one market at a time. What is filled is never
    filled again, so whatever ends it, the next run goes on where it ended."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    markets: MarketQueries
    window: timedelta

    def __call__(self) -> JobResult:
        now = self.clock.now()
        results: list[JobResult] = []

        def fill(market: Market) -> None:
            results.append(self._fill(market, now))

        _, left_out = one_by_one(self._markets(), fill, "market")
        total = JobResult(details={"gaps_found": 0, "gaps_filled": 0, "left_out": left_out})
        for result in results:
            total = total.plus(result)
        return total

    @repeated_when_lost
    def _markets(self) -> Sequence[Market]:
        return self.markets.markets()

    @repeated_when_lost
    def _fill(self, market: Market, now: datetime) -> JobResult:
        since = now - self.window
        snapshots = self.markets.series(market, since, now)
        total = NOTHING_DONE
        for pool, filling in _fillings(snapshots, since, now):
            if filling.filled:
                with self.unit_of_work() as work:
                    work.filled_buckets.add(pool, filling.filled, now)
                    work.commit()
            total = total.plus(_result(len(snapshots[pool]), filling))
        return total


def _fillings(
    snapshots: Mapping[SpotPool, Sequence[BucketSnapshot]], since: datetime, now: datetime
) -> Iterator[tuple[SpotPool, GapFilling]]:
    series = {pool: PoolSeries.of(found) for pool, found in snapshots.items()}
    for pool, own in series.items():
        peers = [other for peer, other in series.items() if peer != pool]
        yield pool, fill_buckets(own, peers, since, now)


def _result(looked_at: int, filling: GapFilling) -> JobResult:
    return JobResult(
        processed=looked_at + filling.found,
        inserted=len(filling.filled),
        details={"gaps_found": filling.found, "gaps_filled": len(filling.filled)},
    )
