"""Who asks, and how those who ask together are answered."""

from __future__ import annotations

from functools import partial

from dependency_injector import providers

from spot_optimizer.adapters.http.access import AdminAuth, Gatekeeper, OperatorAccess
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.session_cookie import SessionCookie
from spot_optimizer.adapters.persistence.credentials import SqlCredentials
from spot_optimizer.application.authenticate import Authenticate, RecordRefusedCredentials
from spot_optimizer.application.remembered_owners import RememberedOwners
from spot_optimizer.application.sessions.open_sessions import OpenSessions
from spot_optimizer.wiring.foundation import Foundation
from spot_optimizer.wiring.questions import (
    all_listed_for_callers,
    credentials_for_polls,
    joined_for_callers,
    listed_for_callers,
)
from spot_optimizer.wiring.stores import make_admin_token


class Access(Foundation):
    admin_token = providers.Singleton(make_admin_token, settings=Foundation.settings)
    operator_access = providers.Singleton(
        OperatorAccess,
        token_sha256=admin_token,
        mode=providers.Callable(AdminAuth, Foundation.settings.provided.admin_auth),
    )
    credentials = providers.Singleton(SqlCredentials, engine=Foundation.reading_engine)
    remembered_owners = providers.Singleton(
        RememberedOwners, credentials=credentials, stopwatch=Foundation.stopwatch
    )
    authenticate = providers.Singleton(Authenticate, credentials=credentials)
    sessions = providers.Singleton(OpenSessions, cache=Foundation.cache, token_sha256=admin_token)
    session_cookie = providers.Singleton(SessionCookie, sessions=sessions)
    gatekeeper = providers.Singleton(
        Gatekeeper,
        authenticate=providers.Singleton(Joined, authenticate),
        refused=Foundation.transactional(RecordRefusedCredentials),
        operator=operator_access,
        session=session_cookie,
    )
    joined_for_polls = partial(
        joined_for_callers,
        providers.Singleton(
            Authenticate,
            credentials=providers.Singleton(
                credentials_for_polls, credentials, remembered_owners, Foundation.compatibility
            ),
        ),
    )
    joined_for_callers = partial(joined_for_callers, authenticate)
    listed_for_callers = partial(listed_for_callers, authenticate)
    all_listed_for_callers = partial(all_listed_for_callers, authenticate)
