"""The operator's lists over all clients (contract admin 1.8 - 1.11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER,
    STRANGER_TOKEN,
    Answer,
    Api,
    Json,
    Store,
)


def ask(api: Api, path: str, **query: str | int) -> Answer:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = api.get(f"/api/admin/{path}?{asked}", token=OPERATOR_TOKEN)
    assert answer.status_code == 200, answer.text
    return answer


def instances(api: Api, **query: str | int) -> list[Json]:
    found: list[Json] = ask(api, "instances", **query).json()["instances"]
    return found


def ids(items: list[Json]) -> list[str]:
    return [str(item["id"]) for item in items]


def change(store: Store, statement: str) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql(statement)


@pytest.fixture
def fleet(api: Api, store: Store) -> dict[str, str]:
    """The owner's web-1 on i-1 and a stranger's db_1 on i-2, which is gone."""
    web = api.register(logical_agent_id="web-1")
    db = api.register(
        token=STRANGER_TOKEN,
        logical_agent_id="db_1",
        instance_id="i-2",
        mode="ondemand",
        region="eu-west-1",
        az="eu-west-1a",
        instance_type="m5.large",
    )
    change(store, "UPDATE instances SET is_active = 0, spot_price = 0 WHERE id = 'i-2'")
    change(store, "UPDATE instances SET created_at = '2025-06-01 10:00:00' WHERE id = 'i-1'")
    change(store, "UPDATE instances SET created_at = '2025-06-02 10:00:00' WHERE id = 'i-2'")
    return {"web": web, "db": db}


class TestInstances:
    def test_come_newest_first_with_who_they_belong_to(
        self, api: Api, fleet: dict[str, str]
    ) -> None:
        answer = ask(api, "instances").json()

        assert answer["total"] == 2
        assert answer["filters"] == {"status": None, "mode": None, "region": None}
        assert ids(answer["instances"]) == ["i-2", "i-1"]
        newest = answer["instances"][0]
        assert newest.pop("installedAt") is not None
        assert newest == {
            "id": "i-2",
            "instanceId": "i-2",
            "clientId": "client-stranger",
            "clientName": "client-stranger",
            "agentId": fleet["db"],
            "region": "eu-west-1",
            "az": "eu-west-1a",
            "instanceType": "m5.large",
            "currentMode": "ondemand",
            "currentPoolId": newest["currentPoolId"],
            "spotPrice": None,
            "ondemandPrice": 0.0416,
            "isActive": False,
            "createdAt": "2025-06-02T10:00:00",
            "logicalAgentId": "db_1",
            "agentStatus": "online",
        }

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"status": "active"}, ["i-1"]),
            ({"status": "terminated"}, ["i-2"]),
            ({"status": "zombie"}, ["i-2", "i-1"]),
            ({"status": ""}, ["i-2", "i-1"]),
            ({"mode": "spot"}, ["i-1"]),
            ({"mode": "ondemand"}, ["i-2"]),
            ({"mode": "Spot"}, ["i-1"]),
            ({"mode": "sp\u00f3t"}, ["i-1"]),
            ({"region": "EU-West-1"}, ["i-2"]),
            ({"mode": "on-demand"}, ["i-2"]),
            ({"mode": "nonsense"}, []),
            ({"mode": ""}, ["i-2", "i-1"]),
            ({"region": "eu-west-1"}, ["i-2"]),
            ({"region": "mars-1"}, []),
            ({"mode": "spot", "region": "eu-west-1"}, []),
            ({"search": "I-2"}, ["i-2"]),
            ({"search": "STRANGER"}, ["i-2"]),
            ({"search": "M5."}, ["i-2"]),
            ({"search": "WEB"}, ["i-1"]),
            ({"search": "%25"}, []),
            ({"search": "b_1"}, ["i-2"]),
            ({"search": "b-1"}, ["i-1"]),
            ({"search": "'; DROP TABLE agents; --"}, []),
            ({"search": "nothing of that"}, []),
            ({"search": " "}, ["i-2", "i-1"]),
        ],
    )
    @pytest.mark.usefixtures("fleet")
    def test_are_filtered(self, api: Api, query: dict[str, Any], found: list[str]) -> None:
        answer = ask(api, "instances", **query).json()

        assert ids(answer["instances"]) == found
        assert answer["total"] == len(found)
        assert answer["filters"] == {name: query.get(name) for name in ("status", "mode", "region")}

    def test_of_two_agents_on_one_the_stored_one_counts(
        self, api: Api, store: Store, fleet: dict[str, str]
    ) -> None:
        change(store, f"UPDATE agents SET instance_id = 'i-1' WHERE id = '{fleet['db']}'")
        change(store, "UPDATE agents SET last_heartbeat_at = '2020-01-01' WHERE status = 'online'")
        change(
            store,
            f"UPDATE agents SET last_heartbeat_at = '2025-01-01' WHERE id = '{fleet['db']}'",
        )

        (line,) = instances(api, status="active")

        assert (line["logicalAgentId"], line["agentId"]) == ("web-1", fleet["web"])

    def test_of_other_agents_on_one_the_last_one_heard_of_counts_unless_deleted(
        self, api: Api, store: Store
    ) -> None:
        for number in (1, 2, 3):
            api.register(logical_agent_id=f"web-{number}", instance_id=f"i-{number}")
        change(store, "UPDATE agents SET instance_id = 'i-1'")
        change(store, "UPDATE instances SET agent_id = NULL")
        for number, status in ((1, "online"), (2, "offline"), (3, "deleted")):
            change(
                store,
                f"UPDATE agents SET last_heartbeat_at = '2025-01-0{number}', status = '{status}'"
                f" WHERE logical_agent_id = 'web-{number}'",
            )

        lines = {line["id"]: line for line in instances(api)}

        assert set(lines) == {"i-1", "i-2", "i-3"}
        assert (lines["i-1"]["logicalAgentId"], lines["i-1"]["agentStatus"]) == (
            "web-2",
            "offline",
        )
        assert lines["i-2"]["logicalAgentId"] is None

    def test_are_five_hundred_at_most(self, api: Api, store: Store) -> None:
        rows = ", ".join(
            f"('x-{number}', '{OWNER}', 't3.medium', 'us-east-1', 'us-east-1a')"
            for number in range(510)
        )
        change(
            store, f"INSERT INTO instances (id, client_id, instance_type, region, az) VALUES {rows}"
        )

        assert ask(api, "instances").json()["total"] == len(instances(api)) == 500


class TestAgents:
    def test_come_the_last_heard_of_first_and_the_never_heard_of_last(
        self, api: Api, store: Store, fleet: dict[str, str]
    ) -> None:
        other = api.register(logical_agent_id="web-0", instance_id="i-0")
        for name, heard in ((fleet["web"], "NULL"), (fleet["db"], "'2025-01-01'")):
            change(store, f"UPDATE agents SET last_heartbeat_at = {heard} WHERE id = '{name}'")

        answer = ask(api, "agents").json()

        assert ids(answer["agents"]) == [other, fleet["db"], fleet["web"]]
        assert (answer["total"], answer["filters"]) == (3, {"status": None})

    def test_are_shown_with_what_is_known(self, api: Api, store: Store) -> None:
        agent_id = api.register()
        change(store, "UPDATE agents SET last_heartbeat_at = '2025-06-17 11:59:59'")
        change(store, "UPDATE instances SET az = 'us-east-1f'")

        (agent,) = ask(api, "agents").json()["agents"]

        assert agent == {
            "id": agent_id,
            "logicalAgentId": "web",
            "hostname": "ip-10-0-0-1",
            "clientId": OWNER,
            "clientName": OWNER,
            "instanceId": "i-1",
            "instanceType": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1f",
            "currentMode": "spot",
            "currentPoolId": "t3.medium.us-east-1a",
            "status": "online",
            "enabled": True,
            "autoSwitchEnabled": True,
            "version": "4.0.0",
            "lastHeartbeatAt": "2025-06-17T11:59:59",
            "createdAt": "2025-06-17T12:00:00",
        }

    def test_know_their_own_place_when_the_instance_row_is_missing(
        self, api: Api, store: Store
    ) -> None:
        api.register()
        change(store, "DELETE FROM instances")

        (agent,) = ask(api, "agents").json()["agents"]

        place = (agent["instanceType"], agent["region"], agent["az"], agent["currentMode"])
        assert place == ("t3.medium", "us-east-1", "us-east-1a", "spot")

    @pytest.mark.parametrize(
        ("status", "count"),
        [("online", 1), ("ONLINE ", 1), ("Deleted", 1), ("nonsense", 0), ("", 2)],
    )
    def test_are_filtered_by_status(
        self, api: Api, store: Store, fleet: dict[str, str], status: str, count: int
    ) -> None:
        change(store, f"UPDATE agents SET status = 'deleted' WHERE id = '{fleet['db']}'")

        answer = ask(api, "agents", status=status).json()

        assert answer["total"] == len(answer["agents"]) == count
        assert answer["filters"] == {"status": status}


class TestActivity:
    def test_is_the_newest_fifty_of_what_is_not_an_error(self, api: Api, store: Store) -> None:
        rows = ", ".join(
            f"({number}, 'agent_deleted', '{severity}', 'event {number}', '2025-06-17 10:00:00')"
            for number in range(1, 111)
            for severity in [("info", "warning", "error", "critical")[number % 4]]
        )
        change(
            store,
            "INSERT INTO system_events (id, event_type, severity, message, created_at)"
            f" VALUES {rows}",
        )

        items = ask(api, "activity").json()

        shown = [number for number in range(110, 0, -1) if number % 4 in (0, 1)][:50]
        assert items == [
            {
                "id": position,
                "type": "event",
                "text": f"event {number}",
                "time": "2025-06-17T10:00:00",
            }
            for position, number in enumerate(shown, start=1)
        ]

    @pytest.mark.parametrize(
        ("event_type", "shown_as"),
        [
            ("switch_completed", "switch"),
            ("manual_switch_requested", "switch"),
            ("agent_registered", "agent"),
            ("agent_deleted", "event"),
        ],
    )
    def test_groups_what_happened(
        self, api: Api, store: Store, event_type: str, shown_as: str
    ) -> None:
        change(store, f"INSERT INTO system_events (event_type) VALUES ('{event_type}')")
        change(store, "UPDATE system_events SET created_at = NULL")

        (item,) = ask(api, "activity").json()

        assert item == {"id": 1, "type": shown_as, "text": None, "time": "unknown"}


class TestGrowth:
    @pytest.fixture(autouse=True)
    def snapshots(self, api: Api, store: Store) -> None:
        """Today is 2025-06-17."""
        change(
            store,
            "INSERT INTO clients_daily_snapshot"
            " (snapshot_date, total_clients, new_clients_today, active_clients) VALUES"
            " ('2024-06-16', 1, 1, 1), ('2024-06-17', 2, 1, 2), ('2025-05-17', 3, 1, 3),"
            " ('2025-05-18', 4, 1, 2), ('2025-06-16', 5, 1, 5), ('2025-06-17', 6, 1, 6)",
        )

    @pytest.mark.parametrize(
        ("days", "totals"),
        [
            (None, [4, 5, 6]),
            ("30", [4, 5, 6]),
            ("31", [3, 4, 5, 6]),
            ("1", [5, 6]),
            ("0", [5, 6]),
            ("-5", [5, 6]),
            ("365", [2, 3, 4, 5, 6]),
            ("400", [2, 3, 4, 5, 6]),
            ("9" * 5000, [4, 5, 6]),
            ("abc", [4, 5, 6]),
            ("1.5", [4, 5, 6]),
            ("", [4, 5, 6]),
        ],
    )
    def test_is_told_for_so_many_days(self, api: Api, days: str | None, totals: list[int]) -> None:
        answer = ask(api, "clients/growth", **({} if days is None else {"days": days})).json()

        assert [day["total"] for day in answer] == totals

    def test_has_four_keys(self, api: Api) -> None:
        first = ask(api, "clients/growth").json()[0]

        assert first == {"date": "2025-05-18", "total": 4, "new": 1, "active": 2}
