from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.clients import ClientItem
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.application.dashboard.clients import ClientViews
from spot_optimizer.domain.identifiers import ClientId


def dashboard_client_handlers(
    *, gatekeeper: Gatekeeper, client_views: ClientViews
) -> list[HTTPRouteHandler]:
    """Clients as they see themselves."""

    @get("/api/client/{client_id:str}")
    async def overview(request: AnyRequest, client_id: FromPath[str]) -> ClientItem:
        caller = await gatekeeper.dashboard(request)
        client = caller.asking_about(ClientId(client_id))
        return ClientItem.of(await in_thread(client_views.overview, client))

    return [overview]
