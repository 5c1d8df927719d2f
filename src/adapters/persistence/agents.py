from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, exists, insert, select, update

from spot_optimizer.adapters.persistence.listing import Listing
from spot_optimizer.adapters.persistence.tables import agent_configs, agents, clients
from spot_optimizer.adapters.persistence.upsert import update_rows
from spot_optimizer.domain.agents.agent import Agent, AgentSettings, AgentStatus, Placement
from spot_optimizer.domain.agents.vitals import Vitals
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId, LogicalAgentId, PoolId
from spot_optimizer.domain.switching import mode_of

# Every column costs time on the way, and the routes of the agents read thousands of rows a second.
_COLUMNS: Final = tuple(
    column
    for column in agents.c
    if column.name
    not in {
        "spot_price",
        "ondemand_price",
        "baseline_ondemand_price",
        "instance_count",
        "created_at",
        "updated_at",
        "cleanup_enabled",
        "metadata",
    }
)
_BY_ID: Final = select(*_COLUMNS).where(agents.c.id == bindparam("agent_id"))
_OF: Final = select(*_COLUMNS).where(agents.c.id.in_(bindparam("ids", expanding=True)))
_LOCKED: Final = _OF.order_by(agents.c.id).with_for_update()


class _VitalsRow(NamedTuple):
    id: str
    client_id: str
    status: str | None
    instance_id: str | None
    instance_type: str | None
    region: str | None
    az: str | None
    current_mode: str | None
    current_pool_id: str | None
    client_heard_at: datetime | None


_VITALS: Final = Listing(
    _VitalsRow,
    select(
        agents.c.id,
        agents.c.client_id,
        agents.c.status,
        agents.c.instance_id,
        agents.c.instance_type,
        agents.c.region,
        agents.c.az,
        agents.c.current_mode,
        agents.c.current_pool_id,
        clients.c.last_sync_at,
    )
    .join_from(agents, clients, clients.c.id == agents.c.client_id)
    .where(agents.c.id.in_(bindparam("ids", expanding=True))),
)
_LIMITS: Final = select(
    agent_configs.c.agent_id,
    agent_configs.c.min_savings_percent,
    agent_configs.c.risk_threshold,
    agent_configs.c.max_switches_per_week,
    agent_configs.c.max_switches_per_day,
    agent_configs.c.min_pool_duration_hours,
).where(agent_configs.c.agent_id.in_(bindparam("ids", expanding=True)))
_HEARD: Final = (
    update(agents)
    .where(agents.c.id.in_(bindparam("ids", expanding=True)))
    .values(last_heartbeat_at=bindparam("heard_at"), updated_at=bindparam("heard_at"))
)


class SqlAgentRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, agent_id: AgentId, owner: ClientId | None) -> Agent:
        return self._one(_BY_ID, agent_id, owner)

    def get_for_update(self, agent_id: AgentId, owner: ClientId | None) -> Agent:
        return self._one(_BY_ID.with_for_update(), agent_id, owner)

    def find_by_logical_id_for_update(
        self, client_id: ClientId, logical_id: LogicalAgentId
    ) -> Agent | None:
        row = self._connection.execute(
            select(*_COLUMNS)
            .where(agents.c.client_id == client_id)
            .where(agents.c.logical_agent_id == logical_id)
            .with_for_update()
        ).one_or_none()
        return None if row is None else to_agent(row)

    def lock(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Agent]:
        return self._many(_LOCKED, agent_ids)

    def of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Agent]:
        return self._many(_OF, agent_ids)

    def vitals_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Vitals]:
        if not agent_ids:
            return {}
        rows = _VITALS.read(self._connection, {"ids": sorted(agent_ids)})
        return {AgentId(row.id): _to_vitals(row) for row in rows}

    def limits_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, SwitchLimits]:
        limits = dict.fromkeys(agent_ids, SwitchLimits())
        if agent_ids:
            for row in self._connection.execute(_LIMITS, {"ids": sorted(agent_ids)}):
                limits[AgentId(row.agent_id)] = to_limits(row)
        return limits

    def list_silent(self, since: datetime) -> Sequence[Agent]:
        rows = self._connection.execute(
            select(*_COLUMNS)
            .where(agents.c.status == AgentStatus.ONLINE)
            .where(agents.c.last_heartbeat_at < since)
            .order_by(agents.c.id)
            .with_for_update()
        )
        return [to_agent(row) for row in rows]

    def find_on(self, instance_id: InstanceId, owner: ClientId | None) -> Agent | None:
        statement = (
            select(*_COLUMNS)
            .where(agents.c.instance_id == instance_id)
            .order_by(agents.c.status == AgentStatus.DELETED, agents.c.id)
        )
        rows = self._connection.execute(
            statement if owner is None else statement.where(agents.c.client_id == owner)
        )
        # MySQL compares without case.
        return next((to_agent(row) for row in rows if row.instance_id == instance_id), None)

    def serves_another(self, instance_id: InstanceId, agent_id: AgentId) -> bool:
        another = (
            exists()
            .where(agents.c.instance_id == instance_id)
            .where(agents.c.id != agent_id)
            .where(agents.c.status != AgentStatus.DELETED)
        )
        return bool(self._connection.execute(select(another)).scalar_one())

    def save_limits(self, agent_id: AgentId, limits: SwitchLimits, at: datetime) -> None:
        row = {**_limits_row(agent_id, limits), "created_at": at, "updated_at": at}
        changed = tuple(row.keys() - {"agent_id", "created_at"})
        update_rows(self._connection, agent_configs, [row], changed, key=("agent_id",))

    def add(self, agent: Agent, limits: SwitchLimits, at: datetime) -> None:
        self._connection.execute(
            insert(agents).values(**_to_row(agent), created_at=at, updated_at=at)
        )
        self._connection.execute(
            insert(agent_configs).values(
                **_limits_row(agent.id, limits), created_at=at, updated_at=at
            )
        )

    def save(self, agent: Agent, at: datetime) -> None:
        self._connection.execute(
            update(agents).where(agents.c.id == agent.id).values(**_to_row(agent), updated_at=at)
        )

    def save_all(self, saved: Sequence[Agent], at: datetime) -> None:
        rows = [{**_to_row(agent), "updated_at": at} for agent in saved]
        if rows:
            update_rows(self._connection, agents, rows, tuple(rows[0].keys() - {"id"}))

    def heard(self, agent_ids: Collection[AgentId], at: datetime) -> None:
        if agent_ids:
            self._connection.execute(_HEARD, {"ids": sorted(agent_ids), "heard_at": at})

    def _one(self, statement: Select[Any], agent_id: AgentId, owner: ClientId | None) -> Agent:
        row = self._connection.execute(statement, {"agent_id": agent_id}).one_or_none()
        if row is None or row.id != agent_id or owner not in (None, row.client_id):
            raise AgentNotFound
        return to_agent(row)

    def _many(
        self, statement: Select[Any], agent_ids: Collection[AgentId]
    ) -> Mapping[AgentId, Agent]:
        if not agent_ids:
            return {}
        rows = self._connection.execute(statement, {"ids": sorted(agent_ids)})
        return {AgentId(row.id): to_agent(row) for row in rows}


def to_agent(row: Row[*tuple[Any, ...]]) -> Agent:
    return Agent(
        id=row.id,
        client_id=row.client_id,
        logical_agent_id=row.logical_agent_id,
        primary_instance_id=row.instance_id,
        placement=Placement(
            instance_type=row.instance_type,
            region=row.region,
            zone=row.az,
            mode=mode_of(row.current_mode),
            pool_id=row.current_pool_id,
        ),
        status=_to_status(row.status),
        settings=to_settings(row),
        hostname=row.hostname,
        ami_id=row.ami_id,
        private_ip=row.private_ip,
        public_ip=row.public_ip,
        agent_version=row.agent_version,
        current_replica_id=row.current_replica_id,
        interruption_handled_count=row.interruption_handled_count or 0,
        emergency_replica_count=row.emergency_replica_count or 0,
        installed_at=row.installed_at,
        last_heartbeat_at=row.last_heartbeat_at,
        last_switch_at=row.last_switch_at,
        last_failover_at=row.last_failover_at,
        last_interruption_signal_at=row.last_interruption_signal,
        last_rebalance_recommendation_at=row.last_rebalance_recommendation_at,
        last_termination_notice_at=row.last_termination_notice_at,
        last_cleanup_at=row.last_cleanup_at,
        terminated_at=row.terminated_at,
    )


def _to_vitals(row: _VitalsRow) -> Vitals:
    return Vitals(
        AgentId(row.id),
        ClientId(row.client_id),
        _to_status(row.status),
        InstanceId(row.instance_id) if row.instance_id else None,
        Placement(
            instance_type=row.instance_type,
            region=row.region,
            zone=row.az,
            mode=mode_of(row.current_mode),
            pool_id=PoolId(row.current_pool_id) if row.current_pool_id else None,
        ),
        row.client_heard_at,
    )


def to_settings(row: Row[*tuple[Any, ...]]) -> AgentSettings:
    return AgentSettings(
        enabled=bool(row.enabled),
        auto_switch_enabled=bool(row.auto_switch_enabled),
        manual_replica_enabled=bool(row.manual_replica_enabled),
        auto_terminate_enabled=bool(row.auto_terminate_enabled),
        terminate_wait_seconds=row.terminate_wait_seconds,
        replica_enabled=bool(row.replica_enabled),
        replica_count=row.replica_count or 0,
    )


def to_limits(row: Row[*tuple[Any, ...]]) -> SwitchLimits:
    """Columns that hold nothing mean the default."""
    known = {
        name: value
        for name in (
            "min_savings_percent",
            "risk_threshold",
            "max_switches_per_week",
            "max_switches_per_day",
            "min_pool_duration_hours",
        )
        if (value := getattr(row, name)) is not None
    }
    return SwitchLimits(**known)


def _limits_row(agent_id: AgentId, limits: SwitchLimits) -> dict[str, Any]:
    return {
        "agent_id": agent_id,
        "min_savings_percent": limits.min_savings_percent,
        "risk_threshold": limits.risk_threshold,
        "max_switches_per_week": limits.max_switches_per_week,
        "max_switches_per_day": limits.max_switches_per_day,
        "min_pool_duration_hours": limits.min_pool_duration_hours,
    }


_STATUSES: Final = {status.value: status for status in AgentStatus}


def _to_status(text: str | None) -> AgentStatus:
    """The former server stored whatever an agent said."""
    return _STATUSES.get(text or "", AgentStatus.OFFLINE)


def _to_row(agent: Agent) -> dict[str, Any]:
    at, settings = agent.placement, agent.settings
    return {
        "id": agent.id,
        "client_id": agent.client_id,
        "logical_agent_id": agent.logical_agent_id,
        "instance_id": agent.primary_instance_id,
        "instance_type": at.instance_type,
        "region": at.region,
        "az": at.zone,
        "current_mode": at.mode,
        "current_pool_id": at.pool_id,
        "status": agent.status,
        "enabled": settings.enabled,
        "auto_switch_enabled": settings.auto_switch_enabled,
        "manual_replica_enabled": settings.manual_replica_enabled,
        "auto_terminate_enabled": settings.auto_terminate_enabled,
        "terminate_wait_seconds": settings.terminate_wait_seconds,
        "replica_enabled": settings.replica_enabled,
        "replica_count": settings.replica_count,
        "hostname": agent.hostname,
        "ami_id": agent.ami_id,
        "private_ip": agent.private_ip,
        "public_ip": agent.public_ip,
        "agent_version": agent.agent_version,
        "current_replica_id": agent.current_replica_id,
        "interruption_handled_count": agent.interruption_handled_count,
        "emergency_replica_count": agent.emergency_replica_count,
        "installed_at": agent.installed_at,
        "last_heartbeat_at": agent.last_heartbeat_at,
        "last_switch_at": agent.last_switch_at,
        "last_failover_at": agent.last_failover_at,
        "last_interruption_signal": agent.last_interruption_signal_at,
        "last_rebalance_recommendation_at": agent.last_rebalance_recommendation_at,
        "last_termination_notice_at": agent.last_termination_notice_at,
        "last_cleanup_at": agent.last_cleanup_at,
        "terminated_at": agent.terminated_at,
    }
