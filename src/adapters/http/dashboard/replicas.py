from typing import Self

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct, field

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.dashboard.pages import link_to_next, page_of
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.adapters.http.wire import timestamp
from spot_optimizer.application.dashboard.replicas import ReplicaLine, ReplicaViews
from spot_optimizer.domain.identifiers import ClientId


class Primary(Struct, rename="camel"):
    instance_id: str | None
    instance_type: str | None
    region: str | None
    az: str | None
    mode: str | None


class ReplicaPool(Struct):
    id: str
    name: str | None
    instance_type: str | None
    region: str | None
    az: str | None


class ReplicaCost(Struct):
    hourly: float | None
    total: float


class Replica(Struct):
    id: str
    instance_id: str = field(name="instanceId")
    type: str
    status: str
    sync_status: str | None
    sync_latency_ms: int | None
    state_transfer_progress: float
    pool: ReplicaPool | None
    cost: ReplicaCost
    created_by: str | None
    created_at: str | None
    ready_at: str | None
    terminated_at: str | None
    is_active: bool


class ReplicaItem(Struct, rename="camel"):
    agent_id: str
    primary: Primary
    replica: Replica

    @classmethod
    def of(cls, line: ReplicaLine) -> Self:
        return cls(
            agent_id=line.agent_id,
            primary=Primary(
                instance_id=line.primary_instance_id,
                instance_type=line.primary_type,
                region=line.primary_region,
                az=line.primary_zone,
                mode=line.primary_mode,
            ),
            replica=Replica(
                id=line.id,
                instance_id=line.instance_id,
                type=line.replica_type,
                status=line.status,
                sync_status=line.sync_status,
                sync_latency_ms=line.sync_latency_ms,
                state_transfer_progress=float(line.state_transfer_progress or 0),
                pool=_pool(line),
                cost=ReplicaCost(
                    hourly=float(line.hourly_cost) if line.hourly_cost else None,
                    total=float(line.total_cost or 0),
                ),
                created_by=line.created_by,
                created_at=timestamp(line.created_at),
                ready_at=timestamp(line.ready_at),
                terminated_at=timestamp(line.terminated_at),
                is_active=line.is_active,
            ),
        )


def dashboard_replica_handlers(
    *, gatekeeper: Gatekeeper, replica_views: ReplicaViews
) -> list[HTTPRouteHandler]:
    """Replicas as their client sees them."""

    @get("/api/client/{client_id:str}/replicas")
    async def replicas(
        request: AnyRequest, client_id: FromPath[str]
    ) -> Response[list[ReplicaItem]]:
        caller = await gatekeeper.dashboard(request)
        client, page = caller.asking_about(ClientId(client_id)), page_of(request)
        lines = await in_thread(replica_views.of_client, client, page)
        more = link_to_next(request, page, lines) if page else {}
        return Response([ReplicaItem.of(line) for line in lines], headers=more)

    return [replicas]


def _pool(line: ReplicaLine) -> ReplicaPool | None:
    if line.pool_id is None:
        return None
    return ReplicaPool(
        id=line.pool_id,
        name=line.pool_name,
        instance_type=line.pool_type,
        region=line.pool_region,
        az=line.pool_zone,
    )
