"""Prices as they were reported."""

from sqlalchemy import CHAR, Column, ForeignKey, Index, String, Table, UniqueConstraint, func, text

from spot_optimizer.adapters.persistence.tables.base import STORAGE, metadata
from spot_optimizer.adapters.persistence.tables.defaults import NEW_UUID
from spot_optimizer.adapters.persistence.tables.types import BIG_ID, JSON_VALUE, Amount, UtcInstant

spot_price_snapshots = Table(
    "spot_price_snapshots",
    metadata,
    Column("id", BIG_ID, primary_key=True),
    Column(
        "pool_id",
        String(128),
        ForeignKey("spot_pools.id", name="fk_spot_snapshots_pool", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("price", Amount(10, 6), nullable=False),
    Column("captured_at", UtcInstant, server_default=func.current_timestamp()),
    Column("recorded_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_spot_snapshots_pool_time", "pool_id", text("captured_at DESC")),
    Index("idx_spot_snapshots_captured", text("captured_at DESC")),
    Index("idx_spot_snapshots_pool", "pool_id"),
    Index("idx_spot_snapshots_timeseries", "pool_id", text("recorded_at DESC")),
    **STORAGE,
)

ondemand_price_snapshots = Table(
    "ondemand_price_snapshots",
    metadata,
    Column("id", BIG_ID, primary_key=True),
    Column("region", String(32), nullable=False),
    Column("instance_type", String(64), nullable=False),
    Column("price", Amount(10, 6), nullable=False),
    Column("captured_at", UtcInstant, server_default=func.current_timestamp()),
    Column("recorded_at", UtcInstant, server_default=func.current_timestamp()),
    Index(
        "idx_ondemand_snapshots_type_region_time",
        "instance_type",
        "region",
        text("captured_at DESC"),
    ),
    Index("idx_ondemand_snapshots_captured", text("captured_at DESC")),
    **STORAGE,
)

ondemand_prices = Table(
    "ondemand_prices",
    metadata,
    Column("id", CHAR(36), primary_key=True, server_default=NEW_UUID),
    Column("instance_type", String(50), nullable=False),
    Column("region", String(50), nullable=False),
    Column("price", Amount(10, 6), nullable=False),
    Column("recorded_at", UtcInstant, server_default=func.current_timestamp()),
    UniqueConstraint("instance_type", "region", name="uk_type_region"),
    Index("idx_ondemand_prices_type", "instance_type", "region"),
    **STORAGE,
)

spot_prices = Table(
    "spot_prices",
    metadata,
    Column("id", CHAR(36), primary_key=True, server_default=NEW_UUID),
    Column("pool_id", String(100), nullable=False),
    Column("instance_type", String(50), nullable=False),
    Column("region", String(50), nullable=False),
    Column("az", String(50), nullable=False),
    Column("price", Amount(10, 6), nullable=False),
    Column("recorded_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_spot_prices_pool", "pool_id"),
    Index("idx_spot_prices_type", "instance_type"),
    Index("idx_spot_prices_time", text("recorded_at DESC")),
    Index("idx_spot_prices_timeseries", "pool_id", text("recorded_at DESC")),
    Index("idx_spot_prices_analysis", "instance_type", "region", "recorded_at"),
    **STORAGE,
)

pricing_reports = Table(
    "pricing_reports",
    metadata,
    Column("id", CHAR(36), primary_key=True, server_default=NEW_UUID),
    Column(
        "agent_id",
        CHAR(36),
        ForeignKey("agents.id", name="fk_pricing_reports_agent", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("instance_id", String(50)),
    Column("instance_type", String(50)),
    Column("region", String(50)),
    Column("az", String(50)),
    Column("current_mode", String(20)),
    Column("current_pool_id", String(100)),
    Column("on_demand_price", Amount(10, 6)),
    Column("current_spot_price", Amount(10, 6)),
    Column("cheapest_pool_id", String(100)),
    Column("cheapest_pool_price", Amount(10, 6)),
    Column("spot_pools", JSON_VALUE),
    Column("collected_at", UtcInstant),
    Column("received_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_pricing_reports_agent", "agent_id"),
    Index("idx_pricing_reports_time", text("received_at DESC")),
    Index("idx_pricing_reports_instance_type", "instance_type"),
    Index("idx_pricing_reports_collected", text("collected_at DESC")),
    **STORAGE,
)
