import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.health import HealthClass, judge
from spot_optimizer.domain.identifiers import AgentId

logger = logging.getLogger(__name__)

# Nobody reads the same alert every five minutes (contract/domain.md 4.4.2).
ALERT_REPEATS: Final = timedelta(seconds=3600)


@dataclass(frozen=True, slots=True)
class SignOfLife:
    agent_id: AgentId
    heartbeat_at: datetime | None
    priced_at: datetime | None
    """When its newest price report came."""


class HealthQueries(Protocol):
    def signs_of_life(self) -> Sequence[SignOfLife]:
        """Of all agents that are enabled and not deleted, by one statement."""
        ...


@dataclass(frozen=True, slots=True)
class MonitorHealth:
    """Looks at how agents are doing, and says so in the log: for each agent and class once in an
    hour. Health never triggers emergency handling."""

    queries: HealthQueries
    clock: Clock
    told_at: dict[tuple[AgentId, HealthClass], datetime] = field(default_factory=dict)

    def __call__(self) -> Mapping[HealthClass, int]:
        """Returns how many agents are in each class."""
        now, found = self.clock.now(), Counter[HealthClass]()
        for sign in self._signs_of_life():
            report = judge(_age(sign.heartbeat_at, now), _age(sign.priced_at, now))
            found[report.health] += 1
            if report.health is not HealthClass.HEALTHY and self._is_news(sign, report.health, now):
                logger.warning(
                    "agent %s is %s (score %d): %s; %s",
                    sign.agent_id,
                    report.health,
                    report.score,
                    ", ".join(report.issues),
                    report.recommendation,
                )
        return found

    def _is_news(self, sign: SignOfLife, health: HealthClass, now: datetime) -> bool:
        last = self.told_at.get((sign.agent_id, health))
        if last is not None and now - last < ALERT_REPEATS:
            return False
        self.told_at[sign.agent_id, health] = now
        return True

    @repeated_when_lost
    def _signs_of_life(self) -> Sequence[SignOfLife]:
        return self.queries.signs_of_life()


def _age(at: datetime | None, now: datetime) -> timedelta | None:
    return None if at is None else now - at
