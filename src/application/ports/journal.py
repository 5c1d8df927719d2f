"""Three outlets with three readers; all write in the current unit of work."""

from datetime import datetime
from typing import Protocol

from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.journal import AuditEntry, Notification, SystemEvent


class EventLog(Protocol):
    """Best effort: an event that cannot be written never fails the use case."""

    def add(self, event: SystemEvent, at: datetime) -> None: ...


class NotificationSink(Protocol):
    """Best effort, as the event log."""

    def add(self, notification: Notification, at: datetime) -> None: ...


class AuditTrail(Protocol):
    """Fails with the use case, and the use case with it (ruling R7)."""

    def add(self, entry: AuditEntry, by: Caller, at: datetime) -> None: ...
