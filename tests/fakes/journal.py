"""What is only ever written, in memory."""

from collections.abc import Sequence
from datetime import datetime

from spot_optimizer.application.ports.decision_engine import ModelFound
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.cleanups import CleanupReport
from spot_optimizer.domain.decisions.record import DecisionRecord
from spot_optimizer.domain.identifiers import ClientId, NotificationId
from spot_optimizer.domain.journal import AuditEntry, Notification, SystemEvent
from spot_optimizer.domain.models.sessions import ModelSession, SessionChanges, SessionId
from tests.fakes.keeping import Keeping, refuse_twice


class InMemoryEvents(Keeping):
    def __init__(self) -> None:
        self.entries: list[SystemEvent] = []

    def add(self, event: SystemEvent, at: datetime) -> None:
        self.entries.append(event)

    @property
    def types(self) -> list[str]:
        return [event.event_type for event in self.entries]


class InMemoryNotifications(Keeping):
    def __init__(self) -> None:
        self.entries: list[Notification] = []

    def add(self, notification: Notification, at: datetime) -> None:
        self.entries.append(notification)

    @property
    def messages(self) -> list[str]:
        return [notification.message for notification in self.entries]


class InMemoryInbox(Keeping):
    """Whose each notification is, and whether it has been read."""

    def __init__(self) -> None:
        self.read: dict[NotificationId, tuple[ClientId, bool]] = {}

    def find(self, notification_id: NotificationId, owner: ClientId | None) -> bool | None:
        client_id, was_read = self.read.get(notification_id, (None, None))
        return was_read if owner in (None, client_id) else None

    def mark_read(self, notification_id: NotificationId) -> None:
        client_id, _ = self.read[notification_id]
        self.read[notification_id] = client_id, True

    def mark_all_read(self, client_id: ClientId | None) -> int:
        unread = [
            one
            for one, (whose, was_read) in self.read.items()
            if client_id in (None, whose) and not was_read
        ]
        for one in unread:
            self.mark_read(one)
        return len(unread)


class InMemoryAudit(Keeping):
    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.callers: list[Caller] = []

    def add(self, entry: AuditEntry, by: Caller, at: datetime) -> None:
        self.entries.append(entry)
        self.callers.append(by)

    @property
    def actions(self) -> list[str]:
        return [entry.action for entry in self.entries]


class InMemoryDecisions(Keeping):
    def __init__(self) -> None:
        self.records: list[DecisionRecord] = []

    def add(self, records: Sequence[DecisionRecord]) -> Sequence[int | None]:
        first = len(self.records) + 1
        self.records.extend(records)
        return [
            None if record.answer is None else number
            for number, record in enumerate(records, first)
        ]


class InMemoryModels(Keeping):
    def __init__(self) -> None:
        self.kept: dict[SessionId, ModelSession] = {}
        self.registered: list[ModelFound] = []

    def sessions(self) -> Sequence[ModelSession]:
        return sorted(self.kept.values(), key=lambda one: (one.created_at, one.id), reverse=True)

    def save(self, changes: SessionChanges) -> None:
        if changes.added is not None:
            refuse_twice(changes.added.id in self.kept)
            self.kept[changes.added.id] = changes.added
        self.kept.update({one.id: one for one in changes.changed})
        for one in changes.removed:
            del self.kept[one.id]

    def register(
        self,
        session: ModelSession,
        models: Sequence[ModelFound],
        fallback: SessionId | None,
        at: datetime,
    ) -> None:
        self.registered = list(models)


class InMemoryCleanups(Keeping):
    def __init__(self) -> None:
        self.reports: list[CleanupReport] = []

    def add(self, report: CleanupReport) -> None:
        self.reports.append(report)
