"""How questions that arrive together reach those who answer them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dependency_injector import providers

from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.dashboard.lists import (
    WrittenList,
    WrittenUntilNews,
    all_written,
    written,
)
from spot_optimizer.adapters.http.dashboard.switches import (
    switch_items,
)
from spot_optimizer.adapters.persistence.dashboard.switches import SqlSwitchViews
from spot_optimizer.application.authenticate import (
    Authenticate,
    ForCallers,
)
from spot_optimizer.application.dashboard.questions import all_asked_together, each_asked_once
from spot_optimizer.application.dashboard.switches import SwitchLine
from spot_optimizer.application.ports.credentials import Credentials
from spot_optimizer.application.remembered_owners import RememberedOwners
from spot_optimizer.domain.compatibility import Compatibility


def listed_for_callers(
    authenticate: providers.Provider[Authenticate],
    view: providers.Provider[Any],
) -> providers.Provider[Any]:
    return joined_for_callers(authenticate, providers.Singleton(each_asked_once, view))


def all_listed_for_callers(
    authenticate: providers.Provider[Authenticate],
    view: providers.Provider[Any],
    answered_as: Callable[[Any], Any],
) -> providers.Provider[Any]:
    together = providers.Singleton(all_written, view, answered_as)
    return joined_for_callers(authenticate, providers.Singleton(all_asked_together, together))


def credentials_for_polls(
    credentials: Credentials, remembered: RememberedOwners, compatibility: Compatibility
) -> Credentials:
    return credentials if compatibility.rows_change_beneath else remembered


def switch_histories(
    views: SqlSwitchViews, compatibility: Compatibility
) -> Callable[..., WrittenList[SwitchLine]]:
    write = written(views.of_client, switch_items)
    return write if compatibility.rows_change_beneath else WrittenUntilNews(write, views.edition_of)


def joined_for_callers(
    authenticate: providers.Provider[Authenticate],
    use_case: providers.Provider[Any],
    **how: object,
) -> providers.Provider[Any]:
    for_callers = providers.Singleton(ForCallers, authenticate=authenticate, use_case=use_case)
    return providers.Singleton(Joined, for_callers, **how)
