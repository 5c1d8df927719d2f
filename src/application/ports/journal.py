"""Three outlets with three readers, and what a reader does; all in the current unit of work."""

from datetime import datetime
from typing import Protocol

from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.identifiers import ClientId, NotificationId
from spot_optimizer.domain.journal import AuditEntry, Notification, SystemEvent


class EventLog(Protocol):
    """Best effort: an event that cannot be written never fails the use case."""

    def add(self, event: SystemEvent, at: datetime) -> None: ...


class NotificationSink(Protocol):
    """Best effort, as the event log."""

    def add(self, notification: Notification, at: datetime) -> None: ...


class Inbox(Protocol):
    """Notifications as their readers see them."""

    def find(self, notification_id: NotificationId, owner: ClientId | None) -> bool | None:
        """Whether it has been read; None when there is no such notification for that owner."""
        ...

    def mark_read(self, notification_id: NotificationId) -> None: ...

    def mark_all_read(self, client_id: ClientId | None) -> int:
        """Of that client, or of all; how many were unread."""
        ...


class AuditTrail(Protocol):
    """Fails with the use case, and the use case with it (ruling R7)."""

    def add(self, entry: AuditEntry, by: Caller, at: datetime) -> None: ...
