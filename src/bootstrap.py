"""Everything put together, out of what `wiring` makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dependency_injector import providers
from litestar import Litestar

from spot_optimizer.adapters.http.admin_jobs import admin_job_handlers
from spot_optimizer.adapters.http.app import HttpSettings, make_http_app
from spot_optimizer.adapters.http.batching import same_for_all
from spot_optimizer.adapters.http.documentation.pages import documentation_handlers
from spot_optimizer.adapters.http.health import health_handlers
from spot_optimizer.adapters.http.metrics import metrics_handlers
from spot_optimizer.adapters.metrics.exposition import Exposition
from spot_optimizer.adapters.metrics.sharing import SharedFigures
from spot_optimizer.adapters.persistence.fleet_figure_queries import SqlFleetFigureQueries
from spot_optimizer.adapters.persistence.job_runs import SqlJobRunQueries
from spot_optimizer.settings import Settings
from spot_optimizer.wiring.access import Access
from spot_optimizer.wiring.agent_routes import AgentRoutes
from spot_optimizer.wiring.dashboard_routes import DashboardRoutes
from spot_optimizer.wiring.foundation import Foundation
from spot_optimizer.wiring.jobs import BackgroundJobs
from spot_optimizer.wiring.models import Models
from spot_optimizer.wiring.operator_routes import OperatorRoutes


class Container(AgentRoutes, OperatorRoutes, BackgroundJobs):
    figures_dir: providers.Object[Path | None] = providers.Object(None)
    is_draining: providers.Object[Callable[[], bool]] = providers.Object(lambda: False)
    shared_figures = providers.Singleton(
        SharedFigures, registry=Foundation.instruments.provided.registry, directory=figures_dir
    )
    http = providers.List(
        *AgentRoutes.agent_routes,
        *OperatorRoutes.operator_routes,
        *DashboardRoutes.dashboard_routes,
        providers.Singleton(
            admin_job_handlers, gatekeeper=Access.gatekeeper, list_jobs=BackgroundJobs.list_jobs
        ),
        providers.Singleton(documentation_handlers),
        providers.Singleton(
            health_handlers,
            clock=Foundation.clock,
            engines=Models.engines,
            database_answers=providers.Singleton(
                same_for_all, Foundation.health_probe.provided.database_answers
            ),
            health_probe=Foundation.health_probe,
            stalled_jobs=BackgroundJobs.pulse.provided.stalled,
            is_draining=is_draining,
        ),
        providers.Singleton(
            metrics_handlers,
            gatekeeper=Access.gatekeeper,
            exposition=providers.Singleton(
                Exposition,
                shared=shared_figures,
                fleet=providers.Singleton(SqlFleetFigureQueries, engine=Foundation.reading_engine),
                jobs=providers.Singleton(SqlJobRunQueries, engine=Foundation.reading_engine),
                clock=Foundation.clock,
            ),
            scraper_token=Foundation.settings.provided.metrics_token,
        ),
    )


def create_app(
    figures_dir: Path | None = None, is_draining: Callable[[], bool] = lambda: False
) -> Litestar:
    """uvicorn spot_optimizer.bootstrap:create_app --factory

    Processes with the same directory for their figures answer with those of all of them. One
    that is draining is about to end, and sends its callers away.
    """
    container = Container(
        settings=Settings.from_environment(), figures_dir=figures_dir, is_draining=is_draining
    )
    return web_app(container, on_start=container.record_start())


def web_app(container: Container, on_start: Callable[[], None] = lambda: None) -> Litestar:
    settings = container.settings()

    has_jobs = settings.redis_url is None and bool(container.jobs())

    def start() -> None:
        container.engine_watch().start()
        container.shared_figures().start()
        on_start()
        if has_jobs:
            container.embedded_jobs().start()

    def stop() -> None:
        if has_jobs:
            container.embedded_jobs().stop()
        container.engine_watch().stop()
        container.shared_figures().stop()
        container.reading_engine().dispose()
        container.exporting_engine().dispose()
        container.engine().dispose()

    app = make_http_app(
        [handler for feature in container.http() for handler in feature],
        container.gatekeeper(),
        container.cache(),
        HttpSettings(
            request_threads=settings.db_pool_size,
            largest_body_bytes=settings.max_upload_bytes,
            allowed_origins=[origin.strip() for origin in settings.cors_allow_origins.split(",")],
        ),
        on_startup=start,
        on_shutdown=stop,
        on_answer=container.instruments().request_answered,
        is_draining=container.is_draining(),
    )
    if settings.otel_exporter_otlp_endpoint:
        from spot_optimizer.adapters.http.tracing import Tracing

        tracing = Tracing(settings.otel_exporter_otlp_endpoint)
        app.asgi_handler = tracing.around(app.asgi_handler)
        app.on_shutdown.append(tracing.stop)
    return app
