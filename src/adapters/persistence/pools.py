from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    ScalarSelect,
    bindparam,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from spot_optimizer.adapters.persistence.collation import as_compared
from spot_optimizer.adapters.persistence.tables import (
    pricing_snapshots_clean,
    spot_interruption_events,
    spot_pools,
    spot_price_snapshots,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.pool_choice import RISK_LOOK_BACK, PricedPool
from spot_optimizer.domain.pricing.report import SpotPool, pool_name
from spot_optimizer.domain.replicas.likeness import (
    INTERRUPTIONS_LOOK_BACK,
    PRICES_LOOK_BACK,
    PoolPast,
)

_DAY: Final = timedelta(hours=24)

POOL_COLUMNS: Final = (
    spot_pools.c.id,
    spot_pools.c.pool_name,
    spot_pools.c.instance_type,
    spot_pools.c.region,
    spot_pools.c.az,
    spot_pools.c.is_active,
    spot_pools.c.updated_at,
)
_OF_IDS: Final = select(*POOL_COLUMNS).where(spot_pools.c.id.in_(bindparam("ids", expanding=True)))
_OF_TYPES: Final = (
    select(*POOL_COLUMNS)
    .where(spot_pools.c.instance_type.in_(bindparam("types", expanding=True)))
    .where(spot_pools.c.region.in_(bindparam("regions", expanding=True)))
)
# Only the first report of a second writes, so that reports seldom wait for each other's rows.
_SEEN: Final = (
    update(spot_pools)
    .where(spot_pools.c.id.in_(bindparam("ids", expanding=True)))
    .where(or_(spot_pools.c.updated_at.is_(None), spot_pools.c.updated_at < bindparam("seen_at")))
    .values(updated_at=bindparam("seen_at"))
)


def _newest(table: Any, price: str, time: str, *only: Any) -> tuple[ScalarSelect[Any], ...]:
    rows = select(table.c[price]).where(table.c.pool_id == spot_pools.c.id, *only)
    times = select(table.c[time]).where(table.c.pool_id == spot_pools.c.id, *only)
    return tuple(
        chosen.order_by(table.c[time].desc()).limit(1).correlate(spot_pools).scalar_subquery()
        for chosen in (rows, times)
    )


def _interruptions(since: str) -> ScalarSelect[int]:
    return (
        select(func.count())
        .where(spot_interruption_events.c.pool_id == spot_pools.c.id)
        .where(spot_interruption_events.c.detected_at >= bindparam(since, type_=UtcInstant))
        .correlate(spot_pools)
        .scalar_subquery()
    )


_MEASURED: Final = pricing_snapshots_clean.c.data_source == "measured"
_BUCKET_PRICE, _BUCKET_TIME = _newest(
    pricing_snapshots_clean, "spot_price", "time_bucket", _MEASURED
)
_TICK_PRICE, _TICK_TIME = _newest(spot_price_snapshots, "price", "captured_at")
_PRICED: Final = (
    select(
        spot_pools.c.id,
        spot_pools.c.pool_name,
        spot_pools.c.instance_type,
        spot_pools.c.az,
        _BUCKET_PRICE.label("bucket_price"),
        _BUCKET_TIME.label("bucket_time"),
        _TICK_PRICE.label("tick_price"),
        _TICK_TIME.label("tick_time"),
        _interruptions("a_day_ago").label("in_a_day"),
        _interruptions("a_month_ago").label("in_a_month"),
    )
    .where(spot_pools.c.instance_type == bindparam("instance_type"))
    .where(spot_pools.c.region == bindparam("region"))
    .where(spot_pools.c.is_active.is_(true()))
    .order_by(spot_pools.c.id)
)


_INTERRUPTED: Final = (
    select(spot_interruption_events.c.pool_id, spot_interruption_events.c.detected_at)
    .where(spot_interruption_events.c.pool_id.in_(bindparam("ids", expanding=True)))
    .where(spot_interruption_events.c.detected_at >= bindparam("since", type_=UtcInstant))
    .order_by(spot_interruption_events.c.detected_at)
)
_MEASURED_PRICES: Final = (
    select(
        pricing_snapshots_clean.c.pool_id,
        pricing_snapshots_clean.c.time_bucket,
        pricing_snapshots_clean.c.spot_price,
    )
    .where(pricing_snapshots_clean.c.pool_id.in_(bindparam("ids", expanding=True)))
    .where(pricing_snapshots_clean.c.time_bucket >= bindparam("since", type_=UtcInstant))
    .where(_MEASURED)
)


class SqlSpotPoolRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, pool_id: PoolId) -> SpotPool | None:
        row = self._connection.execute(_OF_IDS, {"ids": [pool_id]}).one_or_none()
        return None if row is None or row.id != pool_id else to_pool(row)

    def of(self, pool_ids: Collection[PoolId]) -> Mapping[PoolId, SpotPool]:
        if not pool_ids:
            return {}
        rows = self._connection.execute(_OF_IDS, {"ids": sorted(pool_ids)})
        return {PoolId(row.id): to_pool(row) for row in rows}

    def ensure(self, pools: Collection[SpotPool], at: datetime) -> Mapping[PoolId, PoolId]:
        compared = as_compared(self._connection)

        def place_of(pool: SpotPool) -> tuple[str, ...]:
            return tuple(map(compared, (pool.instance_type, pool.region, pool.zone)))

        rows = self._known(pools)
        known = [to_pool(row) for row in rows]
        in_place = {place_of(pool): pool for pool in known}
        by_id = {compared(pool.id): pool for pool in known}
        kept_as: dict[PoolId, PoolId] = {}
        new: list[SpotPool] = []
        for pool in pools:
            on_record = in_place.get(place_of(pool)) or by_id.get(compared(pool.id))
            if on_record is None:
                new.append(pool)
                on_record = in_place[place_of(pool)] = by_id[compared(pool.id)] = pool
            kept_as[pool.id] = on_record.id
        if new:
            self._connection.execute(insert(spot_pools), [_to_row(pool, at) for pool in new])
        second = at.replace(microsecond=0)
        unseen = {row.id for row in rows if row.updated_at is None or row.updated_at < second}
        if seen := sorted(unseen & set(kept_as.values())):
            self._connection.execute(_SEEN, {"ids": seen, "seen_at": at})
        return kept_as

    def list_priced(self, instance_type: str, region: str, at: datetime) -> Sequence[PricedPool]:
        rows = self._connection.execute(
            _PRICED,
            {
                "instance_type": instance_type,
                "region": region,
                "a_day_ago": at - _DAY,
                "a_month_ago": at - RISK_LOOK_BACK,
            },
        )
        return [_to_priced(row) for row in rows]

    def pasts_of(self, pool_ids: Collection[PoolId], at: datetime) -> Mapping[PoolId, PoolPast]:
        if not pool_ids:
            return {}
        ids = sorted(pool_ids)
        interrupted: dict[PoolId, list[datetime]] = {pool_id: [] for pool_id in ids}
        prices: dict[PoolId, dict[datetime, Decimal]] = {pool_id: {} for pool_id in ids}
        events = {"ids": ids, "since": at - INTERRUPTIONS_LOOK_BACK}
        for event in self._connection.execute(_INTERRUPTED, events):
            interrupted.setdefault(PoolId(event.pool_id), []).append(event.detected_at)
        measured = {"ids": ids, "since": at - PRICES_LOOK_BACK}
        for row in self._connection.execute(_MEASURED_PRICES, measured):
            prices.setdefault(PoolId(row.pool_id), {})[row.time_bucket] = row.spot_price
        return {one: PoolPast(interrupted[one], prices[one]) for one in ids}

    def _known(self, pools: Collection[SpotPool]) -> Sequence[Row[*tuple[Any, ...]]]:
        """What is on record under these ids, or under others in the same places."""
        ids = {pool.id for pool in pools}
        found = list(self._connection.execute(_OF_IDS, {"ids": sorted(ids)}))
        if len(found) < len(ids):
            found += self._connection.execute(
                _OF_TYPES,
                {
                    "types": sorted({pool.instance_type for pool in pools}),
                    "regions": sorted({pool.region for pool in pools}),
                },
            )
        return found


def to_pool(row: Row[*tuple[Any, ...]]) -> SpotPool:
    return SpotPool(
        id=row.id,
        name=row.pool_name or pool_name(row.instance_type, row.az),
        instance_type=row.instance_type,
        region=row.region,
        zone=row.az,
        is_active=bool(row.is_active),
    )


def _to_priced(row: Row[Any]) -> PricedPool:
    """The newer of the newest bucket and the newest tick counts."""
    price, priced_at = row.tick_price, row.tick_time
    if row.bucket_time is not None and (priced_at is None or row.bucket_time > priced_at):
        price, priced_at = row.bucket_price, row.bucket_time
    return PricedPool(
        pool_id=PoolId(row.id),
        zone=row.az,
        name=row.pool_name or pool_name(row.instance_type, row.az),
        price=price,
        priced_at=priced_at,
        interruptions_24h=row.in_a_day,
        interruptions_30d=row.in_a_month,
    )


def _to_row(pool: SpotPool, at: datetime) -> dict[str, Any]:
    return {
        "id": pool.id,
        "pool_name": pool.name,
        "instance_type": pool.instance_type,
        "region": pool.region,
        "az": pool.zone,
        "is_active": pool.is_active,
        "created_at": at,
        "updated_at": at,
    }
