"""What a client sees of its agents (contract/clients-and-notifications.md 4.3 to 4.5, 7.4)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from spot_optimizer.application.dashboard.paging import Page, Placed
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.identifiers import AgentId, ClientId

# How much of an agent's past is shown, and what counts as recent.
NEWEST_SHOWN: Final = 5
RECENT: Final = timedelta(minutes=10)
FRESH_HEARTBEAT_MINUTES: Final = 5


def whole_minutes(duration: timedelta) -> int:
    """Begun ones do not count."""
    return int(duration / timedelta(minutes=1))


class AgentLine(NamedTuple):
    """An agent as it is now."""

    id: str
    logical_agent_id: str
    instance_id: str | None
    instance_type: str | None
    region: str | None
    zone: str | None
    mode: str | None
    status: str
    last_heartbeat_at: datetime | None
    instance_count: int | None
    enabled: bool | None
    auto_switch_enabled: bool | None
    manual_replica_enabled: bool | None
    auto_terminate_enabled: bool | None
    terminate_wait_seconds: int | None
    agent_version: str | None
    client_id: str


@dataclass(frozen=True, slots=True)
class PastAgentLine:
    """An agent of any time; `installed_at` and `terminated_at` are those of its instance."""

    id: str
    logical_agent_id: str
    instance_id: str | None
    instance_type: str | None
    region: str | None
    zone: str | None
    mode: str | None
    status: str
    enabled: bool | None
    auto_switch_enabled: bool | None
    manual_replica_enabled: bool | None
    created_at: datetime | None
    updated_at: datetime | None
    last_heartbeat_at: datetime | None
    installed_at: datetime | None
    terminated_at: datetime | None


@dataclass(frozen=True, slots=True)
class AgentDetails:
    line: AgentLine
    past: PastAgentLine
    client_id: str
    hostname: str | None
    pool_id: str | None
    replica_count: int | None
    current_replica_id: str | None
    limits: SwitchLimits


@dataclass(frozen=True, slots=True)
class PastDecision:
    decision_type: str
    action: str | None
    risk_score: Decimal | None
    expected_savings: Decimal | None
    mode: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class PastReport:
    received_at: datetime | None
    on_demand_price: Decimal | None
    spot_price: Decimal | None


@dataclass(frozen=True, slots=True)
class PastEvent:
    event_type: str
    severity: str | None
    message: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentActivity:
    """An agent and what became of it lately, each list newest first and at most five long."""

    id: str
    logical_agent_id: str
    status: str
    mode: str | None
    pool_id: str | None
    last_heartbeat_at: datetime | None
    decisions: Sequence[PastDecision]
    reports: Sequence[PastReport]
    events: Sequence[PastEvent]
    recent_reports: int

    def heartbeat_is_fresh(self, now: datetime) -> bool:
        heard = self.last_heartbeat_at
        return heard is not None and whole_minutes(now - heard) <= FRESH_HEARTBEAT_MINUTES

    @property
    def is_active(self) -> bool:
        """It reported prices lately, or has ever asked for a decision."""
        return self.recent_reports > 0 or bool(self.decisions)

    def is_healthy(self, now: datetime) -> bool:
        return self.status == AgentStatus.ONLINE and self.is_active and self.heartbeat_is_fresh(now)


class AgentViews(Protocol):
    """Each answered by a fixed number of statements."""

    def of_clients(
        self, asked: Collection[tuple[ClientId]]
    ) -> Mapping[tuple[ClientId], Sequence[AgentLine]]:
        """All but deleted ones of each client, the one heard from last first."""
        ...

    def history_of(self, client_id: ClientId) -> Sequence[PastAgentLine]:
        """Online ones first, then offline, deleted and other ones; heard from last first."""
        ...

    def page_of(self, client_id: ClientId, page: Page) -> Sequence[Placed[AgentLine]]:
        """All but deleted ones, the newest first: who was heard from last changes all the time."""
        ...

    def page_of_history(self, client_id: ClientId, page: Page) -> Sequence[Placed[PastAgentLine]]:
        """The newest first."""
        ...

    def activity_of(self, client_id: ClientId, recently: datetime) -> Sequence[AgentActivity]:
        """Online ones first, then by name; reports since then are recent."""
        ...

    def details(self, agent_id: AgentId, owner: ClientId | None) -> AgentDetails:
        """Raises:
        AgentNotFound: nobody's, or not the owner's.
        """
        ...
