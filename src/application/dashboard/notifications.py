"""What clients were told (contract/clients-and-notifications.md 8.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from spot_optimizer.domain.identifiers import ClientId


@dataclass(frozen=True, slots=True)
class NotificationLine:
    id: str
    message: str
    severity: str
    is_read: bool | None
    created_at: datetime | None


class NotificationViews(Protocol):
    def newest(self, client_id: ClientId | None, limit: int) -> Sequence[NotificationLine]:
        """Of that client or of all, newest first; by one statement."""
        ...
