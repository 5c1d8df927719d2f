"""Tenant accounts."""

from sqlalchemy import (
    CHAR,
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
from spot_optimizer.adapters.persistence.tables.defaults import NEW_UUID, TIME_OF_WRITE
from spot_optimizer.adapters.persistence.tables.types import JSON_VALUE, Amount, UtcInstant

clients = Table(
    "clients",
    metadata,
    Column("id", CHAR(36), primary_key=True, server_default=NEW_UUID),
    Column("name", String(255), nullable=False),
    Column("email", String(255), nullable=False),
    Column("client_token", String(255), nullable=False),
    Column("plan", String(50), server_default="free"),
    Column("max_agents", Integer, server_default=text("5")),
    Column("max_instances", Integer, server_default=text("10")),
    Column("status", String(20), server_default="active"),
    Column("is_active", Boolean, server_default=true()),
    Column("total_savings", Amount(15, 4), server_default="0.0000"),
    Column("default_auto_terminate", Boolean, server_default=true()),
    Column("default_terminate_wait_seconds", Integer, server_default=text("300")),
    Column("default_auto_switch_enabled", Boolean, server_default=true()),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Column(
        "updated_at", UtcInstant, server_default=TIME_OF_WRITE, onupdate=func.current_timestamp()
    ),
    Column("last_sync_at", UtcInstant),
    Column("metadata", JSON_VALUE),
    UniqueConstraint("email", name="email"),
    UniqueConstraint("client_token", name="client_token"),
    Index("idx_clients_token", "client_token"),
    Index("idx_clients_status", "status"),
    Index("idx_clients_active", "is_active"),
    Index("idx_clients_created", "created_at"),
    **STORAGE,
)
