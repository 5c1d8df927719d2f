"""What the framework refuses is refused in the words of the contract (rulings R1, R3 and R4)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER_TOKEN,
    PROBES,
    Api,
    Json,
    Store,
    a_store_in,
    an_api,
    assert_decent,
    is_admin,
    routes_of,
)

PROBLEM = "application/problem+json"
ORIGIN = {"Origin": "https://dashboard.example"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with a_store_in(tmp_path_factory.mktemp("framework")) as store:
        yield store


@pytest.fixture(scope="module")
def running(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with an_api(store.url, tmp_path_factory.mktemp("data"), MAX_UPLOAD_BYTES="1000") as api:
        yield api


@pytest.fixture
def api(store: Store, running: Api) -> Api:
    store.empty()
    return running


def token_for(path: str) -> str:
    return OPERATOR_TOKEN if is_admin(path) else OWNER_TOKEN


class TestAnUnknownPath:
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"])
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/api",
            "/api/agents",
            "/api/nothing",
            "/api/agents/x/nothing",
            "/api/agents//config",
            "/api/agents/x/config/",
            "/API/agents/x/config",
            "/api/agents/x/config/more",
            "/api/agents/a%2Fb/config",
            "/etc/passwd",
            "/docs/",
            "/docs/nothing.js",
            "/schema",
            "/" + "x" * 10_000,
            "/%00",
            "/%ff",
        ],
    )
    def test_is_not_found(self, api: Api, method: str, path: str) -> None:
        answer = api.send(method, path, token=OPERATOR_TOKEN)

        assert answer.status_code == 404
        if method != "HEAD":
            assert answer.json() == {"error": "Not Found"}

    def test_is_one_with_a_slash_at_its_end(self, api: Api) -> None:
        for method, path in routes_of(api.app, agent_id=api.register()):
            answer = api.send(method, f"{path}/", token=token_for(path))
            assert answer.status_code == 404, path
            if method != "HEAD":
                assert answer.json() == {"error": "Not Found"}


class TestAWrongMethod:
    def test_is_refused_on_every_route(self, api: Api) -> None:
        allowed: dict[str, set[str]] = {}
        for method, path in routes_of(api.app, agent_id=api.register()):
            allowed.setdefault(path, {"OPTIONS"}).add(method)

        for path, methods in allowed.items():
            for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"} - methods:
                answer = api.send(method, path, token=token_for(path))
                assert answer.status_code == 405, (method, path)
                told = {word.strip() for word in answer.headers["Allow"].split(",")}
                assert told == methods, path
                if method != "HEAD":
                    assert answer.json() == {"error": "Method Not Allowed"}

    def test_is_refused_before_anybody_asks_for_credentials(self, api: Api) -> None:
        assert api.send("DELETE", "/api/agents/x/config", token=None).status_code == 405

    def test_head_works_wherever_get_does(self, api: Api) -> None:
        agent_id = api.register()
        for method, path in routes_of(api.app, agent_id=agent_id, client_id="client-owner"):
            if method == "GET":
                asked = api.get(path, token=token_for(path))
                looked = api.send("HEAD", path, token=token_for(path))
                assert (looked.status_code, looked.content) == (asked.status_code, b""), path


READ_NO_BODY = ("/logout", "/mark-read")


class TestABodyThatIsTooLarge:
    def test_is_refused_on_every_route_that_reads_one(self, api: Api, store: Store) -> None:
        agent_id = api.register()
        before = store.contents()

        for method, path in routes_of(api.app, agent_id=agent_id):
            if method == "POST" and not path.endswith(READ_NO_BODY):
                answer = api.post(path, {"x": "y" * 1000}, token=token_for(path))
                assert answer.status_code == 413, path
                assert answer.json() == {"error": "Request body too large"}, path

        assert store.contents() == before

    def test_is_refused_when_nobody_tells_its_length(self, api: Api) -> None:
        path = f"/api/agents/{api.register()}/heartbeat"

        answer = api.http.post(
            path,
            content=(b" " * 100 for _ in range(20)),
            headers={"Authorization": f"Bearer {OWNER_TOKEN}"},
        )

        assert (answer.status_code, answer.json()) == (413, {"error": "Request body too large"})

    def test_is_refused_with_an_idempotency_key_too(self, api: Api) -> None:
        path = f"/api/agents/{api.register()}/heartbeat"

        answer = api.post(path, b" " * 1001, headers={"Idempotency-Key": "k"})

        assert (answer.status_code, answer.json()) == (413, {"error": "Request body too large"})

    def test_may_be_as_large_as_the_setting_says(self, api: Api) -> None:
        path = f"/api/agents/{api.register()}/heartbeat"

        assert api.post(path, b" " * 1000).status_code == 200


def test_who_goes_away_in_the_middle_of_a_body_is_no_failure_of_ours(
    api: Api, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/api/agents/{api.register()}/heartbeat"
    before = store.contents()
    events = iter(
        [
            {"type": "http.request", "body": b'{"status": ', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    answers: list[Any] = []
    scope: Any = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {OPERATOR_TOKEN}".encode())],
        "server": ("testserver", 80),
        "client": ("testclient", 50000),
        "state": {},
    }

    async def receive() -> Any:
        return next(events)

    async def send(message: Any) -> None:
        answers.append(message)

    caplog.clear()
    asyncio.run(api.app(scope, receive, send))

    assert answers[0]["status"] == 400
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert store.contents() == before


class TestAGet:
    @pytest.mark.parametrize(
        "kind", ["application/json", "text/plain", "multipart/form-data", "nonsense", ""]
    )
    @pytest.mark.parametrize("body", [b"{", b"\xff", b"{}", b"[]", b"--x", b"a=b"])
    def test_ignores_its_body(self, api: Api, kind: str, body: bytes) -> None:
        for method, path in routes_of(api.app, agent_id=api.register(), client_id="client-owner"):
            if method == "GET":
                headers = {"Content-Type": kind}
                answer = api.send(method, path, body, token=token_for(path), headers=headers)
                plain = api.get(path, token=token_for(path))
                assert answer.status_code == plain.status_code, path


@pytest.mark.parametrize(
    "agent_id",
    [
        "%2e%2e",
        "..%5c..",
        "%00",
        "%ff%fe",
        "%F0%9F%98%80",
        "a%20b",
        "x" * 10_000,
        "'%20OR%201=1--",
        "%25",
        "%",
        "None",
        "null",
        ";",
        "a;b=c",
    ],
)
def test_an_id_of_any_form_is_an_agent_that_does_not_exist(
    api: Api, store: Store, agent_id: str
) -> None:
    before = store.contents()

    for method, path in routes_of(api.app, agent_id=agent_id, command_id=agent_id):
        if agent_id in path:
            answer = api.send(method, path, b"" if method == "GET" else {})
            if method != "HEAD":
                assert_decent(answer)
            # Some bodies are refused before the agent is looked up.
            assert answer.status_code in (400, 404), path

    assert store.contents() == before


class TestProblemDetails:
    @pytest.mark.parametrize(
        ("method", "path", "body", "headers", "status"),
        [
            ("GET", "/nowhere", None, {}, 404),
            ("DELETE", "/health", None, {}, 405),
            ("GET", "/api/agents/nobody/config", None, {}, 404),
            ("GET", "/api/agents/nobody/config/", None, {}, 404),
            ("GET", "/api/admin/stats", None, {}, 401),
            ("POST", "/api/agents/register", b"{", {}, 400),
            ("POST", "/api/agents/register", b"{}", {}, 400),
            ("POST", "/api/agents/register", b" " * 1001, {}, 413),
            ("POST", "/api/agents/x/heartbeat", b"{}", {"Idempotency-Key": "k" * 300}, 400),
        ],
    )
    def test_are_given_to_who_asks_for_them(
        self,
        api: Api,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        status: int,
    ) -> None:
        content = b"" if body is None else body
        usual = api.send(method, path, content, headers=headers)
        asked = api.send(method, path, content, headers={**headers, "Accept": PROBLEM})

        problem: Json = asked.json()
        assert (usual.status_code, asked.status_code) == (status, status)
        assert usual.headers["content-type"].startswith("application/json")
        assert asked.headers["content-type"].startswith(PROBLEM)
        assert (problem["status"], problem["title"]) == (status, usual.json()["error"])
        assert problem["type"] == "about:blank"
        assert {**problem, **usual.json()} == problem

    def test_keep_the_allow_header(self, api: Api) -> None:
        answer = api.send("DELETE", "/health", headers={"Accept": PROBLEM})

        assert "GET" in answer.headers["Allow"]

    @pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html", "", "nonsense"])
    def test_are_given_to_nobody_else(self, api: Api, accept: str) -> None:
        answer = api.get("/nowhere", headers={"Accept": accept})

        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json() == {"error": "Not Found"}

    def test_are_not_what_a_success_looks_like(self, api: Api) -> None:
        answer = api.get("/health", headers={"Accept": PROBLEM})

        assert answer.headers["content-type"].startswith("application/json")


class TestOtherOrigins:
    def test_may_read_every_answer_without_credentials(self, api: Api) -> None:
        for method, path in (
            ("GET", "/health"),
            ("GET", "/nowhere"),
            ("GET", "/health/"),
            ("DELETE", "/health"),
            ("GET", "/api/admin/stats"),
            ("POST", "/api/agents/register"),
        ):
            answer = api.send(method, path, headers=ORIGIN, token=None)
            allowed = answer.headers["Access-Control-Allow-Origin"]
            assert allowed in ("*", ORIGIN["Origin"]), path
            assert "Access-Control-Allow-Credentials" not in answer.headers, path

    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_are_told_before_what_they_may_do(self, api: Api, method: str) -> None:
        paths = [path for found, path in routes_of(api.app) if found == method]
        for path in paths:
            answer = api.send(
                "OPTIONS",
                path,
                token=None,
                headers={
                    **ORIGIN,
                    "Access-Control-Request-Method": method,
                    "Access-Control-Request-Headers": "authorization, content-type",
                },
            )
            assert answer.status_code in (200, 204), path
            assert answer.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN["Origin"])
            assert method in answer.headers["Access-Control-Allow-Methods"], path
            told = answer.headers["Access-Control-Allow-Headers"].lower()
            assert told == "*" or "authorization" in told, path

    def test_may_be_a_list(self, store: Store, tmp_path: Path) -> None:
        origins = f"https://a.example, {ORIGIN['Origin']}"
        with an_api(store.url, tmp_path, CORS_ALLOW_ORIGINS=origins) as api:
            listed = api.get("/nowhere", headers=ORIGIN)
            other = api.get("/nowhere", headers={"Origin": "https://evil.example"})

        assert listed.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
        assert "Access-Control-Allow-Origin" not in other.headers

    def test_are_no_matter_to_a_request_without_one(self, api: Api) -> None:
        assert api.get("/health").status_code == 200


def test_every_probe_answers_in_json(api: Api) -> None:
    for path in PROBES:
        assert api.get(path, token=None).headers["content-type"].startswith("application/json")
