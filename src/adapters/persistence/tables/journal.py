"""What happened, who did it and who was told."""

from sqlalchemy import (
    CHAR,
    Boolean,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    false,
    func,
    text,
)

from spot_optimizer.adapters.persistence.tables.base import STORAGE, metadata
from spot_optimizer.adapters.persistence.tables.defaults import NEW_UUID
from spot_optimizer.adapters.persistence.tables.types import BIG_ID, JSON_VALUE, UtcInstant

system_events = Table(
    "system_events",
    metadata,
    Column("id", BIG_ID, primary_key=True),
    Column("event_type", String(64), nullable=False),
    Column("severity", String(20), server_default="info"),
    Column(
        "client_id",
        CHAR(36),
        ForeignKey("clients.id", name="fk_system_events_client", ondelete="CASCADE"),
    ),
    Column(
        "agent_id",
        CHAR(36),
        ForeignKey("agents.id", name="fk_system_events_agent", ondelete="SET NULL"),
    ),
    Column("instance_id", String(64)),
    Column("message", Text),
    Column("metadata", JSON_VALUE),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_system_events_type_time", "event_type", text("created_at DESC")),
    Index("idx_system_events_severity", "severity"),
    Index("idx_system_events_client", "client_id"),
    Index("idx_system_events_created", text("created_at DESC")),
    sqlite_autoincrement=True,  # events go with their client; their ids must not come back
    **STORAGE,
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", CHAR(36), primary_key=True, server_default=NEW_UUID),
    Column(
        "client_id",
        CHAR(36),
        ForeignKey("clients.id", name="fk_notifications_client", ondelete="CASCADE"),
        nullable=False,
    ),
    Column(
        "agent_id",
        CHAR(36),
        ForeignKey("agents.id", name="fk_notifications_agent", ondelete="SET NULL"),
    ),
    Column("notification_type", String(50)),
    Column("title", String(255)),
    Column("message", Text, nullable=False),
    Column("severity", String(20), server_default="info"),
    Column("is_read", Boolean, server_default=false()),
    Column("sent_email", Boolean, server_default=false()),
    Column("sent_webhook", Boolean, server_default=false()),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_notifications_client", "client_id"),
    Index("idx_notifications_client_read", "client_id", "is_read"),
    Index("idx_notifications_unread", "client_id", "is_read"),
    Index("idx_notifications_created", text("created_at DESC")),
    Index("idx_notifications_type", "notification_type"),
    **STORAGE,
)

audit_logs = Table(
    "audit_logs",
    metadata,
    Column("id", CHAR(36), primary_key=True, server_default=NEW_UUID),
    Column("entity_type", String(50)),
    Column("entity_id", CHAR(36)),
    Column("action", String(100)),
    Column("actor_type", String(50)),
    Column("actor_id", String(100)),
    Column("details", JSON_VALUE),
    Column("changes", JSON_VALUE),
    Column("ip_address", String(45)),
    Column("user_agent", Text),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_audit_entity", "entity_type", "entity_id"),
    Index("idx_audit_action", "action"),
    Index("idx_audit_actor", "actor_type", "actor_id"),
    Index("idx_audit_time", text("created_at DESC")),
    **STORAGE,
)
