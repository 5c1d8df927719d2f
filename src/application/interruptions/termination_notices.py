"""What agents say when their instance is about to be lost, and what they are answered."""

from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.application.interruptions.failover import FailedOver
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.identifiers import AgentId, InstanceId, ReplicaId


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationNotice:
    instance_id: InstanceId | None = None
    termination_at: datetime | None = None
    replica_id: ReplicaId | None = None
    """Which replica is to take over, if it can."""


@dataclass(frozen=True, slots=True)
class ReceivedNotice:
    agent_id: AgentId
    said: TerminationNotice
    caller: Caller


@dataclass(frozen=True, slots=True)
class AlreadyMoved:
    """The notice is for an instance that does not carry the workload."""

    primary_instance_id: InstanceId | None


@dataclass(frozen=True, slots=True)
class NobodyReady:
    """No replica can take over now; one that gets ready in time does."""

    agent_may_launch_one: bool = False
    """Said once of a notice, while no machine is coming up: who heard it twice would launch two
    (contract/real-agents.md 2, termination-imminent)."""


Answer = FailedOver | AlreadyMoved | NobodyReady
