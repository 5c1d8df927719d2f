from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import Any, Final

from sqlalchemy import Column, Engine, Row, Select, Table, bindparam, case, func, select

from spot_optimizer.adapters.persistence.agents import to_limits
from spot_optimizer.adapters.persistence.dashboard.pages import asked_of, comes_after
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.listing import Listing, batched
from spot_optimizer.adapters.persistence.tables import (
    agent_configs,
    agent_decision_history,
    agents,
    instances,
    pricing_reports,
    system_events,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.application.dashboard.agents import (
    NEWEST_SHOWN,
    AgentActivity,
    AgentDetails,
    AgentLine,
    PastAgentLine,
    PastDecision,
    PastEvent,
    PastReport,
)
from spot_optimizer.application.dashboard.paging import Page, Placed, Position
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, ClientId

# In the order of the fields of AgentLine and PastAgentLine.
_LINE: Final[tuple[Column[Any], ...]] = (
    agents.c.id,
    agents.c.logical_agent_id,
    agents.c.instance_id,
    agents.c.instance_type,
    agents.c.region,
    agents.c.az,
    agents.c.current_mode,
    agents.c.status,
    agents.c.last_heartbeat_at,
    agents.c.instance_count,
    agents.c.enabled,
    agents.c.auto_switch_enabled,
    agents.c.manual_replica_enabled,
    agents.c.auto_terminate_enabled,
    agents.c.terminate_wait_seconds,
    agents.c.agent_version,
    agents.c.client_id,
)
PAST: Final[tuple[Column[Any], ...]] = (
    agents.c.id,
    agents.c.logical_agent_id,
    agents.c.instance_id,
    agents.c.instance_type,
    agents.c.region,
    agents.c.az,
    agents.c.current_mode,
    agents.c.status,
    agents.c.enabled,
    agents.c.auto_switch_enabled,
    agents.c.manual_replica_enabled,
    agents.c.created_at,
    agents.c.updated_at,
    agents.c.last_heartbeat_at,
    instances.c.installed_at,
    instances.c.terminated_at,
)


def _heard_from_last_first(line: AgentLine) -> tuple[float, str]:
    heard = line.last_heartbeat_at
    return inf if heard is None else -heard.timestamp(), line.id


_LISTED: Final = Listing(
    AgentLine,
    select(*_LINE)
    .where(agents.c.client_id.in_(bindparam("clients", expanding=True)))
    .where(agents.c.status != AgentStatus.DELETED),
    _heard_from_last_first,
)
_HISTORY: Final = (
    select(*PAST)
    .join(instances, instances.c.id == agents.c.instance_id, isouter=True)
    .where(agents.c.client_id == bindparam("client_id"))
    .order_by(
        case(
            {AgentStatus.ONLINE: 1, AgentStatus.OFFLINE: 2, AgentStatus.DELETED: 3},
            value=agents.c.status,
            else_=4,
        ),
        agents.c.last_heartbeat_at.desc(),
        agents.c.id,
    )
)
_PAGE: Final = (
    select(agents.c.created_at, *_LINE)
    .where(agents.c.client_id == bindparam("client_id"))
    .where(agents.c.status != AgentStatus.DELETED)
    .where(comes_after(agents.c.created_at, agents.c.id))
    .order_by(agents.c.created_at.desc(), agents.c.id)
    .limit(bindparam("limit"))
)
_PAGE_OF_HISTORY: Final = (
    select(*PAST)
    .join(instances, instances.c.id == agents.c.instance_id, isouter=True)
    .where(agents.c.client_id == bindparam("client_id"))
    .where(comes_after(agents.c.created_at, agents.c.id))
    .order_by(agents.c.created_at.desc(), agents.c.id)
    .limit(bindparam("limit"))
)
_LIMITS: Final = tuple(
    agent_configs.c[name]
    for name in (
        "min_savings_percent",
        "risk_threshold",
        "max_switches_per_week",
        "max_switches_per_day",
        "min_pool_duration_hours",
    )
)
_DETAILS: Final = (
    select(
        *_LINE,
        agents.c.created_at,
        agents.c.updated_at,
        instances.c.installed_at,
        instances.c.terminated_at,
        agents.c.client_id,
        agents.c.hostname,
        agents.c.current_pool_id,
        agents.c.replica_count,
        agents.c.current_replica_id,
        *_LIMITS,
    )
    .join(instances, instances.c.id == agents.c.instance_id, isouter=True)
    .join(agent_configs, agent_configs.c.agent_id == agents.c.id, isouter=True)
    .where(agents.c.id == bindparam("agent_id"))
)
_ACTIVE: Final = (
    select(
        agents.c.id,
        agents.c.logical_agent_id,
        agents.c.status,
        agents.c.current_mode,
        agents.c.current_pool_id,
        agents.c.last_heartbeat_at,
    )
    .where(agents.c.client_id == bindparam("client_id"))
    .order_by(
        agents.c.status != AgentStatus.ONLINE,
        func.lower(agents.c.logical_agent_id),
        agents.c.id,
    )
)


def _newest(table: Table, time: str, *names: str) -> Select[Any]:
    """The newest rows of each agent of a client, newest first."""
    place = (
        func.row_number()
        .over(partition_by=table.c.agent_id, order_by=(table.c[time].desc(), table.c.id.desc()))
        .label("place")
    )
    placed = (
        select(table.c.agent_id, *(table.c[name] for name in names), place)
        .join(agents, agents.c.id == table.c.agent_id)
        .where(agents.c.client_id == bindparam("client_id"))
        .subquery()
    )
    return (
        select(placed.c.agent_id, *(placed.c[name] for name in names))
        .where(placed.c.place <= NEWEST_SHOWN)
        .order_by(placed.c.agent_id, placed.c.place)
    )


_DECISIONS: Final = _newest(
    agent_decision_history,
    "decision_time",
    "decision_type",
    "recommended_action",
    "risk_score",
    "expected_savings",
    "current_mode",
    "decision_time",
)
_REPORTS: Final = _newest(
    pricing_reports, "received_at", "received_at", "on_demand_price", "current_spot_price"
)
_EVENTS: Final = _newest(
    system_events, "created_at", "event_type", "severity", "message", "created_at"
)
_RECENT_REPORTS: Final = (
    select(pricing_reports.c.agent_id, func.count().label("reports"))
    .join(agents, agents.c.id == pricing_reports.c.agent_id)
    .where(agents.c.client_id == bindparam("client_id"))
    .where(pricing_reports.c.received_at >= bindparam("recently", type_=UtcInstant))
    .group_by(pricing_reports.c.agent_id)
)


class SqlAgentViews:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def of_clients(
        self, asked: Collection[tuple[ClientId]]
    ) -> Mapping[tuple[ClientId], Sequence[AgentLine]]:
        found: dict[str, list[AgentLine]] = {client_id: [] for (client_id,) in asked}
        with reading(self._engine) as connection:
            for some in batched(found):
                for line in _LISTED.read(connection, {"clients": some}):
                    if line.client_id in found:  # MySQL compares without case
                        found[line.client_id].append(line)
        return {one: found[one[0]] for one in asked}

    @repeated_when_lost
    def history_of(self, client_id: ClientId) -> Sequence[PastAgentLine]:
        with reading(self._engine) as connection:
            rows = connection.execute(_HISTORY, {"client_id": client_id})
            return [PastAgentLine(*row) for row in rows]

    @repeated_when_lost
    def page_of(self, client_id: ClientId, page: Page) -> Sequence[Placed[AgentLine]]:
        with reading(self._engine) as connection:
            rows = connection.execute(_PAGE, {"client_id": client_id, **asked_of(page)})
            return [Placed(AgentLine(*line), Position(at, line[0])) for at, *line in rows]

    @repeated_when_lost
    def page_of_history(self, client_id: ClientId, page: Page) -> Sequence[Placed[PastAgentLine]]:
        with reading(self._engine) as connection:
            rows = connection.execute(_PAGE_OF_HISTORY, {"client_id": client_id, **asked_of(page)})
            lines = [PastAgentLine(*row) for row in rows]
        return [Placed(line, Position(line.created_at, line.id)) for line in lines]

    @repeated_when_lost
    def activity_of(self, client_id: ClientId, recently: datetime) -> Sequence[AgentActivity]:
        asked: dict[str, object] = {"client_id": client_id}
        with reading(self._engine) as connection:
            rows = connection.execute(_ACTIVE, asked).all()
            decisions = _by_agent(PastDecision, connection.execute(_DECISIONS, asked))
            reports = _by_agent(PastReport, connection.execute(_REPORTS, asked))
            events = _by_agent(PastEvent, connection.execute(_EVENTS, asked))
            counted = connection.execute(_RECENT_REPORTS, {**asked, "recently": recently}).all()
        recent: dict[str, int] = {row.agent_id: row.reports for row in counted}
        return [
            AgentActivity(
                id=row.id,
                logical_agent_id=row.logical_agent_id,
                status=row.status,
                mode=row.current_mode,
                pool_id=row.current_pool_id,
                last_heartbeat_at=row.last_heartbeat_at,
                decisions=decisions[row.id],
                reports=reports[row.id],
                events=events[row.id],
                recent_reports=recent.get(row.id, 0),
            )
            for row in rows
        ]

    @repeated_when_lost
    def details(self, agent_id: AgentId, owner: ClientId | None) -> AgentDetails:
        with reading(self._engine) as connection:
            row = connection.execute(_DETAILS, {"agent_id": agent_id}).one_or_none()
        if row is None or row.id != agent_id or owner not in (None, row.client_id):
            raise AgentNotFound
        return _to_details(row)


def _to_details(row: Row[*tuple[Any, ...]]) -> AgentDetails:
    line = AgentLine(*row[: len(_LINE)])
    return AgentDetails(
        line=line,
        past=PastAgentLine(
            id=line.id,
            logical_agent_id=line.logical_agent_id,
            instance_id=line.instance_id,
            instance_type=line.instance_type,
            region=line.region,
            zone=line.zone,
            mode=line.mode,
            status=line.status,
            enabled=line.enabled,
            auto_switch_enabled=line.auto_switch_enabled,
            manual_replica_enabled=line.manual_replica_enabled,
            created_at=row.created_at,
            updated_at=row.updated_at,
            last_heartbeat_at=line.last_heartbeat_at,
            installed_at=row.installed_at,
            terminated_at=row.terminated_at,
        ),
        client_id=row.client_id,
        hostname=row.hostname,
        pool_id=row.current_pool_id,
        replica_count=row.replica_count,
        current_replica_id=row.current_replica_id,
        limits=to_limits(row),
    )


def _by_agent(kind: Any, rows: Any) -> defaultdict[str, list[Any]]:
    """Rows that begin with the agent's id, each made into what it stands for."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for agent_id, *values in rows:
        found[agent_id].append(kind(*values))
    return found
