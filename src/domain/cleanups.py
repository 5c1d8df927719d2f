"""What an agent has tidied away (contract/agents-and-replicas.md A9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.domain.identifiers import AgentId, ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class TidiedAway:
    """How many snapshots and images are gone, and how many of either could not be deleted."""

    snapshots: int
    amis: int
    failed: int
    cutoff_at: datetime | None
    executed_at: datetime | None
    as_received: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupReport:
    agent_id: AgentId
    client_id: ClientId
    tidied: TidiedAway
    executed_at: datetime
