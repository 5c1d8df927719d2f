from collections.abc import Callable
from typing import Final

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.batching import same_for_all
from spot_optimizer.adapters.http.routing import AnyRequest, get

_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


def metrics_handlers(
    *, gatekeeper: Gatekeeper, exposition: Callable[[], bytes], scraper_token: str | None
) -> list[HTTPRouteHandler]:
    """Figures for Prometheus."""
    rendered = same_for_all(exposition)

    @get("/metrics")
    async def metrics(request: AnyRequest) -> Response[bytes]:
        """Figures of all worker processes and of the fleet, in Prometheus' text format; for the
        operator, and for whoever presents METRICS_TOKEN."""
        await gatekeeper.operator_or(request, scraper_token)
        return Response(await rendered(None), media_type=_TEXT)

    return [metrics]
