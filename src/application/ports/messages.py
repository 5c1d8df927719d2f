"""What other systems are told, and who they are."""

from collections.abc import Iterator
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
    def undelivered(self, since: datetime) -> Iterator[Message]:
        """What happened since then, the oldest first, read bit by bit; of an interruption its
        beginning comes before its end."""
        ...


class MessageLog(Protocol):
    def delivered(self, message: Message, at: datetime) -> None: ...
