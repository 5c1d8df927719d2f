"""What operators read of all clients' agents and instances, of events and of growth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId
from spot_optimizer.domain.values import Severity

LONGEST_LIST: Final = 500
"""Agents or instances in one answer (contract/admin-ml-and-jobs.md 1.9, 1.10)."""

LATEST_EVENTS: Final = 50
"""Events in one answer (contract/admin-ml-and-jobs.md 1.11)."""

SHOWN_SEVERITIES: Final = (Severity.INFO, Severity.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFilter:
    """What is None filters nothing; `search` is part of an id, a client's name, an instance type
    or a logical agent id, in any case."""

    is_active: bool | None = None
    mode: str | None = None
    region: str | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceLine:
    """`agent_id` is the agent that the row is stored with; logical id and status are those of the
    agent whose current instance this is, None when there is none."""

    instance_id: InstanceId
    client_id: ClientId
    client_name: str
    agent_id: AgentId | None
    region: str
    zone: str
    instance_type: str
    mode: str | None
    pool_id: str | None
    spot_price: Decimal | None
    on_demand_price: Decimal | None
    is_active: bool
    installed_at: datetime | None
    created_at: datetime | None
    logical_agent_id: str | None
    agent_status: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLine:
    """Type, place and mode are those of the current instance's row, else the agent's own."""

    agent_id: AgentId
    logical_agent_id: str
    hostname: str | None
    client_id: ClientId
    client_name: str
    instance_id: str | None
    instance_type: str | None
    region: str | None
    zone: str | None
    mode: str | None
    pool_id: str | None
    status: str | None
    enabled: bool
    auto_switch_enabled: bool
    version: str | None
    last_heartbeat_at: datetime | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentEvent:
    event_type: str
    message: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthDay:
    day: date
    total: int
    new: int
    active: int


class FleetQueries(Protocol):
    """Each answered by a fixed number of statements."""

    def instances(self, wanted: InstanceFilter) -> Sequence[InstanceLine]:
        """Newest first, at most LONGEST_LIST."""
        ...

    def agents(self, status: str | None) -> Sequence[AgentLine]:
        """The last heard of first, at most LONGEST_LIST; None asks for all, deleted ones too."""
        ...

    def recent_events(self) -> Sequence[RecentEvent]:
        """Of the severities shown, newest first, at most LATEST_EVENTS."""
        ...

    def growth_since(self, first: date) -> Sequence[GrowthDay]:
        """The days on record, ascending; others are left out."""
        ...
