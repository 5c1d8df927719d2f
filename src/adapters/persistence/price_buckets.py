"""Buckets as rows."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from spot_optimizer.adapters.persistence.tables import pricing_snapshots_clean
from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId
from spot_optimizer.domain.pricing.buckets import Bucket, BucketSnapshot, DataSource
from spot_optimizer.domain.pricing.prices import SourceRole
from spot_optimizer.domain.pricing.report import SpotPool

BUCKET_COLUMNS: Final = (
    pricing_snapshots_clean.c.pool_id,
    pricing_snapshots_clean.c.time_bucket,
    pricing_snapshots_clean.c.spot_price,
    pricing_snapshots_clean.c.ondemand_price,
    pricing_snapshots_clean.c.savings_percent,
    pricing_snapshots_clean.c.source_type,
    pricing_snapshots_clean.c.source_agent_id,
    pricing_snapshots_clean.c.source_instance_id,
    pricing_snapshots_clean.c.confidence_score,
    pricing_snapshots_clean.c.data_source,
)


def to_snapshot(row: Row[*tuple[Any, ...]]) -> BucketSnapshot:
    return BucketSnapshot(
        pool_id=PoolId(row.pool_id),
        bucket=Bucket(row.time_bucket),
        spot_price=row.spot_price,
        ondemand_price=row.ondemand_price,
        savings_percent=row.savings_percent,
        role=SourceRole(row.source_type),
        agent_id=row.source_agent_id and AgentId(row.source_agent_id),
        instance_id=row.source_instance_id and InstanceId(row.source_instance_id),
        confidence=row.confidence_score,
        data_source=DataSource(row.data_source),
    )


def bucket_row(snapshot: BucketSnapshot, pool: SpotPool, at: datetime) -> dict[str, Any]:
    return {
        "pool_id": snapshot.pool_id,
        "instance_type": pool.instance_type,
        "region": pool.region,
        "az": pool.zone,
        "spot_price": snapshot.spot_price,
        "ondemand_price": snapshot.ondemand_price,
        "savings_percent": snapshot.savings_percent,
        "time_bucket": snapshot.bucket.start,
        "bucket_start": snapshot.bucket.start,
        "bucket_end": snapshot.bucket.end,
        "source_instance_id": snapshot.instance_id,
        "source_agent_id": snapshot.agent_id,
        "source_type": snapshot.role,
        "confidence_score": snapshot.confidence,
        "data_source": snapshot.data_source,
        "created_at": at,
    }
