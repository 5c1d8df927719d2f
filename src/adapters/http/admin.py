from typing import Self

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.routing import AnyRequest, get
from spot_optimizer.application.admin.queries import Totals
from spot_optimizer.application.ports.decision_engine import EngineInService


class Stats(Struct, rename="camel"):
    total_accounts: int
    agents_online: int
    agents_total: int
    pools_covered: int
    total_savings: float
    total_switches: int
    manual_switches: int
    model_switches: int
    backend_health: str
    decision_engine_loaded: bool
    ml_models_loaded: bool

    @classmethod
    def of(cls, totals: Totals, *, engine_loaded: bool) -> Self:
        return cls(
            total_accounts=totals.accounts,
            agents_online=totals.agents_online,
            agents_total=totals.agents_total,
            pools_covered=totals.active_pools,
            total_savings=float(totals.total_savings),
            total_switches=totals.switches,
            manual_switches=totals.manual_switches,
            model_switches=totals.model_switches,
            backend_health="Healthy" if engine_loaded else "Decision Engine Not Loaded",
            decision_engine_loaded=engine_loaded,
            ml_models_loaded=engine_loaded,
        )


def admin_handlers(
    *,
    gatekeeper: Gatekeeper,
    totals: Joined[None, Totals],
    engines: EngineInService,
) -> list[HTTPRouteHandler]:
    """The operator's overview."""

    @get("/api/admin/stats")
    async def stats(request: AnyRequest) -> Stats:
        await gatekeeper.operator_only(request)
        return Stats.of(await totals(None), engine_loaded=engines.current is not None)

    return [stats]
