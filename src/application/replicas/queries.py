"""What is told about replicas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from spot_optimizer.domain.identifiers import AgentId, ClientId
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.replicas.replica import Replica


@dataclass(frozen=True, slots=True)
class ListedReplica:
    replica: Replica
    pool: SpotPool
    """As far as the replica knows it itself, where it is not on record."""
    pool_is_on_record: bool = True


class ReplicaQueries(Protocol):
    def replicas_of(
        self, agent_id: AgentId, owner: ClientId | None, *, ended_too: bool
    ) -> Sequence[ListedReplica]:
        """The newest first, by two statements; None as the owner sees all.

        Raises:
            AgentNotFound: there is no such agent for that owner.
        """
        ...
