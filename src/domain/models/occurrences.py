"""What actions on models leave behind (contract/admin-ml-and-jobs.md 1.14 - 1.17, 3.7)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.journal import (
    AuditEntry,
    Notification,
    Occurrence,
    SystemEvent,
    changes,
)
from spot_optimizer.domain.models.sessions import ModelSession, SessionId
from spot_optimizer.domain.values import Severity


def engine_loaded(engine: str, now: datetime) -> Occurrence:
    return _told("decision_engine_loaded", f"Decision engine {engine} loaded successfully", now)


def model_not_loaded(file_name: str, reason: str, now: datetime) -> Occurrence:
    return _told(
        "model_load_failed",
        f"Model file {file_name} could not be loaded: {reason}",
        now,
        Severity.WARNING,
    )


def models_uploaded(session: ModelSession, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(
            entity_type="model_session",
            entity_id=session.id,
            action="models_uploaded",
            details={"sha256": {file.name: file.sha256 for file in session.files}},
        ),
    )


def models_activated(
    session_id: SessionId,
    before: SessionId | None,
    now: datetime,
    judged: Mapping[str, object] | None = None,
) -> Occurrence:
    """`judged` is what their trial came to, or that they were spared it."""
    return _told(
        "ml_models_activated",
        f"New model session activated: {session_id}",
        now,
        audit=_switched("models_activated", session_id, before, judged),
    )


def models_refused(
    session_id: SessionId, reason: str, details: Mapping[str, object] | None, now: datetime
) -> Occurrence:
    return _told(
        "ml_models_refused",
        f"Model session {session_id} not activated: {reason}",
        now,
        Severity.WARNING,
        audit=AuditEntry(
            entity_type="model_session",
            entity_id=session_id,
            action="activation_refused",
            details={"reason": reason, **(details or {})},
        ),
    )


def models_drifted(drift: str, now: datetime) -> Occurrence:
    return _told("ml_models_drifted", f"Models in service have drifted: {drift}", now,
                 Severity.WARNING)  # fmt: skip


def rolled_back_for_drift(client_id: ClientId, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        notification=Notification(
            client_id=client_id,
            message="Forecasts have become unreliable: the previous models are back in service",
            severity=Severity.WARNING,
        ),
    )


def models_rolled_back(
    session_id: SessionId, before: SessionId | None, now: datetime
) -> Occurrence:
    return _told(
        "ml_models_rollback",
        f"Rolled back to previous model version: {session_id}",
        now,
        Severity.WARNING,
        audit=_switched("models_rolled_back", session_id, before),
    )


def engine_updated(names: Sequence[str], now: datetime) -> Occurrence:
    return _told(
        "decision_engine_updated",
        f"Decision engine files uploaded and reloaded: {', '.join(names)}",
        now,
    )


def engine_files_uploaded(hashes: dict[str, str], now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(
            entity_type="decision_engine",
            entity_id="files",
            action="engine_files_uploaded",
            details={"sha256": hashes},
        ),
    )


def _switched(
    action: str,
    session_id: SessionId,
    before: SessionId | None,
    details: Mapping[str, object] | None = None,
) -> AuditEntry:
    return AuditEntry(
        entity_type="model_session",
        entity_id=session_id,
        action=action,
        details=details or None,
        changes=changes(in_service=(before, session_id)),
    )


def _told(
    event_type: str,
    message: str,
    now: datetime,
    severity: Severity = Severity.INFO,
    audit: AuditEntry | None = None,
) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(event_type=event_type, severity=severity, message=message),
        audit=audit,
    )
