"""Dashboards show and move instances (contract/clients-and-notifications.md 4.6, 6, 7.3)."""

from __future__ import annotations

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER,
    OWNER_TOKEN,
    STRANGER_TOKEN,
    Api,
    Json,
    Store,
)

TYPE, REGION = "t3.medium", "us-east-1"
POOL_A, POOL_B, POOL_C = (f"{TYPE}.us-east-1{zone}" for zone in "abc")
VIEWS = ("pricing", "metrics", "price-history", "available-options", "logs")


@pytest.fixture
def agent(api: Api) -> str:
    return api.register()


def a_pool(pool_id: str, **columns: Json) -> dict[str, Json]:
    instance_type, _, zone = pool_id.rpartition(".")
    row = {"id": pool_id, "pool_name": None, "instance_type": instance_type, "region": REGION}
    return {**row, "az": zone, "is_active": 1, **columns}


def a_tick(pool_id: str, price: float, at: str) -> dict[str, Json]:
    return {"pool_id": pool_id, "price": price, "captured_at": at, "recorded_at": at}


def a_switch(switch_id: str, agent_id: str, **columns: Json) -> dict[str, Json]:
    return {
        "id": switch_id,
        "client_id": OWNER,
        "agent_id": agent_id,
        "old_instance_id": "i-0",
        "new_instance_id": "i-1",
        "success": 1,
        **columns,
    }


def insert(store: Store, **tables: list[dict[str, Json]]) -> None:
    store.add(tables)


def instance_ids(api: Api, query: str = "") -> list[str]:
    answer = api.get(f"/api/client/{OWNER}/instances{query}")
    assert answer.status_code == 200
    return [instance["id"] for instance in answer.json()]


class TestTheList:
    @pytest.fixture(autouse=True)
    def fleet(self, api: Api, store: Store, agent: str) -> None:
        api.register(logical_agent_id="b", instance_id="i-2", instance_type="m5_large")
        gone = api.register(logical_agent_id="c", instance_id="i-3", mode="ondemand")
        api.send("DELETE", f"/api/client/agents/{gone}")

    @pytest.mark.parametrize(
        ("query", "ids"),
        [
            ("", {"i-1", "i-2", "i-3"}),
            ("?status=all&mode=all&search=", {"i-1", "i-2", "i-3"}),
            ("?status=nonsense&mode=", {"i-1", "i-2", "i-3"}),
            ("?status=active", {"i-1", "i-2"}),
            ("?status=terminated", {"i-3"}),
            ("?mode=ondemand", {"i-3"}),
            ("?mode=OnDemand", {"i-3"}),
            ("?mode=spot&status=active", {"i-1", "i-2"}),
            ("?search=I-2", {"i-2"}),
            ("?search=T3.M", {"i-1", "i-3"}),
            ("?search=5_l", {"i-2"}),
            ("?search=3_m", set()),
            ("?search=%25", set()),
            ("?search=%27%3B--", set()),
        ],
    )
    def test_is_filtered(self, api: Api, query: str, ids: set[str]) -> None:
        assert set(instance_ids(api, query)) == ids

    def test_shows_where_and_how_each_runs(self, api: Api) -> None:
        (line,) = api.get(f"/api/client/{OWNER}/instances?search=i-1").json()

        assert line == {
            "id": "i-1",
            "type": TYPE,
            "region": REGION,
            "az": "us-east-1a",
            "mode": "spot",
            "poolId": POOL_A,
            "spotPrice": 0.01248,
            "onDemandPrice": 0.0416,
            "isActive": True,
            "lastSwitch": None,
        }


class TestPrices:
    def test_are_of_the_last_hour_the_cheapest_first(
        self, api: Api, store: Store, agent: str
    ) -> None:
        insert(
            store,
            spot_pools=[
                a_pool(POOL_B, pool_name="P b"),
                a_pool(POOL_C, is_active=0),
                a_pool("t3.medium.us-west-2a", region="us-west-2"),
                a_pool("m5.large.us-east-1a"),
            ],
            spot_price_snapshots=[
                a_tick(POOL_B, 0.02, api.ago(minutes=50)),
                a_tick(POOL_B, 0.03, api.ago(minutes=20)),
                a_tick(POOL_C, 0.001, api.ago(minutes=61)),
            ],
        )

        pricing = api.get("/api/client/instances/i-1/pricing").json()

        assert pricing["onDemand"] == {"name": "On-Demand", "price": 0.0416}
        assert [(pool["id"], pool["name"], pool["price"]) for pool in pricing["pools"]] == [
            (POOL_B, "P b", 0.03),
            (POOL_C, "t3.medium (us-east-1c)", 0),
        ]
        assert [pool["savings"] for pool in pricing["pools"]] == [
            (0.0416 - 0.03) / 0.0416 * 100,
            0,
        ]
        assert pricing["currentPool"] is None

    def test_name_the_pool_that_is_on_record(self, api: Api, store: Store, agent: str) -> None:
        insert(store, spot_pools=[a_pool(POOL_A)])

        pricing = api.get("/api/client/instances/i-1/pricing").json()

        name = "t3.medium (us-east-1a)"
        assert pricing["currentPool"] == {"id": POOL_A, "name": name, "az": "us-east-1a"}
        assert pricing["currentMode"] == "spot"


class TestMetrics:
    def test_count_the_switches_that_led_there(self, api: Api, store: Store, agent: str) -> None:
        insert(
            store,
            switches=[
                a_switch("s1", agent, savings_impact=0.0291, initiated_at=api.ago(hours=20)),
                a_switch("s2", agent, savings_impact=0.01, initiated_at=api.ago(days=10)),
                a_switch("s3", agent, savings_impact=-0.001234, initiated_at=api.ago(days=31)),
                a_switch("s4", agent, savings_impact=None, initiated_at=None),
                a_switch("s5", agent, new_instance_id="i-2", savings_impact=5),
            ],
        )
        api.clock.advance(3 * 3600)

        metrics = api.get("/api/client/instances/i-1/metrics").json()

        assert (metrics["totalSwitches"], metrics["switchesLast30Days"]) == (4, 2)
        assert (metrics["switchesLast7Days"], metrics["uptimeHours"]) == (1, 3)
        assert metrics["savingsLast30Days"] == pytest.approx(0.9384, abs=1e-12)
        assert metrics["totalSavings"] == pytest.approx(0.908784, abs=1e-12)
        assert metrics["hoursSinceLastSwitch"] == 0


class TestOptions:
    def test_are_the_active_pools_and_the_types_of_the_family(
        self, api: Api, store: Store, agent: str
    ) -> None:
        insert(
            store,
            spot_pools=[
                a_pool(POOL_A),
                a_pool(POOL_B),
                a_pool(POOL_C, is_active=0),
                a_pool("t3.large.us-east-1a"),
                a_pool("t3a.large.us-east-1a"),
                a_pool("t3.nano.us-east-1a", is_active=0),
                a_pool("t3.small.us-west-2a", region="us-west-2"),
            ],
            spot_price_snapshots=[a_tick(POOL_B, 0.02, api.ago(days=20))],
        )

        options = api.get("/api/client/instances/i-1/available-options").json()

        assert options == {
            "currentType": TYPE,
            "currentRegion": REGION,
            "currentAz": "us-east-1a",
            "availablePools": [
                {"id": POOL_B, "az": "us-east-1b", "instanceType": TYPE, "price": 0.02},
                {"id": POOL_A, "az": "us-east-1a", "instanceType": TYPE, "price": None},
            ],
            "availableTypes": ["t3.large", TYPE],
        }

    def test_are_those_of_the_agent_where_the_instance_is_not_on_record(
        self, api: Api, store: Store, agent: str
    ) -> None:
        store.add({}, instead_of=["instances"])

        options = api.get("/api/client/instances/i-1/available-options")

        assert (options.status_code, options.json()["currentType"]) == (200, TYPE)
        assert api.get("/api/client/instances/i-1/pricing").status_code == 404


class TestTheLog:
    def test_tells_what_happened_newest_first(self, api: Api, store: Store, agent: str) -> None:
        api.clock.advance(600)
        price_report = {
            "instance": {"instance_id": "i-1", "instance_type": TYPE, "region": REGION},
            "pricing": {"on_demand_price": 0.0416, "current_spot_price": 0.02, "spot_pools": []},
        }
        api.post(f"/api/agents/{agent}/pricing-report", price_report)
        insert(
            store,
            switches=[
                a_switch(
                    "s1",
                    agent,
                    old_instance_type="m5.large",
                    new_instance_type=TYPE,
                    savings_impact=0.5,
                    success=0,
                    initiated_at=api.ago(minutes=5),
                ),
                a_switch("s2", agent, old_instance_id="i-1", new_instance_id="i-2"),
            ],
            spot_interruption_events=[
                {
                    "instance_id": "i-1",
                    "agent_id": agent,
                    "signal_type": "termination-notice",
                    "response_action": "no-action",
                    "detected_at": api.ago(minutes=2),
                }
            ],
        )
        api.send("DELETE", f"/api/client/agents/{agent}")

        entries = api.get("/api/client/instances/i-1/logs").json()

        assert [entry["eventType"] for entry in entries] == [
            "pricing_update",
            "termination",
            "termination",
            "switch",
            "switch",
        ]
        assert entries[0] == {
            "eventType": "pricing_update",
            "timestamp": entries[0]["timestamp"],
            "status": "success",
            "instanceType": TYPE,
            "price": 0.02,
            "reason": "Price update received",
        }
        assert entries[3] == {
            "eventType": "switch",
            "timestamp": entries[3]["timestamp"],
            "status": "failed",
            "fromValue": "m5.large",
            "toValue": TYPE,
            "savings": 0.5,
            "reason": "manual",
        }
        assert entries[4]["timestamp"] is None

    @pytest.mark.parametrize(
        ("limit", "shown"), [("2", 2), ("0", 1), ("-5", 1), ("many", 3), ("9" * 30, 3), ("", 3)]
    )
    def test_is_cut(self, api: Api, store: Store, agent: str, limit: str, shown: int) -> None:
        moves = [
            a_switch(f"s{number}", agent, initiated_at=api.ago(minutes=number))
            for number in range(3)
        ]
        insert(store, switches=moves)

        assert len(api.get(f"/api/client/instances/i-1/logs?limit={limit}").json()) == shown

    def test_tells_nothing_that_other_clients_say(self, api: Api, store: Store, agent: str) -> None:
        theirs = api.register(token=STRANGER_TOKEN, instance_id="i-9", logical_agent_id="x")
        insert(
            store,
            switches=[a_switch("s1", theirs, client_id="client-stranger")],
            spot_interruption_events=[
                {
                    "instance_id": "i-1",
                    "agent_id": theirs,
                    "signal_type": "termination-notice",
                    "response_action": "no-action",
                    "detected_at": api.ago(minutes=2),
                }
            ],
        )

        assert api.get("/api/client/instances/i-1/logs").json() == []
        assert api.get("/api/client/instances/i-1/metrics").json()["totalSwitches"] == 0


class TestForcingASwitch:
    PATH = "/api/client/instances/i-1/force-switch"

    @pytest.mark.parametrize(
        ("sent", "field", "message"),
        [
            ({}, "target", "Missing data for required field."),
            ({"target": None}, "target", "Field may not be null."),
            ({"target": 5}, "target", "Not a valid string."),
            ({"target": "moon"}, "target", "Must be one of: ondemand, pool, spot."),
            ({"target": "spot", "speed": 1}, "speed", "Unknown field."),
            ({"target": "spot", "pool_id": None}, "pool_id", "Field may not be null."),
            (
                {"target": "spot", "pool_id": "x" * 129},
                "pool_id",
                "Longer than maximum length 128.",
            ),
            (
                {"target": "spot", "pool_id": "x" * 101},
                "pool_id",
                "Longer than maximum length 100.",
            ),
            (
                {"target": "spot", "new_instance_type": "x" * 51},
                "new_instance_type",
                "Longer than maximum length 50.",
            ),
            (
                {"target": "spot", "instance_type": "x" * 51},
                "instance_type",
                "Longer than maximum length 50.",
            ),
        ],
    )
    def test_is_refused_by_field(
        self, api: Api, store: Store, agent: str, sent: Json, field: str, message: str
    ) -> None:
        before = store.contents()

        answer = api.post(self.PATH, sent)

        assert (answer.status_code, answer.json()) == (
            400,
            {"error": "Validation failed", "details": {field: [message]}},
        )
        assert store.contents() == before

    def test_queues_a_command_with_everything_an_agent_needs(
        self, api: Api, store: Store, agent: str
    ) -> None:
        insert(store, spot_pools=[a_pool(POOL_A), a_pool(POOL_B), a_pool(POOL_C)])
        insert(
            store,
            spot_price_snapshots=[
                a_tick(POOL_A, 0.01, api.ago(minutes=5)),
                a_tick(POOL_B, 0.02, api.ago(days=3)),
            ],
        )

        answer = api.post(self.PATH, {"target": "pool", "instance_type": TYPE})

        row = store.row("commands")
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "success": True,
                "command_id": row["id"],
                "message": "Switch command queued. Agent will execute on next check.",
            },
        )
        wanted = {
            "client_id": OWNER,
            "agent_id": agent,
            "command_type": "switch",
            "instance_id": "i-1",
            "target_mode": "spot",
            "target_pool_id": POOL_B,
            "priority": 75,
            "terminate_wait_seconds": 300,
            "status": "pending",
            "created_by": "manual",
            "trigger_type": "manual_ui",
            "execution_result": {"new_instance_type": TYPE},
        }
        assert {name: row[name] for name in wanted} == wanted
        (event,) = [e for e in store.rows("system_events") if e["event_type"].startswith("manual")]
        assert event["message"] == "Manual switch requested for i-1 to pool"
        assert event["metadata"] == {
            "target": "pool",
            "pool_id": None,
            "new_instance_type": TYPE,
        }
        messages = {row["message"] for row in store.rows("notifications")}
        assert f"Manual switch queued for i-1 (type: {TYPE})" in messages
        assert api.poll(agent)[0]["target_pool_id"] == POOL_B

    def test_names_a_pool_even_where_none_is_known(
        self, api: Api, store: Store, agent: str
    ) -> None:
        assert api.post(self.PATH, {"target": "spot", "pool_id": "  "}).status_code == 200

        assert store.row("commands")["target_pool_id"] == POOL_A

    def test_takes_a_pool_that_nobody_knows_but_none_of_another_type_or_region(
        self, api: Api, store: Store, agent: str
    ) -> None:
        insert(
            store,
            spot_pools=[
                a_pool("m5.large.us-east-1a"),
                a_pool("t3.medium.us-west-2a", region="us-west-2"),
                a_pool("t3.large.us-east-1a"),
            ],
        )
        for pool_id, status in (
            ("m5.large.us-east-1a", 400),
            ("t3.medium.us-west-2a", 400),
            ("pool-of-tomorrow", 200),
        ):
            answer = api.post(self.PATH, {"target": "spot", "pool_id": pool_id})
            assert answer.status_code == status, pool_id
            if status == 400:
                assert answer.json()["details"] == {
                    "pool_id": ["Pool does not match the instance."]
                }
        wanted = {"target": "spot", "pool_id": "t3.large.us-east-1a"}
        assert api.post(self.PATH, wanted).status_code == 400
        assert api.post(self.PATH, {**wanted, "new_instance_type": "t3.large"}).status_code == 200

    def test_again_is_the_same_command_and_elsewhere_another(
        self, api: Api, store: Store, agent: str
    ) -> None:
        ids = [
            api.post(self.PATH, {"target": target}).json()["command_id"]
            for target in ("ondemand", "ondemand", "spot", "ondemand")
        ]

        assert ids[0] == ids[1] == ids[3] != ids[2]
        assert len(store.rows("commands")) == 2

    def test_asks_for_no_settings(self, api: Api, store: Store, agent: str) -> None:
        api.post(f"/api/client/agents/{agent}/toggle-enabled", {"enabled": False})
        api.post(
            f"/api/client/agents/{agent}/config",
            {"autoSwitchEnabled": False, "autoTerminateEnabled": False},
        )

        assert api.post(self.PATH, {"target": "ondemand"}).status_code == 200

        assert store.row("commands")["terminate_wait_seconds"] == 0

    def test_of_what_is_gone_is_refused(self, api: Api, store: Store, agent: str) -> None:
        api.send("DELETE", f"/api/client/agents/{agent}")

        answer = api.post(self.PATH, {"target": "ondemand"})

        assert answer.status_code == 403
        assert answer.json()["error"] == "Cannot switch terminated instance"
        assert isinstance(answer.json()["message"], str)

    def test_of_an_instance_without_agent_or_without_record_is_not_found(
        self, api: Api, store: Store, agent: str
    ) -> None:
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE instances SET agent_id = NULL")
        orphaned = api.post(self.PATH, {"target": "ondemand"})
        unknown = api.post("/api/client/instances/i-7/force-switch", {"target": "ondemand"})

        assert (orphaned.status_code, orphaned.json()["error"]) == (
            404,
            "No agent assigned to instance",
        )
        assert (unknown.status_code, unknown.json()["error"]) == (
            404,
            "Instance or agent not found",
        )

    def test_finds_the_agent_of_an_instance_that_is_not_on_record(
        self, api: Api, store: Store, agent: str
    ) -> None:
        store.add({}, instead_of=["instances"])

        assert api.post(self.PATH, {"target": "ondemand"}).status_code == 200

        assert store.row("commands")["agent_id"] == agent

    @pytest.mark.parametrize("sent", [{}, {"target": "ondemand"}])
    def test_of_another_clients_instance_is_as_of_none(
        self, api: Api, store: Store, agent: str, sent: Json
    ) -> None:
        before = store.contents()

        for path in (self.PATH, "/api/client/instances/nothing/force-switch"):
            answer = api.post(path, sent, token=STRANGER_TOKEN)
            assert (answer.status_code, answer.json()) == (
                404,
                {"error": "Instance or agent not found"},
            )

        assert store.contents() == before


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    ("instance", "token"),
    [("i-7", OPERATOR_TOKEN), ("i-7", OWNER_TOKEN), ("i-1", STRANGER_TOKEN), ("I-1", OWNER_TOKEN)],
)
def test_an_instance_that_is_not_there_for_the_asker_is_not_found(
    api: Api, agent: str, view: str, instance: str, token: str
) -> None:
    answer = api.get(f"/api/client/instances/{instance}/{view}", token=token)

    assert (answer.status_code, answer.json()) == (404, {"error": "Instance not found"})
