import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import AlwaysLost, StoreUnavailable
from spot_optimizer.application.replicas.coordinate_agent import CoordinateAgent, as_seen
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import DomainError
from spot_optimizer.domain.interruptions import HORIZON
from spot_optimizer.domain.replicas.coordination import Situation, next_step

logger = logging.getLogger(__name__)


class CoordinationQueries(Protocol):
    def situations(self, since: datetime) -> Sequence[Situation]:
        """Of every agent about which something may have to be done, by three statements; notices
        and failed replicas are left out that are older than that moment."""
        ...


@dataclass(frozen=True, slots=True)
class RunCoordinatorPass:
    """Looks at all agents at once, and takes those in hand that need it, one after the other: what
    goes wrong with one does not keep the others waiting."""

    queries: CoordinationQueries
    clock: Clock
    coordinate: CoordinateAgent
    compatibility: Compatibility

    def __call__(self) -> int:
        """Returns how many agents something was done for."""
        now, helped = self.clock.now(), 0
        for seen in self._situations(now):
            if next_step(as_seen(seen, now, self.compatibility), now) is None:
                continue
            try:
                helped += self.coordinate(seen.agent.id) > 0
            except AlwaysLost as lost:  # somebody else is busy with it; there is a next pass
                logger.warning("agent %s was left out: %s", seen.agent.id, lost)
            except StoreUnavailable:
                raise  # nobody else fares better
            except DomainError as error:  # it was deleted meanwhile
                logger.info("agent %s was left out: %s", seen.agent.id, error)
            except Exception:  # the others must not wait for a defect of ours
                logger.exception("agent %s could not be coordinated", seen.agent.id)
        return helped

    @repeated_when_lost
    def _situations(self, now: datetime) -> Sequence[Situation]:
        return self.queries.situations(now - 2 * HORIZON)
