"""Costs and savings per period."""

from sqlalchemy import (
    CHAR,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
)

from spot_optimizer.adapters.persistence.tables.base import STORAGE, metadata
from spot_optimizer.adapters.persistence.tables.defaults import NEW_UUID, TIME_OF_WRITE
from spot_optimizer.adapters.persistence.tables.types import BIG_ID, Amount, UtcInstant

client_savings_monthly = Table(
    "client_savings_monthly",
    metadata,
    Column("id", BIG_ID, primary_key=True),
    Column(
        "client_id",
        CHAR(36),
        ForeignKey("clients.id", name="fk_savings_client", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("year", Integer, nullable=False),
    Column("month", Integer, nullable=False),
    Column("baseline_cost", Amount(15, 4), server_default="0.0000"),
    Column("actual_cost", Amount(15, 4), server_default="0.0000"),
    Column("savings", Amount(15, 4), server_default="0.0000"),
    Column("savings_percentage", Amount(5, 2)),
    Column("switch_count", Integer, server_default=text("0")),
    Column("instance_count", Integer, server_default=text("0")),
    Column("computed_at", UtcInstant, server_default=func.current_timestamp()),
    UniqueConstraint("client_id", "year", "month", name="uk_client_month"),
    Index("idx_savings_monthly_client", "client_id"),
    Index("idx_savings_monthly_year_month", "year", "month"),
    **STORAGE,
)

client_savings_daily = Table(
    "client_savings_daily",
    metadata,
    Column("id", BIG_ID, primary_key=True),
    Column("client_id", CHAR(36), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("date", Date, nullable=False),
    Column("baseline_cost", Amount(15, 4), server_default="0.0000"),
    Column("actual_cost", Amount(15, 4), server_default="0.0000"),
    Column("savings", Amount(15, 4), server_default="0.0000"),
    Column("savings_percentage", Amount(5, 2)),
    Column("switch_count", Integer, server_default=text("0")),
    Column("instance_count", Integer, server_default=text("0")),
    Column("online_agent_count", Integer, server_default=text("0")),
    Column("computed_at", UtcInstant, server_default=func.current_timestamp()),
    UniqueConstraint("client_id", "date", name="uk_client_date"),
    Index("idx_savings_daily_client", "client_id"),
    Index("idx_savings_daily_date", "date"),
    **STORAGE,
)

clients_daily_snapshot = Table(
    "clients_daily_snapshot",
    metadata,
    Column("snapshot_date", Date, primary_key=True),
    Column("total_clients", Integer, nullable=False, server_default=text("0")),
    Column("new_clients_today", Integer, nullable=False, server_default=text("0")),
    Column("active_clients", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_snapshot_date", text("snapshot_date DESC")),
    **STORAGE,
)

cost_records = Table(
    "cost_records",
    metadata,
    Column("id", CHAR(36), primary_key=True, server_default=NEW_UUID),
    Column(
        "client_id",
        CHAR(36),
        ForeignKey("clients.id", name="fk_cost_client", ondelete="CASCADE"),
        nullable=False,
    ),
    Column(
        "agent_id",
        CHAR(36),
        ForeignKey("agents.id", name="fk_cost_agent", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("period_start", UtcInstant, nullable=False),
    Column("period_end", UtcInstant, nullable=False),
    Column("instance_id", String(50)),
    Column("instance_type", String(50)),
    Column("mode", String(20)),
    Column("region", String(50)),
    Column("hours_running", Amount(10, 4)),
    Column("actual_cost", Amount(12, 6)),
    Column("ondemand_cost", Amount(12, 6)),
    Column("baseline_cost", Amount(15, 4)),
    Column("savings", Amount(12, 6)),
    Column("savings_percentage", Amount(5, 2)),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_cost_client", "client_id"),
    Index("idx_cost_agent", "agent_id"),
    Index("idx_cost_period", "period_start", "period_end"),
    Index("idx_cost_mode", "mode"),
    **STORAGE,
)

savings_snapshots = Table(
    "savings_snapshots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("client_id", CHAR(36), ForeignKey("clients.id", ondelete="CASCADE"), nullable=False),
    Column("snapshot_date", Date, nullable=False),
    Column("total_savings", Amount(15, 4), server_default="0.0000"),
    Column("daily_savings", Amount(15, 4), server_default="0.0000"),
    Column("spot_hours", Amount(10, 2), server_default="0.00"),
    Column("ondemand_hours", Amount(10, 2), server_default="0.00"),
    Column("total_cost", Amount(15, 4), server_default="0.0000"),
    Column("would_be_cost", Amount(15, 4), server_default="0.0000"),
    Column("average_savings_percent", Amount(5, 2), server_default="0.00"),
    Column("switch_count", Integer, server_default=text("0")),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Column(
        "updated_at", UtcInstant, server_default=TIME_OF_WRITE, onupdate=func.current_timestamp()
    ),
    UniqueConstraint("client_id", "snapshot_date", name="uk_client_date"),
    Index("idx_snapshot_date", "snapshot_date"),
    **STORAGE,
)
