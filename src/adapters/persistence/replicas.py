from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, insert, select
from sqlalchemy.sql import ColumnElement

from spot_optimizer.adapters.persistence.tables import replica_instances
from spot_optimizer.adapters.persistence.upsert import update_rows
from spot_optimizer.domain.identifiers import AgentId, ReplicaId, is_real_instance
from spot_optimizer.domain.interruptions import SignalType
from spot_optimizer.domain.replicas.life_cycle import LIVE, ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica, ReplicaType, SyncStatus

_REPLICA: Final = replica_instances.c
_BEFORE_EVERYTHING: Final = datetime(1970, 1, 2, tzinfo=UTC)


def is_live() -> ColumnElement[bool]:
    return and_(_REPLICA.is_active.is_(True), _REPLICA.status.in_(LIVE))


_ONE: Final = select(replica_instances).where(_REPLICA.id == bindparam("replica_id"))
_ACTIVE_OF: Final = (
    select(replica_instances)
    .where(_REPLICA.agent_id.in_(bindparam("ids", expanding=True)))
    .where(_REPLICA.is_active.is_(True))
    .order_by(_REPLICA.created_at.desc(), _REPLICA.id)
)


class SqlReplicaRepository:
    """One column of the schema serves three times: what a replica that nobody has launched or that
    has failed would keep as its last synchronisation is when it was handed out, or failed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, agent_id: AgentId, replica_id: ReplicaId) -> Replica | None:
        row = self._connection.execute(_ONE, {"replica_id": replica_id}).one_or_none()
        if row is None or row.id != replica_id or row.agent_id != agent_id:
            return None
        return to_replica(row)

    def active_of(self, agent_id: AgentId) -> Sequence[Replica]:
        return active_replicas_of(self._connection, [agent_id]).get(agent_id, [])

    def of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Sequence[Replica]]:
        return active_replicas_of(self._connection, agent_ids)

    def add(self, replica: Replica) -> None:
        self._connection.execute(insert(replica_instances).values(**_to_row(replica)))

    def add_all(self, replicas: Sequence[Replica]) -> None:
        if replicas:
            rows = [_to_row(replica) for replica in replicas]
            self._connection.execute(insert(replica_instances), rows)

    def save_all(self, replicas: Sequence[Replica]) -> None:
        rows = [_to_row(replica) for replica in replicas]
        if rows:
            update_rows(self._connection, replica_instances, rows, tuple(rows[0].keys() - {"id"}))


def active_replicas_of(
    connection: Connection, agent_ids: Collection[AgentId]
) -> Mapping[AgentId, Sequence[Replica]]:
    """The newest first; agents without any are left out."""
    found: dict[AgentId, list[Replica]] = defaultdict(list)
    if agent_ids:
        for row in connection.execute(_ACTIVE_OF, {"ids": sorted(agent_ids)}):
            found[AgentId(row.agent_id)].append(to_replica(row))
    return found


def to_replica(row: Row[*tuple[Any, ...]]) -> Replica:
    status, heard_at = ReplicaStatus(row.status), row.last_sync_at
    is_waiting = status is ReplicaStatus.LAUNCHING and not is_real_instance(row.instance_id)
    has_failed = status is ReplicaStatus.FAILED
    return Replica(
        id=row.id,
        agent_id=row.agent_id,
        instance_id=row.instance_id,
        replica_type=ReplicaType(row.replica_type),
        pool_id=row.pool_id,
        instance_type=row.instance_type,
        region=row.region,
        zone=row.az,
        status=status,
        is_active=bool(row.is_active),
        created_by=row.created_by,
        parent_instance_id=row.parent_instance_id,
        created_at=row.created_at or _BEFORE_EVERYTHING,
        handed_out_at=heard_at if is_waiting else None,
        launched_at=row.launched_at,
        ready_at=row.ready_at,
        promoted_at=row.promoted_at,
        failed_at=heard_at if has_failed else None,
        terminated_at=row.terminated_at,
        sync_status=SyncStatus(row.sync_status or SyncStatus.INITIALIZING),
        sync_latency_ms=row.sync_latency_ms,
        last_sync_at=None if is_waiting or has_failed else heard_at,
        state_transfer_progress=row.state_transfer_progress or Decimal(0),
        hourly_cost=row.hourly_cost,
        total_cost=row.total_cost or Decimal(0),
        total_runtime_hours=row.total_runtime_hours or Decimal(0),
        signal_type=SignalType(row.interruption_signal_type)
        if row.interruption_signal_type
        else None,
        interruption_detected_at=row.interruption_detected_at,
        termination_at=row.termination_time,
        failover_completed_at=row.failover_completed_at,
        tags=row.tags if isinstance(row.tags, dict) else None,
    )


def _to_row(replica: Replica) -> dict[str, Any]:
    return {
        "id": replica.id,
        "agent_id": replica.agent_id,
        "instance_id": replica.instance_id,
        "replica_type": replica.replica_type,
        "pool_id": replica.pool_id,
        "instance_type": replica.instance_type,
        "region": replica.region,
        "az": replica.zone,
        "status": replica.status,
        "created_at": replica.created_at,
        "launched_at": replica.launched_at,
        "ready_at": replica.ready_at,
        "promoted_at": replica.promoted_at,
        "terminated_at": replica.terminated_at,
        "created_by": replica.created_by,
        "parent_instance_id": replica.parent_instance_id,
        "is_active": replica.is_active,
        "sync_status": replica.sync_status,
        "sync_latency_ms": replica.sync_latency_ms,
        "last_sync_at": replica.failed_at or replica.last_sync_at or replica.handed_out_at,
        "state_transfer_progress": replica.state_transfer_progress,
        "hourly_cost": replica.hourly_cost,
        "total_cost": replica.total_cost,
        "total_runtime_hours": replica.total_runtime_hours,
        "accumulated_cost": replica.total_cost,
        "interruption_signal_type": replica.signal_type,
        "interruption_detected_at": replica.interruption_detected_at,
        "termination_time": replica.termination_at,
        "failover_completed_at": replica.failover_completed_at,
        "tags": None if replica.tags is None else dict(replica.tags),
    }
