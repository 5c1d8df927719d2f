"""The answers of the operator's first routes (contract admin 1.1, 1.4, 1.6, 1.7 and 1.12)."""

from __future__ import annotations

import re

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER,
    OWNER_TOKEN,
    Answer,
    Api,
    Json,
    Store,
)

CREATE = "/api/admin/clients/create"
NAME_REQUIRED = {"error": "Client name is required"}
NAME_NO_TEXT = {"error": "Client name must be a string"}
NO_JSON = {"error": "Invalid JSON body"}


def create(api: Api, body: Json, **headers: str) -> Answer:
    return api.post(CREATE, body, token=OPERATOR_TOKEN, headers=headers)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, NAME_REQUIRED),
        (None, NAME_REQUIRED),
        ([], NAME_REQUIRED),
        ({"name": ""}, NAME_REQUIRED),
        ({"name": " \t\n"}, NAME_REQUIRED),
        ({"name": None}, NAME_REQUIRED),
        ({"name": 5}, NAME_NO_TEXT),
        ({"name": True}, NAME_NO_TEXT),
        ({"name": ["x"]}, NAME_NO_TEXT),
        ({"name": {"x": 1}}, NAME_NO_TEXT),
        ([1], NO_JSON),
        ("name", NO_JSON),
        (5, NO_JSON),
        (True, NO_JSON),
        (b"{", NO_JSON),
        (b"", NO_JSON),
        (b"[" * 100_000, NO_JSON),
        (b'{"name":"\xff"}', NO_JSON),
        (b'{"name":"\\ud800"}', NO_JSON),
        ({"name": "x", "email": 5}, {"error": "Client email must be a string"}),
        ({"name": "x", "email": ["a@b.c"]}, {"error": "Client email must be a string"}),
        ({"name": "x" * 256}, {"error": "Client name is too long"}),
        ({"name": "x" * 10_000}, {"error": "Client name is too long"}),
        ({"name": "x", "email": "e" * 256}, {"error": "Client email is too long"}),
        ({"name": "x" * 250}, {"error": "Client email is too long"}),
    ],
)
def test_a_client_that_cannot_be_created(api: Api, store: Store, body: Json, error: Json) -> None:
    before = store.contents()

    answer = create(api, body)

    assert (answer.status_code, answer.json()) == (400, error)
    assert store.contents() == before


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", ""])
def test_a_client_is_described_in_json(api: Api, kind: str) -> None:
    answer = create(api, {"name": "x"}, **{"Content-Type": kind})

    assert (answer.status_code, answer.json()) == (
        415,
        {"error": "Content-Type must be application/json"},
    )


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/JSON"])
def test_json_is_declared_in_any_way(api: Api, kind: str) -> None:
    assert create(api, {"name": "x"}, **{"Content-Type": kind}).status_code == 200


def test_a_new_client_is_told_its_token_once(api: Api, store: Store) -> None:
    answer = create(api, {"name": "  Acme Corp ", "email": None, "plan": "gold"})

    (client,) = [row for row in store.rows("clients") if row["name"] == "Acme Corp"]
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "client": {
            "id": client["id"],
            "name": "Acme Corp",
            "token": client["client_token"],
            "status": "active",
        },
    }
    assert re.fullmatch(r"token-[A-Za-z0-9]{32}", client["client_token"])
    assert client["email"] == "acme_corp@example.com"
    assert store.row("notifications")["message"] == "New client created: Acme Corp"
    event = store.row("system_events")
    assert (event["event_type"], event["message"]) == ("client_created", "Client Acme Corp created")
    assert event["metadata"] == {"client_name": "Acme Corp"}
    assert client["client_token"] not in str(store.rows("audit_logs"))


@pytest.mark.parametrize("name", ["Acme", " ACME ", "ácme", "acme"])
def test_a_name_is_given_once(api: Api, store: Store, name: str) -> None:
    create(api, {"name": "Acme"})
    before = store.contents()

    answer = create(api, {"name": name, "email": "other@example.com"})

    assert (answer.status_code, answer.json()) == (
        409,
        {"error": f'Client "{name.strip()}" already exists'},
    )
    assert store.contents() == before


def test_the_name_of_an_inactive_client_is_taken_too(api: Api) -> None:
    assert create(api, {"name": "client-inactive", "email": "x@y.z"}).status_code == 409


def test_an_email_is_given_once(api: Api, store: Store) -> None:
    create(api, {"name": "A b"})
    before = store.contents()

    answers = [
        create(api, {"name": "Other", "email": "a_b@example.com"}),
        create(api, {"name": "a_b"}),
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {
        (409, '{"error":"Client email \\"a_b@example.com\\" already exists"}')
    }
    assert store.contents() == before


@pytest.mark.parametrize("name", ["😀", "a\u0000b", "x'; DROP TABLE clients; --", "x" * 243])
def test_any_text_is_a_name(api: Api, store: Store, name: str) -> None:
    assert create(api, {"name": name}).status_code == 200
    assert name in {row["name"] for row in store.rows("clients")}


class TestTheTokenOfAClient:
    def test_is_shown_to_the_operator(self, api: Api) -> None:
        answer = api.get(f"/api/admin/clients/{OWNER}/token", token=OPERATOR_TOKEN)

        assert answer.status_code == 200
        assert answer.json() == {"token": OWNER_TOKEN, "client_name": OWNER}

    @pytest.mark.parametrize("client_id", ["nobody", "CLIENT-OWNER", "client-owner%20", "%00", "."])
    def test_is_that_of_exactly_this_client(self, api: Api, store: Store, client_id: str) -> None:
        before = store.contents()

        answer = api.get(f"/api/admin/clients/{client_id}/token", token=OPERATOR_TOKEN)

        assert answer.status_code == 404
        assert answer.json()["error"] in ("Client not found", "Not Found")
        assert store.contents() == before

    def test_is_not_written_down_when_it_is_shown(self, api: Api, store: Store) -> None:
        api.get(f"/api/admin/clients/{OWNER}/token", token=OPERATOR_TOKEN)

        assert OWNER_TOKEN not in str(store.contents(but=["clients"]))


class TestTheFigures:
    def test_count_nothing_in_an_empty_database(self, api: Api, store: Store) -> None:
        store.database.reset({}, {})

        answer = api.get("/api/admin/stats", token=OPERATOR_TOKEN)

        assert answer.status_code == 200
        figures = answer.json()
        assert figures["backendHealth"] in ("Healthy", "Decision Engine Not Loaded")
        assert {key: figures[key] for key in figures if type(figures[key]) in (int, float)} == {
            "totalAccounts": 0,
            "agentsOnline": 0,
            "agentsTotal": 0,
            "poolsCovered": 0,
            "totalSavings": 0.0,
            "totalSwitches": 0,
            "manualSwitches": 0,
            "modelSwitches": 0,
        }

    def test_count_savings_once_whatever_the_number_of_agents(self, api: Api, store: Store) -> None:
        for number in (1, 2, 3):
            api.register(logical_agent_id=f"web-{number}", instance_id=f"i-{number}")
        with store.writing() as connection:
            connection.exec_driver_sql(
                "UPDATE clients SET total_savings = 123.4567 WHERE id = 'client-owner'"
            )

        figures = api.get("/api/admin/stats", token=OPERATOR_TOKEN).json()

        assert (figures["totalSavings"], figures["agentsTotal"]) == (123.4567, 3)

    def test_of_the_clients_are_a_bare_list(self, api: Api) -> None:
        api.register()

        lines = api.get("/api/admin/clients", token=OPERATOR_TOKEN).json()

        assert {line["id"]: line["status"] for line in lines} == {
            "client-owner": "active",
            "client-stranger": "active",
            "client-inactive": "inactive",
        }
        (owner,) = [line for line in lines if line["id"] == OWNER]
        assert owner == {
            "id": OWNER,
            "name": OWNER,
            "status": "active",
            "agentsOnline": 1,
            "agentsTotal": 1,
            "instances": 1,
            "totalSavings": 0.0,
            "lastSync": None,
        }


def test_health_has_four_keys(api: Api) -> None:
    answer = api.get("/health", token=None)

    health = answer.json()
    assert answer.status_code == 200
    assert set(health) == {"status", "timestamp", "decision_engine_loaded", "database"}
    assert (health["status"], health["database"]) == ("healthy", "connected")
    assert health["timestamp"] == "2025-06-17T12:00:00"
