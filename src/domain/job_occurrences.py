"""What background jobs leave for their readers (contract/admin-ml-and-jobs.md 4.5, 4.6)."""

from collections.abc import Mapping
from datetime import datetime

from spot_optimizer.domain.journal import AuditEntry, Occurrence, SystemEvent
from spot_optimizer.domain.values import Severity


def savings_computed(clients: int, now: datetime) -> Occurrence:
    return _event(
        "savings_computed", Severity.INFO, f"Computed monthly savings for {clients} clients", now
    )


def savings_failed(error: str, now: datetime) -> Occurrence:
    return _event("savings_computation_failed", Severity.ERROR, error, now)


def cleanup_failed(error: str, now: datetime) -> Occurrence:
    return _event("cleanup_failed", Severity.ERROR, error, now)


def old_rows_deleted(deleted: Mapping[str, int], now: datetime) -> tuple[Occurrence, ...]:
    """An event, and an audit entry for each kind of row."""
    return (
        _event("data_cleanup", Severity.INFO, "Cleaned up old time-series data", now),
        *(rows_changed(kind, "purged", rows, now) for kind, rows in deleted.items()),
    )


def rows_changed(kind: str, how: str, rows: int, now: datetime) -> Occurrence:
    """One entry for all rows that a run has changed (contract/domain.md 4.9.4)."""
    return Occurrence(
        at=now,
        audit=AuditEntry(
            entity_type="table", entity_id=kind, action=f"rows_{how}", details={"rows": rows}
        ),
    )


def _event(event_type: str, severity: Severity, message: str, now: datetime) -> Occurrence:
    return Occurrence(
        at=now, event=SystemEvent(event_type=event_type, severity=severity, message=message)
    )
