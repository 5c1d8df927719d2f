from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import dashboard_occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.errors import NotFound
from spot_optimizer.domain.identifiers import ClientId, NotificationId


class NotificationNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Notification not found")


@dataclass(frozen=True, slots=True)
class MarkRead:
    """Somebody has seen notifications. Seeing them again changes nothing."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    @repeated_when_lost
    def one(self, notification_id: NotificationId, caller: Caller) -> None:
        """One that nobody has ever sent is read too, unless a client asks (8.2)."""
        now = self.clock.now()
        with self.unit_of_work() as work:
            was_read = work.inbox.find(notification_id, caller.owner)
            if was_read is None and caller.owner is not None:
                raise NotificationNotFound
            if was_read is False:
                work.inbox.mark_read(notification_id)
                told = dashboard_occurrences.notification_read(notification_id, now)
                record(work, told, caller)
                work.commit()

    @repeated_when_lost
    def all(self, client_id: ClientId | None, caller: Caller) -> None:
        """Those of one client, or of everybody."""
        now = self.clock.now()
        if client_id is not None:
            caller.asking_about(client_id)
        whose = client_id if client_id is not None else caller.owner
        with self.unit_of_work() as work:
            count = work.inbox.mark_all_read(whose)
            if count:
                told = dashboard_occurrences.all_notifications_read(whose, count, now)
                record(work, told, caller)
                work.commit()
