"""What operators ask."""

from __future__ import annotations

from dependency_injector import providers

from spot_optimizer.adapters.http.admin import admin_handlers
from spot_optimizer.adapters.http.admin_clients import admin_client_handlers
from spot_optimizer.adapters.http.admin_fleet import admin_fleet_handlers
from spot_optimizer.adapters.http.batching import same_for_all
from spot_optimizer.adapters.http.built_dashboard import dashboard_handlers
from spot_optimizer.adapters.http.clients import client_handlers
from spot_optimizer.adapters.http.models import model_handlers
from spot_optimizer.adapters.http.sessions import session_handlers
from spot_optimizer.adapters.http.system_health import system_health_handlers
from spot_optimizer.adapters.persistence.client_queries import SqlClientQueries
from spot_optimizer.adapters.persistence.fleet_queries import SqlFleetQueries
from spot_optimizer.adapters.system import SecretTokens
from spot_optimizer.application.admin.inspect_system import InspectSystem
from spot_optimizer.application.clients.create_client import CreateClient
from spot_optimizer.application.clients.delete_client import DeleteClient
from spot_optimizer.application.clients.regenerate_token import RegenerateToken
from spot_optimizer.application.clients.show_token import ShowToken
from spot_optimizer.application.models.upload_engine import UploadEngine
from spot_optimizer.application.models.upload_models import UploadModels
from spot_optimizer.application.sessions.attempts import Attempts
from spot_optimizer.application.sessions.log_in import LogIn
from spot_optimizer.application.sessions.log_out import LogOut
from spot_optimizer.wiring.access import Access
from spot_optimizer.wiring.foundation import Foundation
from spot_optimizer.wiring.models import Models


class OperatorRoutes(Access, Models):
    operator_routes = (
        providers.Singleton(
            admin_handlers,
            gatekeeper=Access.gatekeeper,
            totals=providers.Singleton(same_for_all, Foundation.admin_queries.provided.totals),
            engines=Models.engines,
        ),
        providers.Singleton(
            admin_client_handlers,
            gatekeeper=Access.gatekeeper,
            queries=Foundation.admin_queries,
            delete_client=Foundation.compatible(DeleteClient, remembered=Access.remembered_owners),
            regenerate_token=Foundation.transactional(
                RegenerateToken,
                tokens=providers.Singleton(SecretTokens),
                remembered=Access.remembered_owners,
            ),
        ),
        providers.Singleton(
            admin_fleet_handlers,
            gatekeeper=Access.gatekeeper,
            queries=providers.Singleton(
                SqlFleetQueries,
                engine=Foundation.reading_engine,
                compatibility=Foundation.compatibility,
            ),
            clock=Foundation.clock,
        ),
        providers.Singleton(
            client_handlers,
            gatekeeper=Access.gatekeeper,
            create_client=Foundation.transactional(
                CreateClient,
                identifiers=Foundation.identifiers,
                tokens=providers.Singleton(SecretTokens),
            ),
            client_lines=providers.Singleton(
                same_for_all, Foundation.admin_queries.provided.clients
            ),
            show_token=Foundation.transactional(ShowToken),
            client_queries=providers.Singleton(SqlClientQueries, engine=Foundation.reading_engine),
        ),
        providers.Singleton(
            model_handlers,
            gatekeeper=Access.gatekeeper,
            upload_models=Foundation.compatible(
                UploadModels,
                identifiers=Foundation.identifiers,
                files=Models.model_files,
                one_at_a_time=Models.one_upload_at_a_time,
                loader=Models.loader,
                announcer=Models.announcer,
                unsafe=Foundation.settings.provided.allow_unsafe_uploads,
            ),
            upload_engine=Foundation.transactional(
                UploadEngine,
                files=Models.engine_files,
                one_at_a_time=Models.one_upload_at_a_time,
                loader=Models.loader,
                engines=Models.engines,
                unsafe=Foundation.settings.provided.allow_unsafe_uploads,
            ),
            serve_models=Models.serve_models,
            queries=Models.model_queries,
        ),
        providers.Singleton(
            system_health_handlers,
            gatekeeper=Access.gatekeeper,
            inspect_system=providers.Singleton(
                InspectSystem,
                probe=Foundation.health_probe,
                queries=Models.model_queries,
                model_files=Models.model_files,
                engine_files=Models.engine_files,
            ),
            engines=Models.engines,
            clock=Foundation.clock,
            pool_size=Foundation.settings.provided.db_pool_size,
        ),
        providers.Singleton(
            session_handlers,
            gatekeeper=Access.gatekeeper,
            cookie=Access.session_cookie,
            log_in=Foundation.transactional(
                LogIn,
                identifiers=Foundation.identifiers,
                tokens=providers.Singleton(SecretTokens),
                sessions=Access.sessions,
                attempts=providers.Singleton(
                    Attempts, cache=Foundation.cache, token_sha256=Access.admin_token
                ),
                opens=Access.operator_access.provided.opens,
            ),
            log_out=Foundation.transactional(LogOut, sessions=Access.sessions),
            has_dashboard=providers.Callable(bool, Foundation.settings.provided.dashboard_dir),
        ),
        providers.Singleton(
            dashboard_handlers,
            gatekeeper=Access.gatekeeper,
            directory=Foundation.settings.provided.dashboard_dir,
        ),
    )
