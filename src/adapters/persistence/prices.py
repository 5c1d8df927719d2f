from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    select,
)

from spot_optimizer.adapters.persistence.append import append_rows
from spot_optimizer.adapters.persistence.collation import as_compared
from spot_optimizer.adapters.persistence.price_buckets import (
    BUCKET_COLUMNS,
    bucket_row,
    to_snapshot,
)
from spot_optimizer.adapters.persistence.price_windows import add_estimates
from spot_optimizer.adapters.persistence.tables import (
    ondemand_price_snapshots,
    ondemand_prices,
    pricing_reports,
    pricing_snapshots_clean,
    spot_price_snapshots,
)
from spot_optimizer.adapters.persistence.upsert import update_rows
from spot_optimizer.application.ports.market_repositories import OnDemandTick
from spot_optimizer.domain.identifiers import AgentId, PoolId
from spot_optimizer.domain.pricing.buckets import BucketSnapshot, DataSource
from spot_optimizer.domain.pricing.gaps import FilledBucket
from spot_optimizer.domain.pricing.history import HistoricPrice, PriceHistory
from spot_optimizer.domain.pricing.prices import (
    PriceObservation,
    Quality,
    rank_of,
)
from spot_optimizer.domain.pricing.report import PricingReport, SpotPool
from spot_optimizer.domain.switching import mode_of

_KNOWN_REPORTS: Final = (
    select(pricing_reports)
    .where(pricing_reports.c.agent_id.in_(bindparam("agents", expanding=True)))
    .where(pricing_reports.c.collected_at.in_(bindparam("moments", expanding=True)))
)
_BUCKETS_AT: Final = (
    select(*BUCKET_COLUMNS)
    .where(pricing_snapshots_clean.c.pool_id.in_(bindparam("pools", expanding=True)))
    .where(pricing_snapshots_clean.c.time_bucket.in_(bindparam("starts", expanding=True)))
)
_CURRENT_ON_DEMAND: Final = (
    select(ondemand_prices.c.instance_type, ondemand_prices.c.region, ondemand_prices.c.price)
    .where(ondemand_prices.c.instance_type.in_(bindparam("types", expanding=True)))
    .where(ondemand_prices.c.region.in_(bindparam("regions", expanding=True)))
)

_BUCKET_PRICES: Final = (
    select(pricing_snapshots_clean.c.pool_id, pricing_snapshots_clean.c.spot_price)
    .where(pricing_snapshots_clean.c.pool_id.in_(bindparam("ids", expanding=True)))
    .where(pricing_snapshots_clean.c.time_bucket >= bindparam("since"))
    .order_by(pricing_snapshots_clean.c.pool_id, pricing_snapshots_clean.c.time_bucket)
)


_HISTORIES: Final = _BUCKET_PRICES.add_columns(
    pricing_snapshots_clean.c.time_bucket, pricing_snapshots_clean.c.data_source
)
_QUALITIES: Final = {DataSource.INTERPOLATED.value: Quality.INTERPOLATED}


class SqlPriceRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def on_demand_price(self, instance_type: str, region: str) -> Decimal | None:
        current = self._connection.execute(
            _CURRENT_ON_DEMAND, {"types": [instance_type], "regions": [region]}
        ).first()
        if current is not None:
            price: Decimal = current.price
            return price
        ticks = ondemand_price_snapshots.c
        newest: Decimal | None = self._connection.execute(
            select(ticks.price)
            .where(ticks.instance_type == instance_type)
            .where(ticks.region == region)
            .order_by(ticks.captured_at.desc(), ticks.id.desc())
            .limit(1)
        ).scalar_one_or_none()
        return newest

    def on_demand_prices(
        self, places: Collection[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Decimal]:
        if not places:
            return {}
        asked = {
            "types": sorted({instance_type for instance_type, _ in places}),
            "regions": sorted({region for _, region in places}),
        }
        current = {
            (row.instance_type, row.region): row.price
            for row in self._connection.execute(_CURRENT_ON_DEMAND, asked)
        }
        found = {
            place: current[place] if place in current else self.on_demand_price(*place)
            for place in places
        }
        return {place: price for place, price in found.items() if price is not None}

    def latest_spot_price(self, pool_id: PoolId) -> Decimal | None:
        ticks = spot_price_snapshots.c
        newest: Decimal | None = self._connection.execute(
            select(ticks.price)
            .where(ticks.pool_id == pool_id)
            .order_by(ticks.captured_at.desc(), ticks.id.desc())
            .limit(1)
        ).scalar_one_or_none()
        return newest

    def known_reports(
        self, keys: Collection[tuple[AgentId, datetime]]
    ) -> Mapping[tuple[AgentId, datetime], Sequence[PricingReport]]:
        found: dict[tuple[AgentId, datetime], list[PricingReport]] = defaultdict(list)
        if keys:
            rows = self._connection.execute(
                _KNOWN_REPORTS,
                {
                    "agents": sorted({agent_id for agent_id, _ in keys}),
                    "moments": sorted({moment for _, moment in keys}),
                },
            )
            for row in rows:
                found[AgentId(row.agent_id), row.collected_at].append(_to_report(row))
        return found

    def add_reports(self, reports: Sequence[PricingReport]) -> None:
        append_rows(self._connection, pricing_reports, [_report_row(report) for report in reports])

    def add_ticks(self, observations: Sequence[PriceObservation]) -> None:
        append_rows(
            self._connection,
            spot_price_snapshots,
            [
                {
                    "pool_id": seen.pool_id,
                    "price": seen.price,
                    "captured_at": seen.observed_at,
                    "recorded_at": seen.received_at,
                }
                for seen in observations
            ],
        )

    def buckets_at(
        self, keys: Collection[tuple[PoolId, datetime]]
    ) -> Mapping[tuple[PoolId, datetime], BucketSnapshot]:
        if not keys:
            return {}
        rows = self._connection.execute(
            _BUCKETS_AT,
            _asked_for(keys),
        )
        return {(PoolId(row.pool_id), row.time_bucket): to_snapshot(row) for row in rows}

    def bucket_prices(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, Sequence[Decimal]]:
        found: dict[PoolId, list[Decimal]] = {}
        if pool_ids:
            asked = {"ids": sorted(pool_ids), "since": since}
            for row in self._connection.execute(_BUCKET_PRICES, asked):
                found.setdefault(row.pool_id, []).append(row.spot_price)
        return found

    def histories(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, PriceHistory]:
        found: dict[PoolId, list[HistoricPrice]] = {}
        if pool_ids:
            asked = {"ids": sorted(pool_ids), "since": since}
            for pool_id, price, at, source in self._connection.execute(_HISTORIES, asked):
                quality = _QUALITIES.get(source, Quality.ACTUAL)
                found.setdefault(pool_id, []).append(HistoricPrice(at, price, quality))
        return {pool_id: PriceHistory.of(prices) for pool_id, prices in found.items()}

    def add_buckets(
        self, snapshots: Sequence[BucketSnapshot], pools: Mapping[PoolId, SpotPool], at: datetime
    ) -> None:
        append_rows(
            self._connection,
            pricing_snapshots_clean,
            [bucket_row(one, pools[one.pool_id], at) for one in snapshots],
        )

    def replace_buckets(
        self, snapshots: Sequence[BucketSnapshot], pools: Mapping[PoolId, SpotPool], at: datetime
    ) -> None:
        if not snapshots:
            return
        standing = self._held({(one.pool_id, one.bucket.start) for one in snapshots})
        higher = [
            one
            for one in snapshots
            if rank_of(one.role) > standing.get((one.pool_id, one.bucket.start), rank_of(one.role))
        ]
        update_rows(
            self._connection,
            pricing_snapshots_clean,
            [bucket_row(one, pools[one.pool_id], at) for one in higher],
            _SETTLED,
            key=("pool_id", "time_bucket"),
        )

    def add_estimates(self, filled: Sequence[FilledBucket], pool: SpotPool, at: datetime) -> int:
        return add_estimates(self._connection, filled, pool, at)

    def _held(
        self, keys: Collection[tuple[PoolId, datetime]]
    ) -> Mapping[tuple[PoolId, datetime], int]:
        """The ranks of what stands there by now, which nobody else may change any more."""
        rows = self._connection.execute(_BUCKETS_AT.with_for_update(), _asked_for(keys))
        return {(PoolId(row.pool_id), row.time_bucket): rank_of(row.source_type) for row in rows}

    def add_on_demand(self, ticks: Sequence[OnDemandTick], at: datetime) -> None:
        append_rows(
            self._connection,
            ondemand_price_snapshots,
            [
                {
                    "region": tick.region,
                    "instance_type": tick.instance_type,
                    "price": tick.price,
                    "captured_at": at,
                    "recorded_at": at,
                }
                for tick in ticks
            ],
        )

    def set_current_on_demand(self, ticks: Sequence[OnDemandTick], at: datetime) -> None:
        """Prices seldom change, and a row that stays need not be written."""
        if not ticks:
            return
        compared = as_compared(self._connection)
        wanted = {(compared(tick.instance_type), compared(tick.region)): tick for tick in ticks}
        rows = self._connection.execute(
            _CURRENT_ON_DEMAND,
            {
                "types": sorted({tick.instance_type for tick in wanted.values()}),
                "regions": sorted({tick.region for tick in wanted.values()}),
            },
        )
        current = {(compared(row.instance_type), compared(row.region)): row.price for row in rows}
        news = [
            {
                "id": str(uuid4()),
                "instance_type": tick.instance_type,
                "region": tick.region,
                "price": tick.price,
                "recorded_at": at,
            }
            for key, tick in wanted.items()
            if current.get(key) != tick.price
        ]
        update_rows(
            self._connection,
            ondemand_prices,
            news,
            ("price", "recorded_at"),
            key=("instance_type", "region"),
        )


def _to_report(row: Row[Any]) -> PricingReport:
    return PricingReport(
        id=row.id,
        agent_id=row.agent_id,
        received_at=row.received_at,
        collected_at=row.collected_at,
        instance_id=row.instance_id,
        instance_type=row.instance_type,
        region=row.region,
        zone=row.az,
        current_mode=None if row.current_mode is None else mode_of(row.current_mode),
        current_pool_id=row.current_pool_id,
        on_demand_price=row.on_demand_price,
        current_spot_price=row.current_spot_price,
        cheapest_pool_id=row.cheapest_pool_id,
        cheapest_pool_price=row.cheapest_pool_price,
        spot_pools=tuple(row.spot_pools or ()),
    )


def _report_row(report: PricingReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "agent_id": report.agent_id,
        "instance_id": report.instance_id,
        "instance_type": report.instance_type,
        "region": report.region,
        "az": report.zone,
        "current_mode": report.current_mode,
        "current_pool_id": report.current_pool_id,
        "on_demand_price": report.on_demand_price,
        "current_spot_price": report.current_spot_price,
        "cheapest_pool_id": report.cheapest_pool_id,
        "cheapest_pool_price": report.cheapest_pool_price,
        "spot_pools": list(report.spot_pools),
        "collected_at": report.collected_at,
        "received_at": report.received_at,
    }


# What settling a bucket anew changes.
_SETTLED: Final = (
    "spot_price",
    "ondemand_price",
    "savings_percent",
    "source_instance_id",
    "source_agent_id",
    "source_type",
    "confidence_score",
    "data_source",
)


def _asked_for(keys: Collection[tuple[PoolId, datetime]]) -> dict[str, Any]:
    return {
        "pools": sorted({pool_id for pool_id, _ in keys}),
        "starts": sorted({start for _, start in keys}),
    }
