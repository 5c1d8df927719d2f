"""EC2 instances ever bound to a client."""

from sqlalchemy import (
    CHAR,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    func,
    text,
    true,
)

from spot_optimizer.adapters.persistence.tables.base import STORAGE, metadata
from spot_optimizer.adapters.persistence.tables.defaults import TIME_OF_WRITE
from spot_optimizer.adapters.persistence.tables.types import JSON_VALUE, Amount, UtcInstant

instances = Table(
    "instances",
    metadata,
    Column("id", String(64), primary_key=True),
    Column(
        "client_id",
        CHAR(36),
        ForeignKey("clients.id", name="fk_instances_client", ondelete="CASCADE"),
        nullable=False,
    ),
    Column(
        "agent_id",
        CHAR(36),
        ForeignKey("agents.id", name="fk_instances_agent", ondelete="SET NULL"),
    ),
    Column("instance_type", String(64), nullable=False),
    Column("region", String(32), nullable=False),
    Column("az", String(48), nullable=False),
    Column("ami_id", String(64)),
    Column("current_mode", String(20), server_default="unknown"),
    Column("current_pool_id", String(128)),
    Column("spot_price", Amount(10, 6)),
    Column("ondemand_price", Amount(10, 6)),
    Column("baseline_ondemand_price", Amount(10, 6)),
    Column("is_active", Boolean, server_default=true()),
    Column("installed_at", UtcInstant, server_default=func.current_timestamp()),
    Column("last_switch_at", UtcInstant),
    Column("last_interruption_signal", UtcInstant),
    Column("interruption_handled_count", Integer, server_default=text("0")),
    Column("last_failover_at", UtcInstant),
    Column("terminated_at", UtcInstant),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Column(
        "updated_at", UtcInstant, server_default=TIME_OF_WRITE, onupdate=func.current_timestamp()
    ),
    Column("metadata", JSON_VALUE),
    Index("idx_instances_client", "client_id"),
    Index("idx_instances_agent", "agent_id"),
    Index("idx_instances_type_region", "instance_type", "region"),
    Index("idx_instances_mode", "current_mode"),
    Index("idx_instances_active", "is_active"),
    Index("idx_instances_pool", "current_pool_id"),
    **STORAGE,
)
