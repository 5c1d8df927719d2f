"""What other systems are told, and who they are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from spot_optimizer.domain.webhooks import Message


class NotDelivered(Exception):
    """The receiver cannot be reached or is not well: others would not get through either."""


class Refused(NotDelivered):
    """The receiver does not want this one."""


class Receiver(Protocol):
    @property
    def name(self) -> str:
        """For the log, so without secrets."""
        ...

    def deliver(self, message: Message, now: datetime) -> None:
        """Raises:
        NotDelivered: nobody has confirmed it.
        """
        ...


class UndeliveredMessages(Protocol):
    def undelivered(self, since: datetime, most: int) -> Sequence[Message]:
        """Of what happened since then, the oldest first; for one that knows more than one moment
        of it, the first one first."""
        ...


class MessageLog(Protocol):
    def delivered(self, message: Message, at: datetime) -> None: ...
