"""Uploaded model files and known model versions."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)

from spot_optimizer.adapters.persistence.tables.base import STORAGE, metadata
from spot_optimizer.adapters.persistence.tables.defaults import NEW_UUID, TIME_OF_WRITE
from spot_optimizer.adapters.persistence.tables.types import JSON_VALUE, UtcInstant

model_upload_sessions = Table(
    "model_upload_sessions",
    metadata,
    Column("id", CHAR(36), primary_key=True, server_default=NEW_UUID),
    Column("session_type", String(20), nullable=False, server_default="models"),
    Column("status", String(20), server_default="active"),
    Column("is_live", Boolean, server_default=false()),
    Column("is_fallback", Boolean, server_default=false()),
    Column("file_count", Integer, server_default=text("0")),
    Column("file_names", JSON_VALUE),
    Column("total_size_bytes", BigInteger, server_default=text("0")),
    Column("uploaded_by", String(128)),
    Column("notes", Text),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Column("activated_at", UtcInstant),
    Index("idx_upload_session_type_status", "session_type", "status"),
    Index("idx_upload_session_live", "is_live"),
    Index("idx_upload_session_created", text("created_at DESC")),
    **STORAGE,
)

model_registry = Table(
    "model_registry",
    metadata,
    Column("id", CHAR(36), primary_key=True, server_default=NEW_UUID),
    Column("model_name", String(128), nullable=False),
    Column("model_type", String(50), nullable=False),
    Column("version", String(32), nullable=False),
    Column("file_path", String(512), nullable=False),
    Column("upload_session_id", CHAR(36)),
    Column("is_active", Boolean, server_default=false()),
    Column("is_fallback", Boolean, server_default=false()),
    Column("performance_metrics", JSON_VALUE),
    Column("config", JSON_VALUE),
    Column("description", Text),
    Column("loaded_at", UtcInstant),
    Column("created_at", UtcInstant, server_default=func.current_timestamp()),
    Column(
        "updated_at", UtcInstant, server_default=TIME_OF_WRITE, onupdate=func.current_timestamp()
    ),
    UniqueConstraint("model_name", "version", name="uk_model_version"),
    Index("idx_model_registry_type_active", "model_type", "is_active"),
    Index("idx_model_registry_name", "model_name"),
    Index("idx_model_registry_active", "is_active"),
    Index("idx_model_registry_session", "upload_session_id"),
    **STORAGE,
)
