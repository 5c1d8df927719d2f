"""Who may call what (ruling R1), on every route that the application has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from spot_optimizer.adapters.admin_token import AdminTokenFile
from tests.application_under_test import (
    INACTIVE_TOKEN,
    OPEN_PATHS,
    OPERATOR_TOKEN,
    OWNER_TOKEN,
    STRANGER_TOKEN,
    Api,
    Store,
    a_registration,
    a_store_in,
    an_api,
    is_admin,
    is_failure_of_ours,
    routes_of,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with a_store_in(tmp_path_factory.mktemp("access")) as store:
        yield store


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path) as api:
        yield api


# Says with words of its own whose token is presented; see test_validate.
VALIDATE = "/api/client/validate"


def closed_routes(api: Api, agent_id: str = "x") -> list[tuple[str, str]]:
    routes = routes_of(api.app, agent_id=agent_id, client_id="client-stranger")
    return [(method, path) for method, path in routes if path not in {*OPEN_PATHS, VALIDATE}]


def agent_routes(api: Api, agent_id: str = "x") -> list[tuple[str, str]]:
    routes = closed_routes(api, agent_id)
    return [(method, path) for method, path in routes if path.startswith("/api/agents/")]


class TestNobody:
    def test_is_let_in_nowhere_but_at_the_probes_and_the_login_page(self, api: Api) -> None:
        answers = {
            (method, path): api.send(method, path, token=None).status_code
            for method, path in closed_routes(api)
        }

        assert answers == dict.fromkeys(answers, 401)
        assert len(answers) >= 20

    def test_is_told_which_token_is_missing(self, api: Api) -> None:
        for method, path in closed_routes(api):
            answer = api.send(method, path, token=None)
            word = "admin" if is_admin(path) else "client"
            if method != "HEAD":
                assert answer.json() == {"error": f"Missing {word} token"}, path

    def test_changes_nothing(self, api: Api, store: Store) -> None:
        agent_id = api.register()
        before = store.contents()

        for method, path in closed_routes(api, agent_id):
            api.send(method, path, b"" if method == "GET" else {}, token=None)

        assert store.contents() == before

    @pytest.mark.parametrize("path", sorted(OPEN_PATHS))
    def test_may_see_what_is_open(self, api: Api, path: str) -> None:
        assert api.get(path, token=None).status_code == 200
        assert api.get(path, token="nonsense").status_code == 200

    def test_may_send_a_preflight_to_every_route(self, api: Api) -> None:
        for method, path in closed_routes(api):
            headers = {"Origin": "https://x.example", "Access-Control-Request-Method": method}
            answer = api.send("OPTIONS", path, token=None, headers=headers)
            assert answer.status_code in (200, 204), path
            assert answer.content == b"", path


class TestAnUnknownToken:
    def test_opens_no_route(self, api: Api) -> None:
        for method, path in closed_routes(api, api.register()):
            answer = api.send(method, path, {}, token="token-of-nobody")
            word = "admin" if is_admin(path) else "client"
            assert answer.status_code == 401, path
            if method != "HEAD":
                assert answer.json() == {"error": f"Invalid {word} token"}, path

    def test_is_put_on_record_and_nothing_else_happens(self, api: Api, store: Store) -> None:
        agent_id = api.register()
        before = store.contents(but=["system_events"])
        events = store.rows("system_events")

        api.get(f"/api/agents/{agent_id}/config", token="token-of-nobody")

        assert store.contents(but=["system_events"]) == before
        (event,) = [row for row in store.rows("system_events") if row not in events]
        assert (event["event_type"], event["severity"]) == ("auth_failed", "warning")
        assert (event["client_id"], event["agent_id"]) == (None, None)
        assert event["message"] == (
            f"Invalid client token attempt for endpoint /api/agents/{agent_id}/config"
        )

    def test_is_not_rescued_by_a_right_one_in_the_body(self, api: Api) -> None:
        body = a_registration(client_token=OWNER_TOKEN)

        answer = api.post("/api/agents/register", body, token="token-of-nobody")

        assert answer.status_code == 401


class TestAnInactiveClient:
    def test_is_refused_on_every_agent_route(self, api: Api, store: Store) -> None:
        for method, path in agent_routes(api):
            answer = api.send(method, path, {}, token=INACTIVE_TOKEN)
            assert answer.status_code == 403, path
            if method != "HEAD":
                assert answer.json() == {"error": "Client account is not active"}, path

        told = {(row["event_type"], row["client_id"]) for row in store.rows("system_events")}
        assert told == {("auth_failed", "client-inactive")}

    def test_is_put_on_record(self, api: Api, store: Store) -> None:
        api.get("/api/agents/x/config", token=INACTIVE_TOKEN)

        event = store.row("system_events")

        assert event["severity"] == "warning"
        assert event["message"] == "Inactive client client-inactive attempted access"


class TestAClientToken:
    def test_opens_no_admin_route(self, api: Api, store: Store) -> None:
        before = store.contents()

        for method, path in closed_routes(api):
            if is_admin(path):
                answer = api.send(method, path, {"name": "mine"}, token=OWNER_TOKEN)
                assert answer.status_code == 401, path

        assert store.contents() == before

    def test_in_the_body_opens_no_admin_route(self, api: Api) -> None:
        body = {"name": "mine", "client_token": OPERATOR_TOKEN}

        assert api.post("/api/admin/clients/create", body, token=None).status_code == 401


class TestTheOperator:
    def test_is_let_in_everywhere(self, api: Api) -> None:
        for method, path in closed_routes(api, api.register()):
            answer = api.send(method, path, {}, token=OPERATOR_TOKEN)
            assert answer.status_code not in (401, 403), path
            assert not is_failure_of_ours(answer), path

    def test_sees_the_agents_of_every_client(self, api: Api) -> None:
        mine = api.register()
        theirs = api.register(token=STRANGER_TOKEN, instance_id="i-9")

        for agent_id in (mine, theirs):
            answer = api.get(f"/api/agents/{agent_id}/config", token=OPERATOR_TOKEN)
            assert answer.status_code == 200

    def test_registers_agents_for_the_client_whose_token_it_names(
        self, api: Api, store: Store
    ) -> None:
        body = a_registration(client_token=STRANGER_TOKEN)

        answer = api.post("/api/agents/register", body, token=OPERATOR_TOKEN)

        assert answer.json()["client_id"] == "client-stranger"
        assert store.row("agents")["client_id"] == "client-stranger"

    def test_registers_nothing_for_a_client_that_nobody_knows(self, api: Api, store: Store) -> None:
        body = a_registration(client_token="token-of-nobody")

        answer = api.post("/api/agents/register", body, token=OPERATOR_TOKEN)

        assert (answer.status_code, answer.json()) == (401, {"error": "Invalid client token"})
        assert store.rows("agents") == []

    def test_registers_nothing_for_an_inactive_client(self, api: Api, store: Store) -> None:
        body = a_registration(client_token=INACTIVE_TOKEN)

        answer = api.post("/api/agents/register", body, token=OPERATOR_TOKEN)

        assert (answer.status_code, answer.json()) == (
            403,
            {"error": "Client account is not active"},
        )
        assert store.rows("agents") == []


class TestAnOpenServer:
    @pytest.fixture
    def api(self, store: Store, tmp_path: Path) -> Iterator[Api]:
        store.empty()
        with an_api(store.url, tmp_path, ADMIN_AUTH="open") as api:
            yield api

    def test_lets_everybody_be_an_operator(self, api: Api) -> None:
        for method, path in closed_routes(api):
            if is_admin(path):
                assert api.send(method, path, {}, token=None).status_code != 401, path

    @pytest.mark.parametrize("token", ["token-of-nobody", OWNER_TOKEN, INACTIVE_TOKEN])
    def test_still_checks_a_token_that_is_presented(self, api: Api, token: str) -> None:
        assert api.get("/api/admin/clients", token=token).status_code == 401

    def test_still_knows_its_operator(self, api: Api) -> None:
        assert api.get("/api/admin/clients", token=OPERATOR_TOKEN).status_code == 200

    @pytest.mark.parametrize(
        "path", ["heartbeat", "pricing-report", "switch-report", "cleanup-report", "decide"]
    )
    def test_still_asks_agents_for_their_token(self, api: Api, path: str) -> None:
        answer = api.post(f"/api/agents/{api.register()}/{path}", {}, token=None)

        assert (answer.status_code, answer.json()) == (401, {"error": "Missing client token"})


class TestTheTokenOfTheOperator:
    def test_may_be_rotated_while_the_server_runs(self, store: Store, tmp_path: Path) -> None:
        file = AdminTokenFile(tmp_path)
        old, _ = file.ensure()
        with an_api(store.url, tmp_path, ADMIN_API_TOKEN="") as api:
            assert api.get("/api/admin/stats", token=old).status_code == 200

            new = file.rotate()

            assert api.get("/api/admin/stats", token=new).status_code == 200
            assert api.get("/api/admin/stats", token=old).status_code == 401

    def test_that_is_gone_opens_nothing(self, store: Store, tmp_path: Path) -> None:
        with an_api(store.url, tmp_path, ADMIN_API_TOKEN="") as api:
            AdminTokenFile(tmp_path).path.unlink(missing_ok=True)

            for token in ("", "x", "None"):
                assert api.get("/api/admin/stats", token=token).status_code == 401

    @pytest.mark.parametrize("token", [OPERATOR_TOKEN.upper(), OPERATOR_TOKEN[:-1], "x"])
    def test_is_compared_exactly(self, api: Api, token: str) -> None:
        assert api.get("/api/admin/stats", token=token).status_code == 401
