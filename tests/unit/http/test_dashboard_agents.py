"""Dashboards read and change agents (contract/clients-and-notifications.md 4.3, 4.4, 5, 7.4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER,
    OWNER_TOKEN,
    STRANGER_TOKEN,
    Api,
    Json,
    Store,
    an_api,
)

FORMS = ("toggle-enabled", "settings", "config")
NO_BOOLEAN, NO_INTEGER = "Not a valid boolean.", "Not a valid integer."
NO_NUMBER, NULL = "Not a valid number.", "Field may not be null."


def between(least: int, most: int) -> str:
    return f"Must be greater than or equal to {least} and less than or equal to {most}."


WRONG: list[tuple[str, str, Json, str]] = [
    ("toggle-enabled", "enabled", "false", NO_BOOLEAN),
    ("toggle-enabled", "enabled", "", NO_BOOLEAN),
    ("toggle-enabled", "enabled", 2, NO_BOOLEAN),
    ("toggle-enabled", "enabled", 0.5, NO_BOOLEAN),
    ("toggle-enabled", "enabled", [], NO_BOOLEAN),
    ("toggle-enabled", "enabled", None, NULL),
    ("settings", "auto_switch_enabled", "yes", NO_BOOLEAN),
    ("settings", "manual_replica_enabled", -1, NO_BOOLEAN),
    ("settings", "auto_terminate_enabled", None, NULL),
    ("settings", "replica_enabled", [True], NO_BOOLEAN),
    ("settings", "replica_count", -1, between(0, 10)),
    ("settings", "replica_count", 11, between(0, 10)),
    ("settings", "replica_count", True, NO_INTEGER),
    ("settings", "replica_count", "1.5", NO_INTEGER),
    ("settings", "replica_count", "", NO_INTEGER),
    ("settings", "replica_count", {}, NO_INTEGER),
    ("config", "terminateWaitMinutes", None, NULL),
    ("config", "terminateWaitMinutes", "-5", NO_INTEGER),
    ("config", "terminateWaitMinutes", 1441, between(0, 1440)),
    ("config", "terminateWaitMinutes", 10**30, between(0, 1440)),
    ("config", "terminate_wait_minutes", "soon", NO_INTEGER),
    ("config", "autoTerminateEnabled", "no", NO_BOOLEAN),
    ("config", "autoSwitchEnabled", "true", NO_BOOLEAN),
    ("config", "manualReplicaEnabled", None, NULL),
    ("config", "min_savings_percent", 100.1, between(0, 100)),
    ("config", "min_savings_percent", "15", NO_NUMBER),
    ("config", "min_savings_percent", False, NO_NUMBER),
    ("config", "risk_threshold", -0.1, between(0, 1)),
    ("config", "max_switches_per_week", 0, between(1, 50)),
    ("config", "min_pool_duration_hours", 25, between(1, 24)),
]


@pytest.fixture
def agent(api: Api) -> str:
    return api.register()


def path_of(agent_id: str, form: str) -> str:
    return f"/api/client/agents/{agent_id}/{form}"


def the_row(store: Store) -> dict[str, Json]:
    return dict(store.row("agents"))


class TestWhatIsSent:
    @pytest.mark.parametrize(("form", "field", "value", "message"), WRONG)
    def test_is_refused_by_field(
        self, api: Api, store: Store, agent: str, form: str, field: str, value: Json, message: str
    ) -> None:
        before = store.contents()

        answer = api.post(path_of(agent, form), {field: value})

        assert (answer.status_code, answer.json()) == (
            400,
            {"error": "Validation failed", "details": {field: [message]}},
        )
        assert store.contents() == before

    def test_is_refused_all_at_once(self, api: Api, agent: str) -> None:
        sent = {"terminateWaitMinutes": "x", "autoSwitchEnabled": None, "risk_threshold": 7}

        details = api.post(path_of(agent, "config"), sent).json()["details"]

        assert set(details) == set(sent)

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("sent", [b"null", b"{}", b"[]", b'""', b"0", b"false"])
    def test_may_be_nothing(self, api: Api, agent: str, form: str, sent: bytes) -> None:
        answer = api.post(path_of(agent, form), sent)

        assert (answer.status_code, answer.json()["success"]) == (200, True)

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("sent", [b"[1]", b'"x"', b"5", b"true"])
    def test_is_an_object(self, api: Api, agent: str, form: str, sent: bytes) -> None:
        answer = api.post(path_of(agent, form), sent)

        assert answer.status_code == 400
        assert answer.json()["details"] == {"_schema": ["Invalid input type."]}

    @pytest.mark.parametrize("form", FORMS)
    def test_is_json(self, api: Api, agent: str, form: str) -> None:
        malformed = api.post(path_of(agent, form), b"{")
        undeclared = api.post(path_of(agent, form), b"{}", headers={"Content-Type": "text/plain"})

        assert (malformed.status_code, malformed.json()) == (400, {"error": "Invalid JSON body"})
        assert (undeclared.status_code, undeclared.json()) == (
            415,
            {"error": "Content-Type must be application/json"},
        )

    @pytest.mark.parametrize("form", ["settings", "config"])
    def test_must_be_there(self, api: Api, agent: str, form: str) -> None:
        assert api.post(path_of(agent, form)).status_code == 415
        assert api.post(path_of(agent, form), b"").status_code == 400

    @pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}])
    def test_need_not_be_there_to_let_an_agent_work(
        self, api: Api, store: Store, agent: str, headers: dict[str, str]
    ) -> None:
        api.post(path_of(agent, "toggle-enabled"), {"enabled": False})

        answer = api.post(path_of(agent, "toggle-enabled"), headers=headers)

        assert (answer.status_code, answer.json()) == (200, {"success": True})
        assert the_row(store)["enabled"] == 1

    @pytest.mark.parametrize(
        ("sent", "minutes"),
        [
            ({"terminateWaitMinutes": 15}, 15),
            ({"terminateWaitMinutes": "45"}, 45),
            ({"terminateWaitMinutes": 2.9}, 2),
            ({"terminate_wait_minutes": 7}, 7),
            ({"terminateWaitMinutes": 8, "terminate_wait_minutes": "x"}, 8),
            ({"terminateWaitMinutes": 1440}, 1440),
            ({"terminateWaitMinutes": 0}, 0),
        ],
    )
    def test_may_be_minutes_in_several_forms(
        self, api: Api, store: Store, agent: str, sent: Json, minutes: int
    ) -> None:
        assert api.post(path_of(agent, "config"), sent).status_code == 200

        assert the_row(store)["terminate_wait_seconds"] == minutes * 60
        (shown,) = api.get(f"/api/client/{OWNER}/agents").json()
        assert shown["terminateWaitMinutes"] == (minutes or 30)

    def test_of_the_oldest_dashboard_changes_limits(
        self, api: Api, store: Store, agent: str
    ) -> None:
        sent = {"min_savings_percent": 12.345, "risk_threshold": 1, "max_switches_per_week": "50"}

        assert api.post(path_of(agent, "config"), sent).status_code == 200

        row = store.row("agent_configs")
        stored = [float(row[name]) for name in ("min_savings_percent", "risk_threshold")]
        assert (stored, row["max_switches_per_week"]) == ([12.34, 1.0], 50)
        assert row["min_pool_duration_hours"] == 2

    def test_names_a_token_beside_its_fields(self, api: Api, store: Store, agent: str) -> None:
        sent = {"client_token": OWNER_TOKEN, "enabled": False}

        answer = api.send("POST", path_of(agent, "toggle-enabled"), sent, token=None)

        assert answer.status_code == 200
        assert OWNER_TOKEN not in str(store.rows("audit_logs"))


class TestModes:
    def test_are_told_as_stored(self, api: Api, store: Store, agent: str) -> None:
        for sent, auto, manual in (
            ({"manualReplicaEnabled": True}, False, True),
            ({"autoSwitchEnabled": 1}, True, False),
            ({"autoSwitchEnabled": True, "manualReplicaEnabled": True}, False, True),
            ({}, False, True),
            ({"manualReplicaEnabled": 0}, False, False),
        ):
            answer = api.post(path_of(agent, "config"), sent).json()
            assert answer == {
                "success": True,
                "auto_switch_enabled": auto,
                "manual_replica_enabled": manual,
            }
            row = the_row(store)
            assert (row["auto_switch_enabled"], row["manual_replica_enabled"]) == (auto, manual)

    def test_cannot_be_bypassed_by_settings(self, api: Api, store: Store, agent: str) -> None:
        api.post(path_of(agent, "settings"), {"manual_replica_enabled": True})
        api.post(path_of(agent, "settings"), {"auto_switch_enabled": True, "replica_count": "2"})

        row = the_row(store)
        assert (row["auto_switch_enabled"], row["manual_replica_enabled"]) == (1, 0)


class TestAnAgentThatIsNotThere:
    @pytest.mark.parametrize("form", FORMS)
    def test_is_not_found_whatever_is_sent(self, api: Api, agent: str, form: str) -> None:
        api.send("DELETE", f"/api/client/agents/{agent}")
        for agent_id in (agent, "nobody", agent.upper()):
            for sent in ({}, {"enabled": "x", "replica_count": "x", "autoSwitchEnabled": "x"}):
                answer = api.post(path_of(agent_id, form), sent)
                assert (answer.status_code, answer.json()) == (404, {"error": "Agent not found"})

    def test_cannot_be_deleted_but_a_deleted_one_can(self, api: Api, agent: str) -> None:
        for _ in range(2):
            answer = api.send("DELETE", f"/api/client/agents/{agent}", {"ignored": True})
            assert (answer.status_code, answer.json()) == (
                200,
                {
                    "success": True,
                    "message": "Agent deleted successfully",
                    "agent_id": agent,
                },
            )
        answer = api.send("DELETE", "/api/client/agents/nobody")
        assert (answer.status_code, answer.json()) == (404, {"error": "Agent not found"})


def test_deleting_withdraws_orders_and_ends_the_instance(
    api: Api, store: Store, agent: str
) -> None:
    api.order_switch(agent)

    api.send("DELETE", f"/api/client/agents/{agent}")

    assert store.row("commands")["status"] == "cancelled"
    assert store.row("instances")["is_active"] == 0
    assert api.poll(agent) == []


class TestReading:
    def test_shows_all_but_deleted_agents_the_one_heard_from_last_first(
        self, api: Api, store: Store
    ) -> None:
        first = api.register()
        second = api.register(logical_agent_id="b", instance_id="i-2")
        gone = api.register(logical_agent_id="c", instance_id="i-3")
        api.register(logical_agent_id="d", instance_id="i-4", token=STRANGER_TOKEN)
        api.send("DELETE", f"/api/client/agents/{gone}")
        api.clock.advance(60)
        api.post(f"/api/agents/{first}/heartbeat", {"status": "online", "instance_id": "i-1"})

        shown = api.get(f"/api/client/{OWNER}/agents").json()
        past = api.get(f"/api/client/{OWNER}/agents/history").json()

        assert [agent["id"] for agent in shown] == [first, second]
        assert shown[0]["enabled"] is True
        assert [agent["id"] for agent in past] == [first, second, gone]
        assert past[0]["installedAt"] is not None
        assert past[2]["terminatedAt"] is not None

    def test_shows_one_agent_with_everything(self, api: Api, agent: str) -> None:
        (line,) = api.get(f"/api/client/{OWNER}/agents").json()
        (past,) = api.get(f"/api/client/{OWNER}/agents/history").json()

        single = api.get(f"/api/client/agents/{agent}").json()

        assert {name: single[name] for name in {**line, **past}} == {**line, **past}
        assert {name: single[name] for name in single.keys() - line.keys() - past.keys()} == {
            "clientId": OWNER,
            "hostname": "ip-10-0-0-1",
            "currentPoolId": "t3.medium.us-east-1a",
            "replicaCount": 0,
            "currentReplicaId": None,
            "config": {
                "minSavingsPercent": 15.0,
                "riskThreshold": 0.3,
                "maxSwitchesPerWeek": 10,
                "minPoolDurationHours": 2,
            },
        }

    def test_shows_the_customers_dashboard_the_same_in_its_words(
        self, api: Api, agent: str
    ) -> None:
        single = api.get(f"/api/client/agents/{agent}").json()

        record = api.get(f"/api/agents/{agent}").json()

        assert record["logical_agent_id"] == single["logicalAgentId"]
        assert record["config"]["max_switches_per_week"] == 10
        assert len(record) == len(single)

    def test_shows_nothing_of_a_client_that_does_not_exist(self, api: Api) -> None:
        for view in ("agents", "agents/history"):
            answer = api.get(f"/api/client/nobody/{view}", token=OPERATOR_TOKEN)
            assert (answer.status_code, answer.json()) == (200, [])
        answer = api.get("/api/client/nobody", token=OPERATOR_TOKEN)
        assert (answer.status_code, answer.json()) == (404, {"error": "Client not found"})


class TestOnAnOpenServer:
    @pytest.fixture
    def api(self, store: Store, tmp_path: Path) -> Iterator[Api]:
        store.empty()
        with an_api(store.url, tmp_path, ADMIN_AUTH="open") as api:
            yield api

    def test_a_dashboard_without_credentials_sees_and_does_everything(
        self, api: Api, agent: str
    ) -> None:
        for method, path, sent in (
            ("GET", f"/api/client/{OWNER}", b""),
            ("GET", f"/api/client/{OWNER}/agents", b""),
            ("GET", f"/api/client/agents/{agent}", b""),
            ("POST", path_of(agent, "settings"), {}),
            ("DELETE", f"/api/client/agents/{agent}", b""),
        ):
            answer = api.send(method, path, sent, token=None)
            assert answer.status_code == 200, path

    def test_a_token_that_is_presented_binds(self, api: Api, agent: str) -> None:
        for presented in ({"Authorization": STRANGER_TOKEN}, {}):
            sent = b"" if presented else {"client_token": STRANGER_TOKEN}
            answer = api.send("GET", f"/api/client/{OWNER}", sent, token=None, headers=presented)
            assert (answer.status_code, answer.json()) == (404, {"error": "Client not found"})

    def test_a_token_that_nobody_has_opens_nothing(self, api: Api) -> None:
        assert api.get(f"/api/client/{OWNER}", token="token-of-nobody").status_code == 401
