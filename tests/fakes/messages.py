"""Messages in memory, and receivers that may be down."""

from collections.abc import Iterator
from datetime import datetime

from spot_optimizer.application.ports.messages import NotDelivered
from spot_optimizer.domain.webhooks import Message
from tests.fakes.keeping import Keeping


class InMemoryMessages(Keeping):
    def __init__(self) -> None:
        self.waiting: list[Message] = []

    def undelivered(self, since: datetime) -> Iterator[Message]:
        return iter([one for one in self.waiting if one.at >= since])

    def delivered(self, message: Message, at: datetime) -> None:
        self.waiting.remove(message)


class FakeReceiver:
    def __init__(self, name: str = "receiver") -> None:
        self.name = name
        self.failure: NotDelivered | None = None
        self.refuses: dict[str, NotDelivered] = {}
        self.attempts: list[str] = []
        self.told: list[str] = []

    def deliver(self, message: Message, now: datetime) -> None:
        self.attempts.append(message.id)
        failure = self.failure or self.refuses.get(message.id)
        if failure is not None:
            raise failure
        self.told.append(message.id)
