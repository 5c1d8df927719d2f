from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Row, bindparam, exists, func, or_, select

from spot_optimizer.adapters.persistence.collation import SameText
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import (
    agents,
    clients,
    clients_daily_snapshot,
    instances,
    system_events,
)
from spot_optimizer.application.admin.fleet import (
    LATEST_EVENTS,
    LONGEST_LIST,
    SHOWN_SEVERITIES,
    AgentLine,
    GrowthDay,
    InstanceFilter,
    InstanceLine,
    RecentEvent,
)
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.compatibility import Compatibility

_DELETED: Final = "deleted"

_INSTANCES: Final = (
    select(
        instances.c.id,
        instances.c.client_id,
        clients.c.name.label("client_name"),
        instances.c.agent_id,
        instances.c.region,
        instances.c.az,
        instances.c.instance_type,
        instances.c.current_mode,
        instances.c.current_pool_id,
        instances.c.spot_price,
        instances.c.ondemand_price,
        instances.c.is_active,
        instances.c.installed_at,
        instances.c.created_at,
    )
    .join(clients, clients.c.id == instances.c.client_id)
    .order_by(instances.c.created_at.desc(), instances.c.id)
    .limit(LONGEST_LIST)
)
# The last one heard of comes last, so that it stays in a mapping.
_ON_INSTANCES: Final = (
    select(agents.c.id, agents.c.instance_id, agents.c.logical_agent_id, agents.c.status)
    .where(agents.c.instance_id.in_(bindparam("ids", expanding=True)))
    .order_by(agents.c.last_heartbeat_at, agents.c.id.desc())
)
_AGENTS: Final = (
    select(
        agents.c.id,
        agents.c.logical_agent_id,
        agents.c.hostname,
        agents.c.client_id,
        clients.c.name.label("client_name"),
        agents.c.instance_id,
        agents.c.current_pool_id,
        agents.c.status,
        agents.c.enabled,
        agents.c.auto_switch_enabled,
        agents.c.agent_version,
        agents.c.last_heartbeat_at,
        agents.c.created_at,
    )
    .join(clients, clients.c.id == agents.c.client_id)
    .join(instances, instances.c.id == agents.c.instance_id, isouter=True)
    .order_by(agents.c.last_heartbeat_at.desc(), agents.c.id)
    .limit(LONGEST_LIST)
)
_PLACE: Final = (
    (instances.c.instance_type, agents.c.instance_type),
    (instances.c.region, agents.c.region),
    (instances.c.az, agents.c.az),
    (instances.c.current_mode, agents.c.current_mode),
)
_EVENTS: Final = (
    select(system_events.c.event_type, system_events.c.message, system_events.c.created_at)
    .where(system_events.c.severity.in_(SHOWN_SEVERITIES))
    .order_by(system_events.c.created_at.desc(), system_events.c.id.desc())
    .limit(LATEST_EVENTS)
)
_GROWTH: Final = (
    select(clients_daily_snapshot)
    .where(clients_daily_snapshot.c.snapshot_date >= bindparam("first"))
    .order_by(clients_daily_snapshot.c.snapshot_date)
)


class SqlFleetQueries:
    def __init__(self, engine: Engine, compatibility: Compatibility) -> None:
        self._engine = engine
        instances_only = compatibility.agent_list_knows_instances_only
        self._agents = _AGENTS.add_columns(
            *(
                (of_instance if instances_only else func.coalesce(of_instance, of_agent)).label(
                    of_agent.name
                )
                for of_instance, of_agent in _PLACE
            )
        )

    @repeated_when_lost
    def instances(self, wanted: InstanceFilter) -> Sequence[InstanceLine]:
        with reading(self._engine) as connection:
            rows = connection.execute(_INSTANCES.where(*_conditions(wanted))).all()
            there = connection.execute(_ON_INSTANCES, {"ids": [row.id for row in rows]}).all()
        agents_on = _by_instance(there)
        return [_to_instance(row, agents_on.get(row.id, ())) for row in rows]

    @repeated_when_lost
    def agents(self, status: str | None) -> Sequence[AgentLine]:
        asked = (
            self._agents
            if status is None
            else self._agents.where(SameText(agents.c.status, status))
        )
        with reading(self._engine) as connection:
            return [_to_agent(row) for row in connection.execute(asked)]

    @repeated_when_lost
    def recent_events(self) -> Sequence[RecentEvent]:
        with reading(self._engine) as connection:
            return [
                RecentEvent(event_type=row.event_type, message=row.message, at=row.created_at)
                for row in connection.execute(_EVENTS)
            ]

    @repeated_when_lost
    def growth_since(self, first: date) -> Sequence[GrowthDay]:
        with reading(self._engine) as connection:
            return [
                GrowthDay(
                    day=row.snapshot_date,
                    total=row.total_clients,
                    new=row.new_clients_today,
                    active=row.active_clients,
                )
                for row in connection.execute(_GROWTH, {"first": first})
            ]


def _conditions(wanted: InstanceFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.is_active is not None:
        found.append(instances.c.is_active.is_(wanted.is_active))
    if wanted.mode is not None:
        found.append(SameText(instances.c.current_mode, wanted.mode))
    if wanted.region is not None:
        found.append(SameText(instances.c.region, wanted.region))
    if wanted.search is not None:
        found.append(_mentions(wanted.search))
    return found


def _mentions(text: str) -> ColumnElement[bool]:
    named = exists().where(
        agents.c.instance_id == instances.c.id,
        or_(agents.c.id == instances.c.agent_id, agents.c.status != _DELETED),
        agents.c.logical_agent_id.icontains(text, autoescape=True),
    )
    columns = (instances.c.id, clients.c.name, instances.c.instance_type)
    return or_(*(column.icontains(text, autoescape=True) for column in columns), named)


def _by_instance(
    rows: Iterable[Row[*tuple[Any, ...]]],
) -> Mapping[str, Sequence[Row[*tuple[Any, ...]]]]:
    found: dict[str, list[Row[*tuple[Any, ...]]]] = {}
    for row in rows:
        found.setdefault(row.instance_id, []).append(row)
    return found


def _to_instance(
    row: Row[*tuple[Any, ...]], there: Sequence[Row[*tuple[Any, ...]]]
) -> InstanceLine:
    """Of several agents on one instance, the one it is stored with counts, else the one last heard
    of that is not deleted (contract/admin-ml-and-jobs.md 1.9)."""
    stored_with = [agent for agent in there if agent.id == row.agent_id]
    others = [agent for agent in there if agent.status != _DELETED]
    agent = next(reversed(others + stored_with), None)
    return InstanceLine(
        instance_id=row.id,
        client_id=row.client_id,
        client_name=row.client_name,
        agent_id=row.agent_id,
        region=row.region,
        zone=row.az,
        instance_type=row.instance_type,
        mode=row.current_mode,
        pool_id=row.current_pool_id,
        spot_price=row.spot_price,
        on_demand_price=row.ondemand_price,
        is_active=bool(row.is_active),
        installed_at=row.installed_at,
        created_at=row.created_at,
        logical_agent_id=None if agent is None else agent.logical_agent_id,
        agent_status=None if agent is None else agent.status,
    )


def _to_agent(row: Row[*tuple[Any, ...]]) -> AgentLine:
    return AgentLine(
        agent_id=row.id,
        logical_agent_id=row.logical_agent_id,
        hostname=row.hostname,
        client_id=row.client_id,
        client_name=row.client_name,
        instance_id=row.instance_id,
        instance_type=row.instance_type,
        region=row.region,
        zone=row.az,
        mode=row.current_mode,
        pool_id=row.current_pool_id,
        status=row.status,
        enabled=bool(row.enabled),
        auto_switch_enabled=bool(row.auto_switch_enabled),
        version=row.agent_version,
        last_heartbeat_at=row.last_heartbeat_at,
        created_at=row.created_at,
    )
