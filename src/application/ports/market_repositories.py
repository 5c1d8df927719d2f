"""Where pools and prices are kept, inside the current unit of work."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from spot_optimizer.domain.identifiers import (
    AgentId,
    PoolId,
)
from spot_optimizer.domain.pricing.buckets import BucketSnapshot
from spot_optimizer.domain.pricing.gaps import FilledBucket
from spot_optimizer.domain.pricing.history import PriceHistory
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.pricing.prices import PriceObservation
from spot_optimizer.domain.pricing.report import PricingReport, SpotPool
from spot_optimizer.domain.replicas.likeness import PoolPast


class SpotPoolRepository(Protocol):
    def find(self, pool_id: PoolId) -> SpotPool | None: ...

    def of(self, pool_ids: Collection[PoolId]) -> Mapping[PoolId, SpotPool]: ...

    def ensure(self, pools: Collection[SpotPool], at: datetime) -> Mapping[PoolId, PoolId]:
        """Make sure that they are on record and note that they were seen.

        Returns the id under which each is kept: a pool of the same type, region and zone may be on
        record under another one.
        """
        ...

    def list_priced(self, instance_type: str, region: str, at: datetime) -> Sequence[PricedPool]:
        """The active pools of a type with their newest measured price and their interruptions in
        the 24 hours and 30 days before that moment."""
        ...

    def pasts_of(self, pool_ids: Collection[PoolId], at: datetime) -> Mapping[PoolId, PoolPast]:
        """What is on record of each before that moment, by two statements."""
        ...


@dataclass(frozen=True, slots=True)
class OnDemandTick:
    """An on-demand price reported for a type in a region, USD per hour."""

    instance_type: str
    region: str
    price: Decimal


class PriceRepository(Protocol):
    def on_demand_price(self, instance_type: str, region: str) -> Decimal | None:
        """The current one, else the newest reported one; USD per hour."""
        ...

    def on_demand_prices(
        self, places: Collection[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Decimal]:
        """As `on_demand_price`, of types in regions."""
        ...

    def latest_spot_price(self, pool_id: PoolId) -> Decimal | None:
        """The newest tick of the pool, USD per hour."""
        ...

    def known_reports(
        self, keys: Collection[tuple[AgentId, datetime]]
    ) -> Mapping[tuple[AgentId, datetime], Sequence[PricingReport]]:
        """The stored reports of these agents that were collected at these moments."""
        ...

    def add_reports(self, reports: Sequence[PricingReport]) -> None: ...

    def add_ticks(self, observations: Sequence[PriceObservation]) -> None: ...

    def buckets_at(
        self, keys: Collection[tuple[PoolId, datetime]]
    ) -> Mapping[tuple[PoolId, datetime], BucketSnapshot]:
        """What stands in the buckets that start at these moments."""
        ...

    def bucket_prices(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, Sequence[Decimal]]:
        """The spot prices of their buckets from that moment on, the newest last; USD per hour."""
        ...

    def histories(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, PriceHistory]:
        """The same with their times and where they come from; nothing for a pool without any."""
        ...

    def add_buckets(
        self, snapshots: Sequence[BucketSnapshot], pools: Mapping[PoolId, SpotPool], at: datetime
    ) -> None: ...

    def replace_buckets(
        self, snapshots: Sequence[BucketSnapshot], pools: Mapping[PoolId, SpotPool], at: datetime
    ) -> None:
        """Where something of a lower rank still stands."""
        ...

    def add_estimates(self, filled: Sequence[FilledBucket], pool: SpotPool, at: datetime) -> int:
        """Those for buckets that are still empty, with where they come from; how many they are."""
        ...

    def add_on_demand(self, ticks: Sequence[OnDemandTick], at: datetime) -> None: ...

    def set_current_on_demand(self, ticks: Sequence[OnDemandTick], at: datetime) -> None:
        """Make them the prices that count."""
        ...
