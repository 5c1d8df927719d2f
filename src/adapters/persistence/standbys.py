from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select

from spot_optimizer.adapters.persistence.replicas import is_live
from spot_optimizer.adapters.persistence.tables import agents, replica_instances
from spot_optimizer.domain.agents.instances import Standby
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId, ReplicaId

_COLUMNS: Final = (
    replica_instances.c.id,
    replica_instances.c.agent_id,
    replica_instances.c.instance_id,
    replica_instances.c.replica_type,
    replica_instances.c.status,
)
_ON_INSTANCE: Final = (
    select(*_COLUMNS)
    .join(agents, agents.c.id == replica_instances.c.agent_id)
    .where(agents.c.client_id == bindparam("client_id"))
    .where(replica_instances.c.instance_id == bindparam("instance_id"))
    .where(is_live())
    .order_by(replica_instances.c.created_at.desc(), replica_instances.c.id)
    .limit(1)
)
_OF: Final = (
    select(*_COLUMNS)
    .where(replica_instances.c.agent_id.in_(bindparam("ids", expanding=True)))
    .where(is_live())
)


class SqlStandbyRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def on_instance(self, client_id: ClientId, instance_id: InstanceId) -> Standby | None:
        row = self._connection.execute(
            _ON_INSTANCE, {"client_id": client_id, "instance_id": instance_id}
        ).one_or_none()
        return None if row is None or row.instance_id != instance_id else _to_standby(row)

    def of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Sequence[Standby]]:
        found: dict[AgentId, list[Standby]] = defaultdict(list)
        if agent_ids:
            for row in self._connection.execute(_OF, {"ids": sorted(agent_ids)}):
                found[AgentId(row.agent_id)].append(_to_standby(row))
        return found


def _to_standby(row: Row[*tuple[Any, ...]]) -> Standby:
    return Standby(
        replica_id=ReplicaId(row.id),
        agent_id=AgentId(row.agent_id),
        instance_id=InstanceId(row.instance_id),
        replica_type=row.replica_type,
        status=row.status,
    )
