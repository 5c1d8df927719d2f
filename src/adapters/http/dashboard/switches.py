from collections.abc import Sequence
from functools import partial
from typing import Self

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.dashboard.lists import WrittenList
from spot_optimizer.adapters.http.dashboard.pages import link_to_next, page_of
from spot_optimizer.adapters.http.routing import AnyRequest, get
from spot_optimizer.adapters.http.wire import timestamp
from spot_optimizer.application.authenticate import Asked
from spot_optimizer.application.dashboard.questions import ClientQuestion
from spot_optimizer.application.dashboard.switches import NEWEST_SWITCHES, SwitchLine
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
    *,
    gatekeeper: Gatekeeper,
    histories: Joined[Asked[ClientQuestion], WrittenList[SwitchLine]],
    switch_lists: Joined[Asked[ClientQuestion], Sequence[SwitchLine]],
) -> list[HTTPRouteHandler]:
    """Switches as their client sees them."""

    @get("/api/client/{client_id:str}/switch-history")
    async def history(request: AnyRequest, client_id: FromPath[str]) -> Response[bytes]:
        page = page_of(request)
        wanted = (request.query_params.get("instance_id") or None, page or NEWEST_SWITCHES)
        question = partial(ClientQuestion, ClientId(client_id), wanted)
        listed = await gatekeeper.ask_at_dashboard(request, histories, question)
        return listed.response(link_to_next(request, page, listed.lines) if page else None)

    @get("/api/client/{client_id:str}/switches")
    async def switches(request: AnyRequest, client_id: FromPath[str]) -> Switches:
        """For the dashboard that customers run (contract/real-agents.md 2)."""
        question = partial(ClientQuestion, ClientId(client_id), (None, NEWEST_SWITCHES))
        lines = await gatekeeper.ask_at_dashboard(request, switch_lists, question)
        return Switches([SwitchRecord.of(line) for line in lines])

    return [history, switches]


def switch_items(lines: Sequence[SwitchLine]) -> list[SwitchItem]:
    return [SwitchItem.of(line) for line in lines]
