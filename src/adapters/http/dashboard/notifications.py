from typing import Self

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.agents import Success
from spot_optimizer.adapters.http.dashboard.fields import form, limited
from spot_optimizer.adapters.http.dashboard.pages import link_to_next, page_of
from spot_optimizer.adapters.http.reading import NO_STRING
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread, post
from spot_optimizer.adapters.http.wire import invalid, timestamp
from spot_optimizer.application.dashboard.notifications import (
    NotificationLine,
    NotificationViews,
)
from spot_optimizer.application.dashboard.paging import Page
from spot_optimizer.application.notifications.mark_read import MarkRead
from spot_optimizer.domain.identifiers import ClientId, NotificationId

_SHOWN_UNASKED = 10
_MOST_SHOWN = 1000


class NotificationItem(Struct, rename="camel"):
    id: str
    message: str
    severity: str
    is_read: bool | None
    time: str | None

    @classmethod
    def of(cls, line: NotificationLine) -> Self:
        return cls(line.id, line.message, line.severity, line.is_read, timestamp(line.created_at))


def notification_handlers(
    *, gatekeeper: Gatekeeper, notification_views: NotificationViews, mark_read: MarkRead
) -> list[HTTPRouteHandler]:
    """What clients are told, and that they have seen it."""

    @get("/api/notifications")
    async def newest(request: AnyRequest) -> Response[list[NotificationItem]]:
        caller = await gatekeeper.dashboard(request)
        wanted = request.query_params.get("client_id") or caller.owner
        whose = None if wanted is None else caller.asking_about(ClientId(wanted))
        page = page_of(request, asked_by=("cursor",))
        shown = page or Page(limited(request, "limit", _SHOWN_UNASKED, 0, _MOST_SHOWN))
        lines = await in_thread(notification_views.newest, whose, shown)
        more = link_to_next(request, page, lines) if page else {}
        return Response([NotificationItem.of(line) for line in lines], headers=more)

    @post("/api/notifications/{notification_id:str}/mark-read")
    async def mark_one(request: AnyRequest, notification_id: FromPath[str]) -> Success:
        caller = await gatekeeper.dashboard(request)
        await in_thread(mark_read.one, NotificationId(notification_id), caller)
        return Success()

    @post("/api/notifications/mark-all-read")
    async def mark_all(request: AnyRequest) -> Success:
        caller = await gatekeeper.dashboard(request)
        wanted = (await form(request)).get("client_id")
        if wanted is not None and not isinstance(wanted, str):
            raise invalid({"client_id": [NO_STRING]})
        await in_thread(mark_read.all, ClientId(wanted) if wanted else None, caller)
        return Success()

    return [newest, mark_one, mark_all]
