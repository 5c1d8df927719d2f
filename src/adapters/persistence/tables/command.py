"""Work orders for agents."""

from sqlalchemy import (
    CHAR,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    func,
    text,
)

from spot_optimizer.adapters.persistence.tables.base import STORAGE, metadata
from spot_optimizer.adapters.persistence.tables.defaults import NEW_UUID
from spot_optimizer.adapters.persistence.tables.types import BIG_ID, JSON_VALUE, UtcInstant

commands = Table(
    "commands",
    metadata,
    Column("id", CHAR(36), primary_key=True, server_default=NEW_UUID),
    Column(
        "client_id",
        CHAR(36),
        ForeignKey("clients.id", name="fk_commands_client", ondelete="CASCADE"),
        nullable=False,
    ),
    Column(
        "agent_id",
        CHAR(36),
        ForeignKey("agents.id", name="fk_commands_agent", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("command_type", String(50), nullable=False),
    Column("target_mode", String(20)),
    Column("target_pool_id", String(100)),
    Column("instance_id", String(50)),
    Column("priority", Integer, server_default=text("25")),
    Column("terminate_wait_seconds", Integer),
    Column("status", String(20), server_default="pending"),
    Column("success", Boolean),
    Column("message", Text),
    Column("execution_result", JSON_VALUE),
    Column("created_by", String(100)),
    Column("trigger_type", String(20)),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Column("executed_at", UtcInstant),
    Column("completed_at", UtcInstant),
    Index("idx_commands_client", "client_id"),
    Index("idx_commands_agent", "agent_id"),
    Index("idx_commands_status", "status"),
    Index("idx_commands_priority", text("priority DESC")),
    Index("idx_commands_pending", "agent_id", "status"),
    Index("idx_commands_type", "command_type"),
    Index("idx_commands_created", "created_at"),
    **STORAGE,
)

pending_switch_commands = Table(
    "pending_switch_commands",
    metadata,
    Column("id", BIG_ID, primary_key=True),
    Column(
        "client_id",
        CHAR(36),
        ForeignKey("clients.id", name="fk_pending_client", ondelete="CASCADE"),
        nullable=False,
    ),
    Column(
        "agent_id",
        CHAR(36),
        ForeignKey("agents.id", name="fk_pending_agent", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("instance_id", String(64), nullable=False),
    Column("target_mode", String(20), nullable=False),
    Column("target_pool_id", String(128)),
    Column("priority", Integer, server_default=text("50")),
    Column("terminate_wait_seconds", Integer, server_default=text("300")),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Column("executed_at", UtcInstant),
    Column("execution_result", JSON_VALUE),
    Index("idx_pending_agent", "agent_id", "executed_at"),
    Index("idx_pending_priority", text("priority DESC")),
    Index("idx_pending_created", "created_at"),
    **STORAGE,
)
