"""The schema of contract/schema.md: made where it is missing, never changed where it is there."""

from spot_optimizer.adapters.persistence.schema.check import (
    NarrowColumn,
    SchemaReport,
    check_schema,
)
from spot_optimizer.adapters.persistence.schema.creation import (
    Created,
    SchemaNotCreated,
    create_schema,
    missing_tables,
)

__all__ = [
    "Created",
    "NarrowColumn",
    "SchemaNotCreated",
    "SchemaReport",
    "check_schema",
    "create_schema",
    "missing_tables",
]
