"""Where a token is read from, and how exactly it is compared (contract section 1.2)."""

from __future__ import annotations

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER_TOKEN,
    STRANGER_TOKEN,
    Answer,
    Api,
    Store,
    a_registration,
)


def asked_with(api: Api, authorization: str | bytes, agent_id: str | None = None) -> Answer:
    path = f"/api/agents/{agent_id or api.register()}/config"
    value = authorization.encode() if isinstance(authorization, str) else authorization
    return api.http.get(path, headers={b"Authorization": value})


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {OWNER_TOKEN}",
        f"bearer {OWNER_TOKEN}",
        f"BEARER {OWNER_TOKEN}",
        f"Bearer    {OWNER_TOKEN}",
        OWNER_TOKEN,
        f"Bearer {OPERATOR_TOKEN}",
    ],
)
def test_the_scheme_word_is_optional_and_written_in_any_case(api: Api, authorization: str) -> None:
    assert asked_with(api, authorization).status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer", "bearer", "Bearer "])
def test_a_header_without_a_token_is_no_token(api: Api, authorization: str) -> None:
    answer = asked_with(api, authorization)

    assert (answer.status_code, answer.json()) == (401, {"error": "Missing client token"})


@pytest.mark.parametrize(
    "authorization",
    [
        f"Basic {OWNER_TOKEN}",
        f"Bearer {OWNER_TOKEN.upper()}",
        f"Bearer {OWNER_TOKEN.lower()}",
        f"Bearer {OWNER_TOKEN}\u00a0",
        f"Bearer {OWNER_TOKEN} x",
        f"Bearer {OWNER_TOKEN[:-1]}",
        f"Bearer {OWNER_TOKEN.replace('o', 'ö')}",
        "Bearer ' OR 1=1 -- ",
        "Bearer %",
        "Bearer " + "x" * 10_000,
        b"Bearer \xff\xfe",
        "Bearer 😀",
    ],
)
def test_another_text_is_another_token(api: Api, authorization: str | bytes) -> None:
    answer = asked_with(api, authorization)

    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid client token"})


@pytest.mark.parametrize("header", ["X-Client-Token", "X-Api-Key", "Token"])
def test_no_other_header_is_read(api: Api, header: str) -> None:
    path = f"/api/agents/{api.register()}/config"

    assert api.get(path, token=None, headers={header: OWNER_TOKEN}).status_code == 401


@pytest.mark.parametrize("name", ["client_token", "token", "access_token"])
def test_no_query_parameter_is_read(api: Api, name: str) -> None:
    path = f"/api/agents/{api.register()}/config?{name}={OWNER_TOKEN}"

    assert api.get(path, token=None).status_code == 401


class TestATokenInTheBody:
    def test_is_read_when_the_header_has_none(self, api: Api) -> None:
        path = f"/api/agents/{api.register()}/heartbeat"

        assert api.post(path, {"client_token": OWNER_TOKEN}, token=None).status_code == 200

    @pytest.mark.parametrize("token", [f"  {OWNER_TOKEN}", f"{OWNER_TOKEN}\n"])
    def test_is_trimmed(self, api: Api, token: str) -> None:
        path = f"/api/agents/{api.register()}/heartbeat"

        assert api.post(path, {"client_token": token}, token=None).status_code == 200

    def test_is_read_of_a_get_too(self, api: Api) -> None:
        path = f"/api/agents/{api.register()}/config"

        assert api.send("GET", path, {"client_token": OWNER_TOKEN}, token=None).status_code == 200

    @pytest.mark.parametrize(
        ("route", "table"),
        [
            ("termination", "system_events"),
            ("cleanup-report", "cleanup_logs"),
            ("decide", "decision_engine_log"),
        ],
    )
    def test_is_not_kept_with_the_report(
        self, api: Api, store: Store, route: str, table: str
    ) -> None:
        path = f"/api/agents/{api.register()}/{route}"
        body = {"client_token": OWNER_TOKEN, "instance": {}, "pricing": {}, "reason": "over"}

        assert api.post(path, body, token=None).status_code == 200

        kept = str(store.rows(table))
        assert "over" in kept or route == "decide"
        assert OWNER_TOKEN not in kept

    def test_registers_an_agent(self, api: Api, store: Store) -> None:
        body = a_registration(client_token=STRANGER_TOKEN)

        assert api.post("/api/agents/register", body, token=None).status_code == 200
        assert store.row("agents")["client_id"] == "client-stranger"

    def test_may_be_the_operators(self, api: Api) -> None:
        path = f"/api/agents/{api.register()}/heartbeat"

        assert api.post(path, {"client_token": OPERATOR_TOKEN}, token=None).status_code == 200

    @pytest.mark.parametrize("token", [None, "", "  ", 12, True, [OWNER_TOKEN], {"a": 1}])
    def test_that_is_no_text_is_no_token(self, api: Api, token: object) -> None:
        answer = api.post("/api/agents/x/heartbeat", {"client_token": token}, token=None)

        assert (answer.status_code, answer.json()) == (401, {"error": "Missing client token"})

    @pytest.mark.parametrize(
        "token", [OWNER_TOKEN.upper(), "\u0000", "\ufffd", "😀", f"{OWNER_TOKEN}\u0000"]
    )
    def test_is_compared_exactly(self, api: Api, token: str) -> None:
        answer = api.post("/api/agents/x/heartbeat", {"client_token": token}, token=None)

        assert (answer.status_code, answer.json()) == (401, {"error": "Invalid client token"})

    @pytest.mark.parametrize(
        "body", [b"", b"null", b"[1]", b'"x"', b"{", b'{"client_token":"\\ud800"}', b"\xff"]
    )
    def test_is_missing_from_a_body_that_is_no_object(self, api: Api, body: bytes) -> None:
        answer = api.post("/api/agents/x/heartbeat", body, token=None)

        assert (answer.status_code, answer.json()) == (401, {"error": "Missing client token"})


def test_the_header_decides_whose_agent_registers(api: Api, store: Store) -> None:
    body = a_registration(client_token=STRANGER_TOKEN)

    api.post("/api/agents/register", body, token=OWNER_TOKEN)

    assert store.row("agents")["client_id"] == "client-owner"


def test_a_client_that_is_switched_off_is_refused_from_then_on(api: Api, store: Store) -> None:
    path = f"/api/agents/{api.register()}/config"
    assert api.get(path).status_code == 200

    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE clients SET is_active = 0 WHERE id = 'client-owner'")

    assert api.get(path).status_code == 403
