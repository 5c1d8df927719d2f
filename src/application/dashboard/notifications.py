"""What clients were told (contract/clients-and-notifications.md 8.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from spot_optimizer.application.dashboard.paging import Page, Position
from spot_optimizer.domain.identifiers import ClientId


@dataclass(frozen=True, slots=True)
class NotificationLine:
    id: str
    message: str
    severity: str
    is_read: bool | None
    created_at: datetime | None

    @property
    def position(self) -> Position:
        return Position(self.created_at, self.id)


class NotificationViews(Protocol):
    def newest(self, client_id: ClientId | None, page: Page) -> Sequence[NotificationLine]:
        """Of that client or of all, newest first; by one statement."""
        ...
