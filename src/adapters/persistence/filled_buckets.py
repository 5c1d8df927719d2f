from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select

from spot_optimizer.adapters.persistence.append import append_rows
from spot_optimizer.adapters.persistence.price_buckets import bucket_row
from spot_optimizer.adapters.persistence.tables import (
    pricing_snapshots_clean,
    pricing_snapshots_interpolated,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.domain.pricing.gaps import FilledBucket
from spot_optimizer.domain.pricing.report import SpotPool

_CLEAN: Final = pricing_snapshots_clean.c
_ORIGIN: Final = pricing_snapshots_interpolated.c

_IDS: Final = (
    select(_CLEAN.time_bucket, _CLEAN.id)
    .where(_CLEAN.pool_id == bindparam("pool"))
    .where(_CLEAN.time_bucket.in_(bindparam("starts", expanding=True)))
)
# Of an estimate that gave way to a measured price which has been deleted since.
_STALE: Final = (
    select(_ORIGIN.id)
    .where(_ORIGIN.pool_id == bindparam("pool"))
    .where(_ORIGIN.time_bucket >= bindparam("since", type_=UtcInstant))
    .where(_ORIGIN.time_bucket <= bindparam("until", type_=UtcInstant))
    .where(_ORIGIN.time_bucket.in_(bindparam("starts", expanding=True)))
)


class SqlFilledBucketRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, pool: SpotPool, filled: Sequence[FilledBucket], at: datetime) -> None:
        """The prices first: where one was measured meanwhile, its key refuses them."""
        if not filled:
            return
        append_rows(
            self._connection,
            pricing_snapshots_clean,
            [bucket_row(one.snapshot, pool, at) for one in filled],
        )
        self._forget_former_origins(pool, filled)
        ids = self._ids_of_boundaries(pool, filled)
        append_rows(
            self._connection,
            pricing_snapshots_interpolated,
            [_origin_row(one, pool, ids, at) for one in filled],
        )

    def _ids_of_boundaries(
        self, pool: SpotPool, filled: Sequence[FilledBucket]
    ) -> Mapping[datetime, int]:
        starts = {one.before.bucket.start for one in filled}
        starts |= {one.after.bucket.start for one in filled}
        rows = self._connection.execute(_IDS, {"pool": pool.id, "starts": sorted(starts)})
        return {row.time_bucket: row.id for row in rows}

    def _forget_former_origins(self, pool: SpotPool, filled: Sequence[FilledBucket]) -> None:
        starts = [one.snapshot.bucket.start for one in filled]
        asked = {"pool": pool.id, "since": starts[0], "until": starts[-1], "starts": starts}
        stale = self._connection.execute(_STALE, asked).scalars().all()
        if stale:
            self._connection.execute(
                delete(pricing_snapshots_interpolated).where(_ORIGIN.id.in_(stale))
            )


def _origin_row(
    filled: FilledBucket, pool: SpotPool, ids: Mapping[datetime, int], at: datetime
) -> dict[str, Any]:
    return {
        "pool_id": pool.id,
        "instance_type": pool.instance_type,
        "region": pool.region,
        "az": pool.zone,
        "spot_price": filled.snapshot.spot_price,
        "time_bucket": filled.snapshot.bucket.start,
        "interpolated_from_before": ids.get(filled.before.bucket.start),
        "interpolated_from_after": ids.get(filled.after.bucket.start),
        "confidence_score": filled.snapshot.confidence,
        "gap_duration_minutes": filled.gap_minutes,
        "created_at": at,
    }
