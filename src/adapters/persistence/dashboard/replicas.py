from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine, bindparam, select

from spot_optimizer.adapters.persistence.dashboard.pages import asked_of, comes_after
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import (
    agents,
    instances,
    replica_instances,
    spot_pools,
)
from spot_optimizer.application.dashboard.paging import Page
from spot_optimizer.application.dashboard.replicas import ReplicaLine
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.identifiers import ClientId

_OF_CLIENT: Final = (
    select(
        replica_instances.c.id,
        replica_instances.c.agent_id,
        replica_instances.c.instance_id,
        replica_instances.c.replica_type,
        replica_instances.c.status,
        replica_instances.c.sync_status,
        replica_instances.c.sync_latency_ms,
        replica_instances.c.state_transfer_progress,
        replica_instances.c.hourly_cost,
        replica_instances.c.total_cost,
        replica_instances.c.created_by,
        replica_instances.c.created_at,
        replica_instances.c.ready_at,
        replica_instances.c.terminated_at,
        replica_instances.c.is_active,
        replica_instances.c.pool_id,
        spot_pools.c.pool_name,
        spot_pools.c.instance_type.label("pool_type"),
        spot_pools.c.region.label("pool_region"),
        spot_pools.c.az.label("pool_zone"),
        agents.c.instance_id.label("primary_instance_id"),
        instances.c.instance_type.label("primary_type"),
        instances.c.region.label("primary_region"),
        instances.c.az.label("primary_zone"),
        instances.c.current_mode.label("primary_mode"),
    )
    .join(agents, agents.c.id == replica_instances.c.agent_id)
    .join(spot_pools, spot_pools.c.id == replica_instances.c.pool_id, isouter=True)
    .join(instances, instances.c.id == agents.c.instance_id, isouter=True)
    .where(agents.c.client_id == bindparam("client_id"))
    .where(replica_instances.c.is_active.is_(True))
    .where(replica_instances.c.status.not_in(["promoted", "terminated"]))
    .order_by(replica_instances.c.created_at.desc(), replica_instances.c.id)
)

_PAGE: Final = _OF_CLIENT.where(
    comes_after(replica_instances.c.created_at, replica_instances.c.id)
).limit(bindparam("limit"))


class SqlReplicaViews:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def of_client(self, client_id: ClientId, page: Page | None) -> Sequence[ReplicaLine]:
        asked: dict[str, object] = {"client_id": client_id}
        with reading(self._engine) as connection:
            if page is None:
                rows = connection.execute(_OF_CLIENT, asked).mappings()
            else:
                rows = connection.execute(_PAGE, {**asked, **asked_of(page)}).mappings()
            return [ReplicaLine(**row) for row in rows]
