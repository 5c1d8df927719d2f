"""What a client sees of its replicas (contract/clients-and-notifications.md 4.7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from spot_optimizer.application.dashboard.paging import Page, Position
from spot_optimizer.domain.identifiers import ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaLine:
    """A standby beside the instance that it stands by for, of which there may be no record."""

    id: str
    agent_id: str
    instance_id: str
    replica_type: str
    status: str
    sync_status: str | None
    sync_latency_ms: int | None
    state_transfer_progress: Decimal | None
    """Percent."""
    hourly_cost: Decimal | None
    total_cost: Decimal | None
    created_by: str | None
    created_at: datetime | None
    ready_at: datetime | None
    terminated_at: datetime | None
    is_active: bool
    pool_id: str | None
    pool_name: str | None
    pool_type: str | None
    pool_region: str | None
    pool_zone: str | None
    primary_instance_id: str | None
    primary_type: str | None
    primary_region: str | None
    primary_zone: str | None
    primary_mode: str | None

    @property
    def position(self) -> Position:
        return Position(self.created_at, self.id)


class ReplicaViews(Protocol):
    def of_client(self, client_id: ClientId, page: Page | None) -> Sequence[ReplicaLine]:
        """The active ones of its agents that are neither promoted nor terminated, newest first;
        by one statement."""
        ...
