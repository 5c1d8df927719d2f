"""`spot-optimizer models`: models on trial, as the server puts them before they go into service."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import msgspec
from rich.console import Console

from spot_optimizer.adapters.persistence.market_history import SqlMarketHistory
from spot_optimizer.application.ports.model_files import ModelFilesUnavailable
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from spot_optimizer.backtest.placing import Models
from spot_optimizer.backtest.server_history import server_traces
from spot_optimizer.backtest.session_models import models_of, prior
from spot_optimizer.backtest.traces import Trace
from spot_optimizer.backtest.trial import drift as drift_of
from spot_optimizer.backtest.trial import judged
from spot_optimizer.bootstrap import Container
from spot_optimizer.cli.configuration import settings_from
from spot_optimizer.cli.databases import parse, place
from spot_optimizer.cli.failures import DATABASE_UNUSABLE, FAILED, WRONG_SETTING, Failure
from spot_optimizer.domain.errors import NotFound
from spot_optimizer.domain.models.gate import Drift, Verdict
from spot_optimizer.domain.models.sessions import ModelSession, ModelSessions

T = TypeVar("T")

_LOOK_BACK: Final = timedelta(days=30)


def judge(session_id: str, against: str | None, *, as_json: bool) -> None:
    """Prints the verdict.

    Raises:
        Failure: there is no such session, or it cannot be judged.
    """
    verdict = _in_container(lambda container: _verdict(container, session_id, against))
    if as_json:
        _print_json(verdict)
    elif verdict is None:
        Console().print("It holds no placement model: there is nothing to judge")
    else:
        Console().print(verdict.reason, soft_wrap=True, markup=False)
        Console().print("Passed" if verdict.passes else "Failed")


def drift(session_id: str, since: str, *, as_json: bool) -> None:
    """Prints how the models have done since.

    Raises:
        Failure: there is no such session, or nothing can be said of it.
    """
    try:
        moment = datetime.fromisoformat(since)
    except ValueError as error:
        raise Failure(f"--since {since}: is no ISO 8601 time", WRONG_SETTING) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    found = _in_container(lambda container: _drift(container, session_id, moment))
    if as_json:
        _print_json(found)
    else:
        told = "Too little has come true" if found is None else str(found)
        Console().print(told, soft_wrap=True, markup=False)


def _verdict(container: Container, session_id: str, against: str | None) -> Verdict | None:
    sessions = ModelSessions(tuple(container.model_queries().sessions()))
    candidate = _models(container, sessions.find(session_id))
    if candidate is None:
        return None
    champion = None if against is None else _models(container, sessions.find(against))
    return judged(candidate, champion or prior(), _recorded(container))


def _drift(container: Container, session_id: str, since: datetime) -> Drift | None:
    sessions = ModelSessions(tuple(container.model_queries().sessions()))
    live = _models(container, sessions.find(session_id))
    if live is None:
        return None
    return drift_of(live, _recorded(container), since.timestamp())


def _recorded(container: Container) -> list[Trace]:
    history = SqlMarketHistory(container.reading_engine())
    return list(server_traces(history.since(container.clock().now() - _LOOK_BACK)))


def _models(container: Container, session: ModelSession) -> Models | None:
    return models_of(session, container.model_files())


def _in_container(answer: Callable[[Container], T]) -> T:
    settings = settings_from()
    container = Container(settings=settings)
    try:
        return answer(container)
    except (NotFound, ModelFilesUnavailable) as error:
        raise Failure(str(error), FAILED) from error
    except StoreUnavailable as error:
        where = place(parse(settings.database_url))
        raise Failure(f"Cannot reach the database at {where}", DATABASE_UNUSABLE) from error
    finally:
        container.reading_engine().dispose()


def _print_json(found: Verdict | Drift | None) -> None:
    Console(soft_wrap=True).file.write(msgspec.json.encode({"found": found}).decode() + "\n")
