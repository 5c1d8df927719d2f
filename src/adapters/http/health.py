from datetime import UTC

from litestar import Controller, Response
from msgspec import Struct

from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.routing import Given, get, get_joined
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


class HealthController(Controller):
    tags = ("health",)

    @get_joined("/health")
    async def health(
        self,
        clock: Given[Clock],
        engines: Given[EngineInService],
        database_answers: Given[Joined[None, bool]],
    ) -> Response[Healthy | Unhealthy]:
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

    @get_joined("/livez")
    async def livez(self) -> Probe:
        """The process runs; nothing else is asked."""
        return Probe(status="alive")

    @get("/readyz")
    def readyz(self, health_probe: Given[HealthProbe]) -> Response[Probe]:
        """Requests can be served: the database answers and has its tables."""
        try:
            if health_probe.schema_is_complete():
                return Response(Probe(status="ready"))
        except (StoreUnavailable, TransactionLost):
            return Response(Probe(status="database unavailable"), status_code=503)
        return Response(Probe(status="database schema incomplete"), status_code=503)
