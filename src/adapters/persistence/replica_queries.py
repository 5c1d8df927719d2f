from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Engine, Row, bindparam, or_, select, true

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.replicas import to_replica
from spot_optimizer.adapters.persistence.tables import agents, replica_instances, spot_pools
from spot_optimizer.application.replicas.queries import ListedReplica
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, ClientId, PoolId
from spot_optimizer.domain.pricing.report import SpotPool, pool_name

_AGENT: Final = select(agents.c.id, agents.c.client_id).where(agents.c.id == bindparam("agent_id"))
_REPLICA: Final = replica_instances.c
_OF: Final = (
    select(
        replica_instances,
        spot_pools.c.pool_name,
        spot_pools.c.instance_type.label("pool_type"),
        spot_pools.c.region.label("pool_region"),
        spot_pools.c.az.label("pool_az"),
    )
    .join_from(replica_instances, spot_pools, spot_pools.c.id == _REPLICA.pool_id, isouter=True)
    .where(_REPLICA.agent_id == bindparam("agent_id"))
    .where(or_(bindparam("ended_too"), _REPLICA.is_active.is_(true())))
    .order_by(_REPLICA.created_at.desc(), _REPLICA.id)
)


class SqlReplicaQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def replicas_of(
        self, agent_id: AgentId, owner: ClientId | None, *, ended_too: bool
    ) -> Sequence[ListedReplica]:
        with reading(self._engine) as connection:
            agent = connection.execute(_AGENT, {"agent_id": agent_id}).one_or_none()
            if agent is None or agent.id != agent_id or owner not in (None, agent.client_id):
                raise AgentNotFound
            rows = connection.execute(_OF, {"agent_id": agent_id, "ended_too": ended_too})
            return [
                ListedReplica(to_replica(row), _pool(row), row.pool_type is not None)
                for row in rows
            ]


def _pool(row: Row[*tuple[Any, ...]]) -> SpotPool:
    """Of the replica itself where its pool is not on record."""
    instance_type = row.pool_type or row.instance_type or ""
    zone = row.pool_az or row.az or ""
    return SpotPool(
        id=PoolId(row.pool_id or ""),
        name=row.pool_name or pool_name(instance_type, zone),
        instance_type=instance_type,
        region=row.pool_region or row.region or "",
        zone=zone,
    )
