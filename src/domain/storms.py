"""Many notices at once (contract/domain.md 4.4.2 and 4.4.5)."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.interruptions import SignalType

BURST_WINDOW: Final = timedelta(seconds=10)
BURST_THRESHOLD: Final = 3
DELAY_PER_SIGNAL: Final = timedelta(seconds=3)
# A replica is to be ready five minutes after the recommendation (5.4), and takes two for it.
LONGEST_DELAY: Final = timedelta(seconds=120)
MEMORY: Final = timedelta(seconds=20)

# A zone is in trouble when more agents than this are warned within the window.
DISRUPTION_THRESHOLD: Final = 3
DISRUPTION_REPEATS: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Storm:
    """What a notice is part of."""

    delay: timedelta
    """How long its handling should wait; nothing for a termination notice."""
    agents_in_zone: int
    """More than none: the zone is in trouble, and nobody has been told yet."""


@dataclass(frozen=True, slots=True)
class _Accepted:
    at: datetime
    signal: SignalType
    zone: str | None
    agent_id: AgentId


class Storms:
    """Remembers the notices of the last seconds that this process has accepted; nothing waits."""

    def __init__(self) -> None:
        self._accepted: deque[_Accepted] = deque()
        self._told_at: dict[tuple[str, SignalType], datetime] = {}
        self._lock = Lock()

    def accept(
        self, signal: SignalType, agent_id: AgentId, zone: str | None, now: datetime
    ) -> Storm:
        with self._lock:
            while self._accepted and now - self._accepted[0].at > MEMORY:
                self._accepted.popleft()
            recent = [
                one
                for one in self._accepted
                if one.signal is signal and now - one.at <= BURST_WINDOW
            ]
            self._accepted.append(_Accepted(now, signal, zone, agent_id))
            return Storm(
                self._delay(signal, len(recent)),
                self._disrupted(recent, signal, agent_id, zone, now),
            )

    @staticmethod
    def _delay(signal: SignalType, earlier: int) -> timedelta:
        if signal is SignalType.TERMINATION_NOTICE or earlier < BURST_THRESHOLD:
            return timedelta(0)
        return min(earlier * DELAY_PER_SIGNAL, LONGEST_DELAY)

    def _disrupted(
        self,
        recent: list[_Accepted],
        signal: SignalType,
        agent_id: AgentId,
        zone: str | None,
        now: datetime,
    ) -> int:
        if zone is None:
            return 0
        warned = {one.agent_id for one in recent if one.zone == zone} | {agent_id}
        told_at = self._told_at.get((zone, signal))
        was_told = told_at is not None and now - told_at <= DISRUPTION_REPEATS
        if len(warned) <= DISRUPTION_THRESHOLD or was_told:
            return 0
        self._told_at[zone, signal] = now
        return len(warned)
