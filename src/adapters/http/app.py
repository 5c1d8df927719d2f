import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.di import Provide

from spot_optimizer.adapters.http.access import caller, operator
from spot_optimizer.adapters.http.admin import AdminController
from spot_optimizer.adapters.http.agents import AgentController, registering_client
from spot_optimizer.adapters.http.clients import ClientController
from spot_optimizer.adapters.http.commands import CommandController
from spot_optimizer.adapters.http.decisions import DecisionController
from spot_optimizer.adapters.http.errors import EXCEPTION_HANDLERS
from spot_optimizer.adapters.http.health import HealthController
from spot_optimizer.adapters.http.idempotency import Idempotency
from spot_optimizer.adapters.http.interruptions import InterruptionController
from spot_optimizer.adapters.http.paths import ExactPaths
from spot_optimizer.adapters.http.pricing import PricingController
from spot_optimizer.adapters.http.switching import SwitchingController
from spot_optimizer.application.ports.cache import Cache

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    request_threads: int
    largest_body_bytes: int
    allowed_origins: Sequence[str]


def make_http_app(
    collaborators: Mapping[str, object],
    cache: Cache,
    settings: HttpSettings,
    *,
    on_startup: Callable[[], None],
    on_shutdown: Callable[[], None],
) -> Litestar:
    """A handler gets the collaborators it names as parameters."""

    @asynccontextmanager
    async def threads(_: Litestar) -> AsyncIterator[None]:
        executor = ThreadPoolExecutor(settings.request_threads, thread_name_prefix="request")
        asyncio.get_running_loop().set_default_executor(executor)
        on_startup()
        try:
            yield
        finally:
            on_shutdown()

    return Litestar(
        [
            AdminController,
            AgentController,
            ClientController,
            CommandController,
            DecisionController,
            HealthController,
            InterruptionController,
            PricingController,
            SwitchingController,
        ],
        dependencies={
            "caller": Provide(caller),
            "operator": Provide(operator),
            "registering_client": Provide(registering_client),
            **{name: _given(thing) for name, thing in collaborators.items()},
        },
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[ExactPaths, lambda app: Idempotency(app, cache)],
        cors_config=CORSConfig(allow_origins=list(settings.allowed_origins)),
        request_max_body_size=settings.largest_body_bytes,
        lifespan=[threads],
        logging_config=None,
        openapi_config=None,
    )


def _given(thing: object) -> Provide:
    return Provide(lambda: thing, sync_to_thread=False)
