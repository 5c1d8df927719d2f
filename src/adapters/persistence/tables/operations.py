"""Reports of housekeeping: clean-ups, batch jobs and health samples."""

from sqlalchemy import CHAR, Boolean, Column, ForeignKey, Index, Integer, Table, Text, func, text

from spot_optimizer.adapters.persistence.tables.base import STORAGE, metadata
from spot_optimizer.adapters.persistence.tables.types import BIG_ID, JSON_VALUE, UtcInstant, one_of

cleanup_logs = Table(
    "cleanup_logs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("agent_id", CHAR(36), ForeignKey("agents.id", ondelete="CASCADE")),
    Column("client_id", CHAR(36), ForeignKey("clients.id", ondelete="CASCADE")),
    Column("cleanup_type", one_of("snapshots", "amis", "full"), nullable=False),
    Column("deleted_snapshots_count", Integer, server_default=text("0")),
    Column("deleted_amis_count", Integer, server_default=text("0")),
    Column("failed_count", Integer, server_default=text("0")),
    Column("details", JSON_VALUE),
    Column("cutoff_date", UtcInstant),
    Column("executed_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_agent_id", "agent_id"),
    Index("idx_client_id", "client_id"),
    Index("idx_executed_at", "executed_at"),
    **STORAGE,
)

data_processing_jobs = Table(
    "data_processing_jobs",
    metadata,
    Column("id", BIG_ID, primary_key=True),
    Column(
        "job_type",
        one_of("deduplication", "interpolation", "gap-filling", "cleanup"),
        nullable=False,
    ),
    Column(
        "status",
        one_of("pending", "running", "completed", "failed"),
        nullable=False,
        server_default="pending",
    ),
    Column("start_time", UtcInstant, nullable=False),
    Column("end_time", UtcInstant),
    Column("records_processed", Integer, server_default=text("0")),
    Column("records_inserted", Integer, server_default=text("0")),
    Column("records_updated", Integer, server_default=text("0")),
    Column("records_deleted", Integer, server_default=text("0")),
    Column("error_message", Text),
    Column("metadata", JSON_VALUE),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Column("completed_at", UtcInstant),
    Index("idx_job_type_status", "job_type", "status"),
    Index("idx_created", "created_at"),
    Index("idx_status", "status"),
    **STORAGE,
)

agent_health_metrics = Table(
    "agent_health_metrics",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("agent_id", CHAR(36), ForeignKey("agents.id", ondelete="CASCADE"), nullable=False),
    Column("metric_time", UtcInstant, nullable=False),
    Column("heartbeat_latency_ms", Integer),
    Column("command_execution_time_ms", Integer),
    Column("pricing_fetch_success", Boolean),
    Column("termination_check_success", Boolean),
    Column("rebalance_check_success", Boolean),
    Column("error_count", Integer, server_default=text("0")),
    Column("warning_count", Integer, server_default=text("0")),
    Column("metadata", JSON_VALUE),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Index("idx_agent_id", "agent_id"),
    Index("idx_metric_time", "metric_time"),
    **STORAGE,
)
