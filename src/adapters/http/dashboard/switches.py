from typing import Self

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.adapters.http.wire import timestamp
from spot_optimizer.application.dashboard.switches import SwitchLine, SwitchViews
from spot_optimizer.domain.identifiers import ClientId

_NO_POOL = "n/a"


class SwitchItem(Struct, rename="camel"):
    id: str
    old_instance_id: str | None
    new_instance_id: str | None
    timestamp: str | None
    from_mode: str | None
    to_mode: str | None
    from_pool: str
    to_pool: str
    trigger: str
    price: float
    savings_impact: float

    @classmethod
    def of(cls, line: SwitchLine) -> Self:
        return cls(
            line.id,
            line.old_instance_id,
            line.new_instance_id,
            timestamp(line.took_place_at or line.recorded_at),
            line.old_mode,
            line.new_mode,
            line.old_pool_id or _NO_POOL,
            line.new_pool_id or _NO_POOL,
            line.trigger,
            float(line.price),
            float(line.impact),
        )


class SwitchRecord(Struct):
    """The same in the words of the agent routes."""

    id: str
    old_instance_id: str | None
    new_instance_id: str | None
    timestamp: str | None
    old_mode: str | None
    new_mode: str | None
    old_pool_id: str | None
    new_pool_id: str | None
    trigger: str
    price: float
    savings_impact: float

    @classmethod
    def of(cls, line: SwitchLine) -> Self:
        return cls(
            line.id,
            line.old_instance_id,
            line.new_instance_id,
            timestamp(line.took_place_at or line.recorded_at),
            line.old_mode,
            line.new_mode,
            line.old_pool_id,
            line.new_pool_id,
            line.trigger,
            float(line.price),
            float(line.impact),
        )


class Switches(Struct):
    switches: list[SwitchRecord]


def dashboard_switch_handlers(
    *, gatekeeper: Gatekeeper, switch_views: SwitchViews
) -> list[HTTPRouteHandler]:
    """Switches as their client sees them."""

    @get("/api/client/{client_id:str}/switch-history")
    async def history(request: AnyRequest, client_id: FromPath[str]) -> list[SwitchItem]:
        caller = await gatekeeper.dashboard(request)
        client = caller.asking_about(ClientId(client_id))
        instance_id = request.query_params.get("instance_id") or None
        lines = await in_thread(switch_views.of_client, client, instance_id)
        return [SwitchItem.of(line) for line in lines]

    @get("/api/client/{client_id:str}/switches")
    async def switches(request: AnyRequest, client_id: FromPath[str]) -> Switches:
        """For the dashboard that customers run (contract/real-agents.md 2)."""
        caller = await gatekeeper.dashboard(request)
        client = caller.asking_about(ClientId(client_id))
        lines = await in_thread(switch_views.of_client, client, None)
        return Switches([SwitchRecord.of(line) for line in lines])

    return [history, switches]
