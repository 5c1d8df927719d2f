"""Pools and what they cost in memory."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from spot_optimizer.application.ports.market_repositories import OnDemandTick
from spot_optimizer.application.pricing.fill_price_gaps import PoolGroup
from spot_optimizer.domain.identifiers import AgentId, PoolId
from spot_optimizer.domain.pricing.buckets import BucketSnapshot
from spot_optimizer.domain.pricing.gaps import FilledBucket
from spot_optimizer.domain.pricing.history import HistoricPrice, PriceHistory
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.pricing.prices import PriceObservation, Quality, rank_of
from spot_optimizer.domain.pricing.report import PricingReport, SpotPool
from spot_optimizer.domain.replicas.likeness import (
    INTERRUPTIONS_LOOK_BACK,
    PRICES_LOOK_BACK,
    PoolPast,
)
from tests.fakes.keeping import Keeping, refuse_twice


class InMemoryPrices(Keeping):
    def __init__(self) -> None:
        self.reports: list[PricingReport] = []
        self.ticks: list[PriceObservation] = []
        self.buckets: dict[tuple[PoolId, datetime], BucketSnapshot] = {}
        self.on_demand_ticks: list[OnDemandTick] = []
        self.current_on_demand: dict[tuple[str, str], Decimal] = {}

    def on_demand_price(self, instance_type: str, region: str) -> Decimal | None:
        reported = [
            tick.price
            for tick in self.on_demand_ticks
            if (tick.instance_type, tick.region) == (instance_type, region)
        ]
        newest = reported[-1] if reported else None
        return self.current_on_demand.get((instance_type, region), newest)

    def on_demand_prices(
        self, places: Collection[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Decimal]:
        found = {place: self.on_demand_price(*place) for place in places}
        return {place: price for place, price in found.items() if price is not None}

    def latest_spot_price(self, pool_id: PoolId) -> Decimal | None:
        newest = self.newest_tick(pool_id)
        return None if newest is None else newest.price

    def newest_tick(self, pool_id: PoolId) -> PriceObservation | None:
        ticks = [tick for tick in self.ticks if tick.pool_id == pool_id]
        return max(reversed(ticks), key=lambda tick: tick.observed_at, default=None)

    def known_reports(
        self, keys: Collection[tuple[AgentId, datetime]]
    ) -> Mapping[tuple[AgentId, datetime], Sequence[PricingReport]]:
        return {
            key: found
            for key in keys
            if (found := [report for report in self.reports if report.key == key])
        }

    def add_reports(self, reports: Sequence[PricingReport]) -> None:
        known = {report.id for report in self.reports}
        refuse_twice(any(report.id in known for report in reports))
        self.reports.extend(reports)

    def add_ticks(self, observations: Sequence[PriceObservation]) -> None:
        self.ticks.extend(observations)

    def buckets_at(
        self, keys: Collection[tuple[PoolId, datetime]]
    ) -> Mapping[tuple[PoolId, datetime], BucketSnapshot]:
        return {key: self.buckets[key] for key in keys if key in self.buckets}

    def bucket_prices(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, Sequence[Decimal]]:
        found: dict[PoolId, list[Decimal]] = {}
        for (pool_id, start), bucket in sorted(self.buckets.items()):
            if pool_id in pool_ids and start >= since:
                found.setdefault(pool_id, []).append(bucket.spot_price)
        return found

    def histories(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, PriceHistory]:
        found: dict[PoolId, list[HistoricPrice]] = {}
        for (pool_id, start), bucket in self.buckets.items():
            if pool_id in pool_ids and start >= since:
                quality = Quality.ACTUAL if bucket.is_measured else Quality.INTERPOLATED
                price = HistoricPrice(start, bucket.spot_price, quality)
                found.setdefault(pool_id, []).append(price)
        return {pool_id: PriceHistory.of(prices) for pool_id, prices in found.items()}

    def add_buckets(
        self, snapshots: Sequence[BucketSnapshot], pools: Mapping[PoolId, SpotPool], at: datetime
    ) -> None:
        for snapshot in snapshots:
            refuse_twice(_key(snapshot) in self.buckets)
            self.buckets[_key(snapshot)] = snapshot

    def replace_buckets(
        self, snapshots: Sequence[BucketSnapshot], pools: Mapping[PoolId, SpotPool], at: datetime
    ) -> None:
        for snapshot in snapshots:
            standing = self.buckets.get(_key(snapshot))
            if standing is not None and rank_of(standing.role) < rank_of(snapshot.role):
                self.buckets[_key(snapshot)] = snapshot

    def add_estimates(self, filled: Sequence[FilledBucket], pool: SpotPool, at: datetime) -> int:
        new = [one.snapshot for one in filled if _key(one.snapshot) not in self.buckets]
        self.buckets |= {_key(snapshot): snapshot for snapshot in new}
        return len(new)

    def add_on_demand(self, ticks: Sequence[OnDemandTick], at: datetime) -> None:
        self.on_demand_ticks.extend(ticks)

    def set_current_on_demand(self, ticks: Sequence[OnDemandTick], at: datetime) -> None:
        self.current_on_demand.update({(t.instance_type, t.region): t.price for t in ticks})


class InMemoryPriceWindows:
    """Reads the pools and prices of a unit of work."""

    def __init__(self, pools: "InMemoryPools", prices: InMemoryPrices) -> None:
        self._pools, self._prices = pools, prices

    def groups_with_gaps(self, since: datetime, until: datetime) -> Sequence[PoolGroup]:
        return sorted(
            {PoolGroup(one.instance_type, one.region) for one in self._pools.kept.values()},
            key=lambda group: (group.instance_type, group.region),
        )

    def window_of(
        self, group: PoolGroup, since: datetime, until: datetime
    ) -> Mapping[SpotPool, Sequence[BucketSnapshot]]:
        return {
            pool: [
                bucket
                for (pool_id, start), bucket in sorted(self._prices.buckets.items())
                if pool_id == pool.id and since <= start < until
            ]
            for _, pool in sorted(self._pools.kept.items())
            if pool.is_active
            and (pool.instance_type, pool.region) == (group.instance_type, group.region)
        }


class CountsInPools(Protocol):
    def moments_in_pool(self, pool_id: PoolId, since: datetime) -> Sequence[datetime]: ...

    def count_in_pool(self, pool_id: PoolId, since: datetime) -> int: ...


class InMemoryPools(Keeping):
    def __init__(
        self,
        pools: Iterable[SpotPool],
        prices: InMemoryPrices,
        interruptions: CountsInPools,
    ) -> None:
        self.kept = {pool.id: pool for pool in pools}
        self._prices = prices
        self._interruptions = interruptions

    def find(self, pool_id: PoolId) -> SpotPool | None:
        return self.kept.get(pool_id)

    def of(self, pool_ids: Collection[PoolId]) -> Mapping[PoolId, SpotPool]:
        return {one: self.kept[one] for one in pool_ids if one in self.kept}

    def ensure(self, pools: Collection[SpotPool], at: datetime) -> Mapping[PoolId, PoolId]:
        kept_as = {}
        for pool in pools:
            in_place = {_place(known): known.id for known in self.kept.values()}
            kept_as[pool.id] = in_place.get(_place(pool), pool.id)
            self.kept.setdefault(kept_as[pool.id], pool)
        return kept_as

    def list_priced(self, instance_type: str, region: str, at: datetime) -> Sequence[PricedPool]:
        return [
            self._priced(pool, at)
            for _, pool in sorted(self.kept.items())
            if (pool.instance_type, pool.region) == (instance_type, region) and pool.is_active
        ]

    def pasts_of(self, pool_ids: Collection[PoolId], at: datetime) -> Mapping[PoolId, PoolPast]:
        return {
            one: PoolPast(
                self._interruptions.moments_in_pool(one, at - INTERRUPTIONS_LOOK_BACK),
                {
                    start: bucket.spot_price
                    for (pool_id, start), bucket in self._prices.buckets.items()
                    if pool_id == one and start >= at - PRICES_LOOK_BACK and bucket.is_measured
                },
            )
            for one in pool_ids
        }

    def _priced(self, pool: SpotPool, at: datetime) -> PricedPool:
        """The newer of the newest bucket and the newest tick counts; of equals the tick."""
        tick = self._prices.newest_tick(pool.id)
        prices = [(tick.observed_at, 1, tick.price)] if tick else []
        prices += [
            (bucket.bucket.start, 0, bucket.spot_price)
            for bucket in self._prices.buckets.values()
            if bucket.pool_id == pool.id and bucket.is_measured
        ]
        priced_at, _, price = max(prices, default=(None, 0, None))
        return PricedPool(
            pool_id=pool.id,
            zone=pool.zone,
            name=pool.name,
            price=price,
            priced_at=priced_at,
            interruptions_24h=self._interruptions.count_in_pool(pool.id, at - timedelta(days=1)),
            interruptions_30d=self._interruptions.count_in_pool(pool.id, at - timedelta(days=30)),
        )


def _key(snapshot: BucketSnapshot) -> tuple[PoolId, datetime]:
    return snapshot.pool_id, snapshot.bucket.start


def _place(pool: SpotPool) -> tuple[str, str, str]:
    return pool.instance_type, pool.region, pool.zone
