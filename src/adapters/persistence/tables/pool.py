"""Spot pools and how dependable they are."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
    true,
)

from spot_optimizer.adapters.persistence.tables.base import STORAGE, metadata
from spot_optimizer.adapters.persistence.tables.defaults import TIME_OF_WRITE
from spot_optimizer.adapters.persistence.tables.types import (
    BIG_ID,
    JSON_VALUE,
    Amount,
    UtcInstant,
    one_of,
)

spot_pools = Table(
    "spot_pools",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("pool_name", String(255)),
    Column("instance_type", String(64), nullable=False),
    Column("region", String(32), nullable=False),
    Column("az", String(48), nullable=False),
    Column("is_active", Boolean, server_default=true()),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Column(
        "updated_at", UtcInstant, server_default=TIME_OF_WRITE, onupdate=func.current_timestamp()
    ),
    UniqueConstraint("instance_type", "region", "az", name="uk_type_region_az"),
    Index("idx_spot_pools_type_region", "instance_type", "region"),
    Index("idx_spot_pools_az", "az"),
    Index("idx_spot_pools_active", "is_active"),
    Index("idx_spot_pools_name", "pool_name"),
    **STORAGE,
)

pool_reliability_metrics = Table(
    "pool_reliability_metrics",
    metadata,
    Column("id", BIG_ID, primary_key=True),
    Column("pool_id", String(128), nullable=False),
    Column("period_start", UtcInstant, nullable=False),
    Column("period_end", UtcInstant, nullable=False),
    Column("interruption_count", Integer, server_default=text("0")),
    Column("rebalance_count", Integer, server_default=text("0")),
    Column("termination_count", Integer, server_default=text("0")),
    Column("total_instance_hours", Amount(10, 2), server_default="0.00"),
    Column("interrupted_instance_hours", Amount(10, 2), server_default="0.00"),
    Column("uptime_percentage", Amount(5, 2)),
    Column("reliability_score", Amount(5, 2), server_default="100.00"),
    Column("price_volatility", Amount(10, 6)),
    Column("avg_price", Amount(10, 6)),
    Column("min_price", Amount(10, 6)),
    Column("max_price", Amount(10, 6)),
    Column("computed_at", UtcInstant, server_default=func.current_timestamp()),
    UniqueConstraint("pool_id", "period_start", name="uk_pool_period"),
    Index("idx_reliability_pool", "pool_id"),
    Index("idx_reliability_period", "period_start", "period_end"),
    Index("idx_reliability_score", text("reliability_score DESC")),
    **STORAGE,
)

pool_risk_analysis = Table(
    "pool_risk_analysis",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pool_id", String(100), nullable=False),
    Column("instance_type", String(50), nullable=False),
    Column("region", String(20), nullable=False),
    Column("az", String(30), nullable=False),
    Column("analysis_time", UtcInstant, nullable=False),
    Column("risk_score", Amount(5, 4), server_default="0.0000"),
    Column("price_volatility", Amount(10, 6)),
    Column("avg_price_24h", Amount(10, 6)),
    Column("min_price_24h", Amount(10, 6)),
    Column("max_price_24h", Amount(10, 6)),
    Column("interruption_frequency", Integer, server_default=text("0")),
    Column("recommendation", one_of("safe", "caution", "avoid"), server_default="safe"),
    Column("metadata", JSON_VALUE),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_pool_id", "pool_id"),
    Index("idx_analysis_time", "analysis_time"),
    Index("idx_risk_score", "risk_score"),
    Index("idx_recommendation", "recommendation"),
    **STORAGE,
)
