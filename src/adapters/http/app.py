import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.handlers import HTTPRouteHandler

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.answers import JsonAnswer
from spot_optimizer.adapters.http.errors import EXCEPTION_HANDLERS
from spot_optimizer.adapters.http.idempotency import Idempotency
from spot_optimizer.adapters.http.paths import ExactPaths
from spot_optimizer.adapters.http.tracking import Tracked
from spot_optimizer.application.ports.cache import Cache

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    request_threads: int
    largest_body_bytes: int
    allowed_origins: Sequence[str]


def make_http_app(
    handlers: Sequence[HTTPRouteHandler],
    gatekeeper: Gatekeeper,
    cache: Cache,
    settings: HttpSettings,
    *,
    on_startup: Callable[[], None],
    on_shutdown: Callable[[], None],
    on_answer: Callable[[str, str, int, float], None],
    is_draining: Callable[[], bool],
) -> Litestar:
    """Serves the handlers; what is common to all requests is decided here."""

    @asynccontextmanager
    async def threads(_: Litestar) -> AsyncIterator[None]:
        executor = ThreadPoolExecutor(settings.request_threads, thread_name_prefix="request")
        asyncio.get_running_loop().set_default_executor(executor)
        on_startup()
        try:
            yield
        finally:
            on_shutdown()

    app = Litestar(
        handlers,
        exception_handlers=EXCEPTION_HANDLERS,
        response_class=JsonAnswer,
        middleware=[
            ExactPaths,
            lambda app: Idempotency(app, gatekeeper, cache, settings.largest_body_bytes),
        ],
        cors_config=CORSConfig(
            allow_origins=list(settings.allowed_origins),
            # Of everybody's page a browser would have to keep the cookie from (ruling R1).
            allow_credentials="*" not in settings.allowed_origins,
        ),
        request_max_body_size=settings.largest_body_bytes,
        lifespan=[threads],
        logging_config=None,
        openapi_config=None,
    )
    app.asgi_handler = Tracked(app.asgi_handler, on_answer, is_draining)
    return app
