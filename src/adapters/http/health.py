from collections.abc import Callable, Sequence
from datetime import UTC

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.routing import get, in_thread
from spot_optimizer.application.admin.queries import HealthProbe
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.decision_engine import EngineInService
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, TransactionLost


class Healthy(Struct):
    status: str
    timestamp: str
    decision_engine_loaded: bool
    database: str


class Unhealthy(Struct):
    status: str
    error: str


class Probe(Struct):
    status: str


def health_handlers(
    *,
    clock: Clock,
    engines: EngineInService,
    database_answers: Joined[None, bool],
    health_probe: HealthProbe,
    stalled_jobs: Callable[[], Sequence[str]],
    is_draining: Callable[[], bool],
) -> list[HTTPRouteHandler]:
    """Probes; nobody has to say who asks."""

    @get("/health")
    async def health() -> Response[Healthy | Unhealthy]:
        """For dashboards and load balancers; without the database it answers 500."""
        if not await database_answers(None):
            return Response(
                Unhealthy(status="unhealthy", error="database unavailable"), status_code=500
            )
        now = clock.now().astimezone(UTC).replace(tzinfo=None)
        return Response(
            Healthy(
                status="healthy",
                timestamp=now.isoformat(),
                decision_engine_loaded=engines.current is not None,
                database="connected",
            )
        )

    @get("/livez")
    async def livez() -> Probe:
        """The process runs; nothing else is asked."""
        return Probe(status="alive")

    @get("/readyz")
    async def readyz() -> Response[Probe]:
        """Requests can be served: the database answers and has its tables, the scheduler of this
        process, if it has one, goes on, and the server is not about to end."""
        if is_draining():
            return Response(Probe(status="draining"), status_code=503)
        if stalled := stalled_jobs():
            return Response(Probe(status=f"stalled: {', '.join(stalled)}"), status_code=503)
        try:
            complete = await in_thread(health_probe.schema_is_complete)
        except (StoreUnavailable, TransactionLost):
            return Response(Probe(status="database unavailable"), status_code=503)
        if complete:
            return Response(Probe(status="ready"))
        return Response(Probe(status="database schema incomplete"), status_code=503)

    return [health, livez, readyz]
