"""MariaDB goes away and comes back: clear answers meanwhile, nothing half-written, no restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import event, make_url

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER_TOKEN,
    PAGES,
    Answer,
    Api,
    Json,
    Store,
    a_registration,
    a_shared_store,
    an_api,
    at_once,
    is_admin,
    is_failure_of_ours,
    routes_of,
)
from tests.services import MARIADB_HOST, MARIADB_PORT, require_mariadb
from tests.tcp_proxy import TcpProxy, a_proxy_to

UNAVAILABLE = {"error": "Database unavailable"}
SWITCH: Json = {
    "old_instance": {"instance_id": "i-1", "mode": "spot"},
    "new_instance": {"instance_id": "i-2", "mode": "spot"},
    "prices": {"on_demand": 0.04, "old_spot": 0.02, "new_spot": 0.01},
    "timing": {
        "switch_initiated_at": "2025-06-17T11:50:00Z",
        "old_instance_terminated_at": "2025-06-17T11:55:00Z",
    },
}
PRICES: Json = {
    "instance": {"instance_id": "i-1", "mode": "spot"},
    "pricing": {
        "on_demand_price": 0.04,
        "collected_at": "2025-06-17T11:59:00",
        "spot_pools": [{"pool_id": "t3.medium.us-east-1b", "price": 0.01}],
    },
}


@dataclass(frozen=True, slots=True)
class Wired:
    """The application at the far end of a wire from its database."""

    api: Api
    proxy: TcpProxy
    agent_id: str

    @contextmanager
    def at_statement(self, number: int, action: Callable[[], None]) -> Iterator[None]:
        """Do something just before the application's next statement but so many, once."""
        numbers = count()

        def before_statement(*_: Any) -> None:
            if next(numbers) == number:
                action()

        engine = self.api.container.engine()
        event.listen(engine, "before_cursor_execute", before_statement)
        yield
        event.remove(engine, "before_cursor_execute", before_statement)

    def at_commit(self, action: Callable[[], None]) -> None:
        event.listen(self.api.container.engine(), "commit", lambda _: action(), once=True)


@pytest.fixture(scope="module", params=["mariadb"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_shared_store(request) as store:
        yield store


@pytest.fixture(scope="module")
def proxy() -> Iterator[TcpProxy]:
    require_mariadb()
    with a_proxy_to(MARIADB_HOST, MARIADB_PORT) as proxy:
        yield proxy


@pytest.fixture
def wired(store: Store, proxy: TcpProxy, tmp_path: Path) -> Iterator[Wired]:
    store.empty()
    proxy.mend()
    url = make_url(store.url).set(host="127.0.0.1", port=proxy.port)
    with an_api(url.render_as_string(hide_password=False), tmp_path) as api:
        yield Wired(api, proxy, api.register())


def ask_everything(api: Api, agent_id: str) -> dict[tuple[str, str], Answer]:
    """Every route for programs, with credentials and something to do."""
    bodies = {"create": {"name": "Acme"}, "register": a_registration(), "switch-report": SWITCH}
    routes = routes_of(api.app, agent_id=agent_id, client_id="client-stranger")
    return {
        (method, path): api.send(
            method,
            path,
            b"" if method == "GET" else bodies.get(path.rsplit("/", 1)[1], {}),
            token=OPERATOR_TOKEN if is_admin(path) else OWNER_TOKEN,
        )
        for method, path in routes
        if path not in PAGES
        if method != "HEAD" and (path.startswith("/api/agents") or not needs_more(path))
    }


def needs_more(path: str) -> bool:
    """Routes that read more than a body of JSON are refused before they ask the database."""
    return "upload" in path or "login" in path


def test_without_its_database_every_route_says_so(wired: Wired, store: Store) -> None:
    before = store.contents()
    wired.proxy.cut()
    started = monotonic()

    answers = ask_everything(wired.api, wired.agent_id)

    took = monotonic() - started
    for (method, path), answer in answers.items():
        if path in ("/livez", "/openapi.json") or path.startswith("/docs"):
            assert answer.status_code == 200, path
        elif path == "/readyz":
            assert (answer.status_code, answer.json()) == (503, {"status": "database unavailable"})
        elif path == "/health":
            assert (answer.status_code, answer.json()) == (
                500,
                {"status": "unhealthy", "error": "database unavailable"},
            )
        elif path == "/metrics":
            assert answer.status_code == 200
            if method == "GET":
                assert "spot_optimizer_database_up 0.0" in answer.text
        elif path == "/api/client/validate":
            told = {"valid": False, "error": "Internal server error"}
            assert (answer.status_code, answer.json()) == (500, told)
        elif path == "/api/admin/system-health":
            assert (answer.status_code, answer.json()["database"]) == (200, "Disconnected")
        elif path.startswith("/api/agents") or method == "GET":
            assert (answer.status_code, answer.json()) == (500, UNAVAILABLE), path
    assert took < 0.5 * len(answers)
    assert store.contents() == before


def test_when_the_database_is_back_the_server_goes_on(wired: Wired) -> None:
    wired.proxy.cut()
    ask_everything(wired.api, wired.agent_id)

    wired.proxy.mend()

    for path in ("/health", "/readyz", f"/api/agents/{wired.agent_id}/config"):
        assert wired.api.get(path).status_code == 200
    assert wired.api.register() == wired.agent_id
    assert {
        answer.status_code
        for answer in ask_everything(wired.api, wired.agent_id).values()
        if answer.status_code < 500 or is_failure_of_ours(answer)
    } <= {
        200,
        201,
        400,
        404,
        415,
    }


def test_connections_that_broke_meanwhile_are_replaced_without_anybody_noticing(
    wired: Wired,
) -> None:
    path = f"/api/agents/{wired.agent_id}"
    calls: list[Callable[[], Answer]] = [
        partial(wired.api.get, "/health"),
        partial(wired.api.get, "/readyz"),
        partial(wired.api.get, f"{path}/config"),
        partial(wired.api.get, f"{path}/pending-commands"),
        partial(wired.api.get, f"{path}/switch-recommendation"),
        partial(wired.api.post, f"{path}/heartbeat", {}),
        partial(wired.api.get, "/api/admin/stats", token=OPERATOR_TOKEN),
        partial(wired.api.get, "/api/admin/clients", token=OPERATOR_TOKEN),
    ]

    for call in calls:
        wired.proxy.drop()
        assert call().status_code == 200, call

    at_once(*calls)
    wired.proxy.drop()
    assert {answer.status_code for answer in at_once(*calls)} == {200}


@pytest.mark.parametrize("statement", range(4))
@pytest.mark.parametrize("route", ["config", "pending-commands", "switch-recommendation"])
def test_a_question_survives_a_connection_that_breaks(
    wired: Wired, route: str, statement: int
) -> None:
    with wired.at_statement(statement, wired.proxy.drop):
        answer = wired.api.get(f"/api/agents/{wired.agent_id}/{route}")

    assert answer.status_code == 200


@pytest.mark.parametrize("statement", range(16))
def test_a_registration_is_kept_wholly_or_not_at_all(
    wired: Wired, store: Store, statement: int
) -> None:
    before = store.contents()
    other = a_registration(logical_agent_id="other", instance_id="i-2")

    with wired.at_statement(statement, wired.proxy.cut):
        answer = wired.api.post("/api/agents/register", other)

    if answer.status_code == 500:
        assert answer.json() == UNAVAILABLE
        assert store.contents() == before
    else:
        assert answer.status_code == 200
        assert len(store.rows("agents")) == len(store.rows("agent_configs")) == 2
        assert len(store.rows("instances")) == len(store.rows("notifications")) == 2
    wired.proxy.mend()
    assert len({wired.agent_id, wired.api.register(logical_agent_id="other")}) == 2


@pytest.mark.parametrize("statement", range(0, 20, 2))
def test_a_report_survives_a_connection_that_breaks(
    wired: Wired, store: Store, statement: int
) -> None:
    with wired.at_statement(statement, wired.proxy.drop):
        answer = wired.api.post(f"/api/agents/{wired.agent_id}/switch-report", SWITCH)

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert len(store.rows("switches")) == 1
    (owner,) = [row for row in store.rows("clients") if row["id"] == "client-owner"]
    assert owner["total_savings"] == pytest.approx(0.24)


@pytest.mark.parametrize(("name", "body"), [("switch-report", SWITCH), ("pricing-report", PRICES)])
def test_a_commit_that_nobody_confirmed_may_be_repeated(
    wired: Wired, store: Store, name: str, body: Json
) -> None:
    path = f"/api/agents/{wired.agent_id}/{name}"
    before = store.contents()
    wired.at_commit(wired.proxy.cut)

    answer = wired.api.post(path, body)

    assert (answer.status_code, answer.json()) == (500, UNAVAILABLE)
    assert store.contents() == before
    wired.proxy.mend()
    assert wired.api.post(path, body).status_code == 200
    assert len(store.rows("switches")) + len(store.rows("pricing_reports")) == 1


def test_of_many_requests_none_hangs_when_the_database_goes_away(wired: Wired) -> None:
    path = f"/api/agents/{wired.agent_id}/heartbeat"

    with wired.at_statement(1, wired.proxy.cut):
        answers = at_once(*[lambda: wired.api.post(path, {})] * 20)

    told = {(answer.status_code, answer.text) for answer in answers}
    assert told <= {(200, '{"success":true}'), (500, '{"error":"Database unavailable"}')}
    assert 500 in {answer.status_code for answer in answers}
