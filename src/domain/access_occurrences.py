"""What is left behind of who is let in, and of who is not (contract/domain.md 4.9.3).

Which calls write an event or a notification is part of the contract, and so is every text here.
"""

from datetime import datetime

from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.journal import (
    AuditEntry,
    Occurrence,
    SystemEvent,
)
from spot_optimizer.domain.values import Severity


def unknown_token(path: str, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="auth_failed",
            severity=Severity.WARNING,
            message=f"Invalid client token attempt for endpoint {path}",
        ),
    )


def inactive_client(client_id: ClientId, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="auth_failed",
            severity=Severity.WARNING,
            message=f"Inactive client {client_id} attempted access",
            client_id=client_id,
        ),
    )


def logged_in(session_id: str, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(entity_type="session", entity_id=session_id, action="logged_in"),
    )


def logged_out(session_id: str, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(entity_type="session", entity_id=session_id, action="logged_out"),
    )
