"""The buckets of many pools at once, and estimates for those that are missing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, func, select

from spot_optimizer.adapters.persistence.append import append_rows
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.pools import POOL_COLUMNS, to_pool
from spot_optimizer.adapters.persistence.price_buckets import (
    BUCKET_COLUMNS,
    bucket_row,
    to_snapshot,
)
from spot_optimizer.adapters.persistence.tables import (
    pricing_snapshots_clean,
    pricing_snapshots_interpolated,
    spot_pools,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.application.pricing.fill_price_gaps import PoolGroup
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.buckets import BUCKET_WIDTH, BucketSnapshot, DataSource
from spot_optimizer.domain.pricing.gaps import FilledBucket
from spot_optimizer.domain.pricing.report import SpotPool

_BUCKET: Final = pricing_snapshots_clean.c
_SINCE: Final = bindparam("since", type_=UtcInstant)
_UNTIL: Final = bindparam("until", type_=UtcInstant)

_PLACES: Final = (
    select(spot_pools.c.id, spot_pools.c.instance_type, spot_pools.c.region)
    .where(spot_pools.c.is_active.is_(True))
    .order_by(spot_pools.c.id)
)
# The pools by name: with a join MariaDB goes through all that was ever known of each.
_COUNTED: Final = (
    select(
        _BUCKET.pool_id,
        func.count().label("there"),
        func.min(_BUCKET.time_bucket, type_=UtcInstant).label("first"),
        func.max(_BUCKET.time_bucket, type_=UtcInstant).label("last"),
    )
    .where(_BUCKET.pool_id.in_(bindparam("ids", expanding=True)))
    .where(_BUCKET.time_bucket >= _SINCE)
    .where(_BUCKET.time_bucket < _UNTIL)
    .group_by(_BUCKET.pool_id)
)
_POOLS_AT_ONCE: Final = 200
_POOLS: Final = (
    select(*POOL_COLUMNS)
    .where(spot_pools.c.instance_type == bindparam("instance_type"))
    .where(spot_pools.c.region == bindparam("region"))
    .where(spot_pools.c.is_active.is_(True))
    .order_by(spot_pools.c.id)
)
_WINDOW: Final = (
    select(*BUCKET_COLUMNS)
    .where(_BUCKET.pool_id.in_(bindparam("ids", expanding=True)))
    .where(_BUCKET.time_bucket >= _SINCE)
    .where(_BUCKET.time_bucket < _UNTIL)
    .order_by(_BUCKET.pool_id, _BUCKET.time_bucket)
)
_STANDING: Final = (
    select(_BUCKET.id, _BUCKET.time_bucket, _BUCKET.data_source)
    .where(_BUCKET.pool_id == bindparam("pool_id"))
    .where(_BUCKET.time_bucket.in_(bindparam("starts", expanding=True)))
)


class SqlPriceWindows:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def groups_with_gaps(self, since: datetime, until: datetime) -> Sequence[PoolGroup]:
        with reading(self._engine) as connection:
            places = {
                row.id: PoolGroup(row.instance_type, row.region)
                for row in connection.execute(_PLACES)
            }
            ids = list(places)
            found: set[PoolGroup] = set()
            for first in range(0, len(ids), _POOLS_AT_ONCE):
                some = ids[first : first + _POOLS_AT_ONCE]
                asked = {"ids": some, "since": since, "until": until}
                found |= {
                    places[row.pool_id]
                    for row in connection.execute(_COUNTED, asked)
                    if row.pool_id in places  # the database takes other cases for the same
                    and row.there <= (row.last - row.first) // BUCKET_WIDTH
                }
        return sorted(found, key=lambda group: (group.instance_type, group.region))

    def window_of(
        self, group: PoolGroup, since: datetime, until: datetime
    ) -> Mapping[SpotPool, Sequence[BucketSnapshot]]:
        place = {"instance_type": group.instance_type, "region": group.region}
        with reading(self._engine) as connection:
            pools = [to_pool(row) for row in connection.execute(_POOLS, place)]
            asked = {"ids": [pool.id for pool in pools], "since": since, "until": until}
            found: dict[PoolId, list[BucketSnapshot]] = {pool.id: [] for pool in pools}
            for row in connection.execute(_WINDOW, asked) if pools else ():
                found.setdefault(PoolId(row.pool_id), []).append(to_snapshot(row))
        return {pool: found[pool.id] for pool in pools}


def add_estimates(
    connection: Connection, filled: Sequence[FilledBucket], pool: SpotPool, at: datetime
) -> int:
    """Those for buckets that are still empty, each with where it comes from; how many they are."""
    clean = [bucket_row(one.snapshot, pool, at) for one in filled]
    append_rows(connection, pricing_snapshots_clean, clean, leave_existing=True)
    starts = {
        one.bucket.start for each in filled for one in (each.snapshot, each.before, each.after)
    }
    standing = {
        row.time_bucket: row
        for row in connection.execute(_STANDING, {"pool_id": pool.id, "starts": sorted(starts)})
    }
    kept = [
        one
        for one in filled
        if standing[one.snapshot.bucket.start].data_source == DataSource.INTERPOLATED
    ]
    if kept:
        sources = [_provenance_row(one, pool, standing, at) for one in kept]
        append_rows(connection, pricing_snapshots_interpolated, sources, leave_existing=True)
    return len(kept)


def _provenance_row(
    filled: FilledBucket, pool: SpotPool, standing: Mapping[datetime, Any], at: datetime
) -> dict[str, Any]:
    before, after = (standing.get(one.bucket.start) for one in (filled.before, filled.after))
    return {
        "pool_id": pool.id,
        "instance_type": pool.instance_type,
        "region": pool.region,
        "az": pool.zone,
        "spot_price": filled.snapshot.spot_price,
        "time_bucket": filled.snapshot.bucket.start,
        "interpolated_from_before": before and before.id,
        "interpolated_from_after": after and after.id,
        "confidence_score": filled.snapshot.confidence,
        "gap_duration_minutes": filled.gap_minutes,
        "created_at": at,
    }
