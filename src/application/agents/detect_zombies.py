import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.zombies import Zombie
from spot_optimizer.domain.identifiers import InstanceId

logger = logging.getLogger(__name__)


class ZombieQueries(Protocol):
    def zombies(self) -> Sequence[Zombie]:
        """Of all agents that are not deleted, by one statement."""
        ...


@dataclass(frozen=True, slots=True)
class DetectZombies:
    """Looks for machines that should have ended and may be paid for still, and says so in the log:
    of each once. It closes none, because it cannot know."""

    queries: ZombieQueries
    clock: Clock
    told: set[InstanceId] = field(default_factory=set)

    def __call__(self) -> int:
        """Returns how many there are."""
        now = self.clock.now()
        overdue = [one for one in self._zombies() if one.should_have_ended(now)]
        for zombie in overdue:
            if zombie.instance_id not in self.told:
                logger.warning(
                    "zombie_instance_detected: %s of agent %s was replaced at %s and is not known "
                    "to have ended",
                    zombie.instance_id,
                    zombie.agent_id,
                    zombie.replaced_at,
                )
        self.told.clear()
        self.told.update(zombie.instance_id for zombie in overdue)
        return len(overdue)

    @repeated_when_lost
    def _zombies(self) -> Sequence[Zombie]:
        return self.queries.zombies()
