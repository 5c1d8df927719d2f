from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.pricing.fill_price_gaps import PoolGroup
from spot_optimizer.domain.jobs import JobResult
from spot_optimizer.domain.pricing.learning import (
    LEARNT_FROM,
    LearningRow,
    MarketHistory,
    TrustedPrice,
)


class TrustedPrices(Protocol):
    def markets(self, since: datetime) -> Sequence[PoolGroup]: ...

    def average_on_demand(self, market: PoolGroup, since: datetime) -> float | None: ...

    def buckets(self, market: PoolGroup, since: datetime) -> Iterator[Sequence[TrustedPrice]]:
        """Bucket after bucket, read as they are asked for."""
        ...


class LearningSetFile(Protocol):
    def write(self, rows: Iterable[LearningRow]) -> int:
        """In the place of the former one, as a whole or not at all; returns how many rows.

        Raises:
            ModelFilesUnavailable: it cannot be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class BuildLearningSet:
    """Exports what is known of prices for those who train models."""

    clock: Clock
    prices: TrustedPrices
    file: LearningSetFile

    def __call__(self) -> JobResult:
        rows = self.file.write(self._rows(self.clock.now() - LEARNT_FROM))
        return JobResult(processed=rows)

    def _rows(self, since: datetime) -> Iterator[LearningRow]:
        for market in self.prices.markets(since):
            average = self.prices.average_on_demand(market, since)
            history = MarketHistory(market.instance_type, market.region, average)
            for bucket in self.prices.buckets(market, since):
                yield from history.rows(bucket)
