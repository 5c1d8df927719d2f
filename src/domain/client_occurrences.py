"""What clients and their tokens leave behind (contract/domain.md 4.9.3).

Which calls write an event or a notification is part of the contract, and so is every text here.
"""

from datetime import datetime

from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.journal import (
    AuditEntry,
    Notification,
    Occurrence,
    SystemEvent,
    changes,
)
from spot_optimizer.domain.values import Severity


def client_created(client: Client, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="client_created",
            severity=Severity.INFO,
            message=f"Client {client.name} created",
            client_id=client.id,
            metadata={"client_name": client.name},
        ),
        notification=Notification(
            client_id=client.id,
            message=f"New client created: {client.name}",
            severity=Severity.INFO,
        ),
        audit=AuditEntry(
            entity_type="client",
            entity_id=client.id,
            action="client_created",
            changes=changes(name=(None, client.name), email=(None, client.email)),
        ),
    )


def client_deleted(client: Client, now: datetime) -> Occurrence:
    """Told without the client's id as a key: the event must outlive its client."""
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="client_deleted",
            severity=Severity.WARNING,
            message=f"Client {client.name} ({client.id}) deleted permanently",
            metadata={"deleted_client_id": client.id, "deleted_client_name": client.name},
        ),
        audit=AuditEntry(
            entity_type="client",
            entity_id=client.id,
            action="client_deleted",
            changes=changes(name=(client.name, None), email=(client.email, None)),
        ),
    )


def token_regenerated(client: Client, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="token_regenerated",
            severity=Severity.WARNING,
            message=f"Token regenerated for {client.name}",
            client_id=client.id,
        ),
        notification=Notification(
            client_id=client.id,
            message=f"API token regenerated for client: {client.name}. All agents need new token.",
            severity=Severity.WARNING,
        ),
        audit=AuditEntry(entity_type="client", entity_id=client.id, action="token_regenerated"),
    )


def token_shown(client_id: ClientId, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(entity_type="client", entity_id=client_id, action="token_shown"),
    )
