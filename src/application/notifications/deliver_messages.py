import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.messages import (
    NotDelivered,
    Receiver,
    Refused,
    UndeliveredMessages,
)
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.jobs import JobResult
from spot_optimizer.domain.webhooks import NEWS_FOR, Message, pause_after

logger = logging.getLogger(__name__)

# In one run, the next of which comes within seconds. Those that were refused or told do not count:
# however many wait for another receiver or for ever, they do not stand in the way of news.
_MOST_AT_ONCE: Final = 200
_FORGOTTEN_AFTER: Final = NEWS_FOR + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DeliverMessages:
    """Tells each receiver what it has not confirmed yet. What is on record as undelivered is tried
    again until it is old; a receiver that fails is left alone for ever longer."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    messages: UndeliveredMessages
    receivers: Sequence[Receiver]
    cache: Cache

    def __call__(self) -> JobResult:
        now = self.clock.now()
        away = {receiver.name for receiver in self.receivers if self._rests(receiver.name, now)}
        attempts = _Attempts(away)
        seen = told = 0
        for message in self.messages.undelivered(now - NEWS_FOR):
            if attempts.made >= _MOST_AT_ONCE or len(away) == len(self.receivers):
                break
            seen += 1
            confirmed = [self._tell(receiver, message, attempts) for receiver in self.receivers]
            if all(confirmed):
                self._delivered(message)
                told += 1
        return JobResult(processed=seen, updated=told)

    @repeated_when_lost
    def _delivered(self, message: Message) -> None:
        with self.unit_of_work() as work:
            work.message_log.delivered(message, self.clock.now())
            work.commit()

    def _tell(self, receiver: Receiver, message: Message, attempts: "_Attempts") -> bool:
        """Whether it has confirmed the message, now or before."""
        done, trouble = f"told:{receiver.name}:{message.id}", f"{receiver.name}:{message.id}"
        if self.cache.get(done) is not None:
            return True
        if receiver.name in attempts.away or self._rests(trouble, self.clock.now()):
            return False
        attempts.made += 1
        try:
            receiver.deliver(message, self.clock.now())
        except Refused as refused:
            logger.warning("%s refused message %s: %s", receiver.name, message.id, refused)
            self._leave_alone(trouble)
            return False
        except NotDelivered as failed:
            attempts.away.add(receiver.name)
            failures = self._leave_alone(receiver.name)
            if failures == 1:
                logger.warning("%s was not told: %s", receiver.name, failed)
            return False
        self.cache.drop(_key(receiver.name))
        if len(self.receivers) > 1:  # so that it is not told again when another one is not well
            self.cache.put(done, b"", _FORGOTTEN_AFTER)
        return True

    def _rests(self, whom: str, now: datetime) -> bool:
        """A clock that was set back does not prolong a pause."""
        failures, last = self._failures(whom)
        return last is not None and abs(now - last) < pause_after(failures)

    def _leave_alone(self, whom: str) -> int:
        failures = self._failures(whom)[0] + 1
        value = f"{failures} {self.clock.now().isoformat()}".encode()
        self.cache.put(_key(whom), value, _FORGOTTEN_AFTER)
        return failures

    def _failures(self, whom: str) -> tuple[int, datetime | None]:
        kept = self.cache.get(_key(whom))
        if kept is None:
            return 0, None
        failures, last = kept.decode().split(" ")
        return int(failures), datetime.fromisoformat(last)


@dataclass(slots=True)
class _Attempts:
    """Of one run."""

    away: set[str]
    """Receivers that are left alone for now."""
    made: int = 0


def _key(whom: str) -> str:
    return f"webhook:{whom}"
