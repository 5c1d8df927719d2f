"""The replica endpoints by their error tables and rules (contract/agents-and-replicas.md 3)."""

from __future__ import annotations

import pytest

from tests.application_under_test import OPERATOR_TOKEN, Answer, Api, Json, Store

POOL_A, POOL_B, POOL_C = (f"t3.medium.us-east-1{letter}" for letter in "abc")


class Fleet:
    """An agent in zone a with a standby wanted by hand; pools in three zones, b the cheapest."""

    def __init__(self, api: Api, store: Store, **settings: Json) -> None:
        self.api, self.store = api, store
        self.agent_id = api.register()
        pools = [{"pool_id": POOL_A, "price": 0.012}, {"pool_id": POOL_B, "price": 0.011}]
        pools.append({"pool_id": POOL_C, "price": 0.013})
        report = {"instance": {"instance_id": "i-1"}, "pricing": {"spot_pools": pools}}
        assert self.post("pricing-report", report).status_code == 200
        self.settle(**{"auto_switch_enabled": 0, "manual_replica_enabled": 1, **settings})

    def settle(self, **settings: Json) -> None:
        assignments = ", ".join(f"{name} = {value!r}" for name, value in settings.items())
        with self.store.writing() as connection:
            connection.exec_driver_sql(f"UPDATE agents SET {assignments}")

    def path(self, name: str) -> str:
        return f"/api/agents/{self.agent_id}/{name}"

    def post(self, name: str, body: Json = None, **options: Json) -> Answer:
        return self.api.post(self.path(name), {} if body is None else body, **options)

    def create(self, **wanted: Json) -> str:
        answer = self.post("replicas", wanted)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["replica_id"])

    def launch(self, replica_id: str, instance_id: str = "i-2", status: str = "ready") -> Json:
        body = {"instance_id": instance_id, "status": status}
        answer = self.api.send("PUT", self.path(f"replicas/{replica_id}"), body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def listed(self, query: str = "", **options: Json) -> list[Json]:
        answer = self.api.get(self.path(f"replicas{query}"), **options)
        assert answer.status_code == 200, answer.text
        assert answer.json()["total"] == len(answer.json()["replicas"])
        items: list[Json] = answer.json()["replicas"]
        return items

    @property
    def agent(self) -> Json:
        return self.store.row("agents")

    def replica(self, replica_id: str) -> Json:
        return next(row for row in self.store.rows("replica_instances") if row["id"] == replica_id)

    def instance(self, instance_id: str) -> Json:
        return next(row for row in self.store.rows("instances") if row["id"] == instance_id)


@pytest.fixture
def fleet(api: Api, store: Store) -> Fleet:
    return Fleet(api, store)


class TestCreating:
    def test_the_cheapest_other_pool_is_chosen(self, fleet: Fleet) -> None:
        answer = fleet.post("replicas", {"created_by": "ops", "tags": {"k": "v"}})

        body = answer.json()
        assert answer.status_code == 201
        assert body["pool"] == {
            "id": POOL_B,
            "name": "t3.medium (us-east-1b)",
            "instance_type": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1b",
        }
        assert body["hourly_cost"] == 0.011
        assert body["instance_id"] == "replica-" + body["replica_id"][:8]
        assert (fleet.agent["replica_count"], fleet.agent["current_replica_id"]) == (
            1,
            body["replica_id"],
        )
        assert "replica_created" in [row["action"] for row in fleet.store.rows("audit_logs")]
        assert fleet.store.rows("notifications") == fleet.store.rows("notifications")[:1]

    @pytest.mark.parametrize(
        ("wanted", "pool"),
        [
            ({"exclude_zones": ["us-east-1b"]}, POOL_C),
            ({"exclude_zones": "us-east-1b"}, POOL_C),
            ({"exclude_zones": None, "max_hourly_cost": 0}, POOL_B),
            ({"pool_id": "", "target_pool_id": POOL_C}, POOL_C),
            ({"pool_id": POOL_A}, POOL_A),
        ],
    )
    def test_wishes_count(self, fleet: Fleet, wanted: Json, pool: str) -> None:
        assert fleet.replica(fleet.create(**wanted))["pool_id"] == pool

    @pytest.mark.parametrize(
        ("settings", "body", "status", "answer"),
        [
            ({"status": "offline"}, {}, 404, {"error": "Agent not found or offline"}),
            ({"instance_id": "i-gone"}, {}, 404, {"error": "Agent not found or offline"}),
            (
                {"manual_replica_enabled": 0},
                {},
                400,
                {
                    "error": "Manual replicas not enabled for this agent",
                    "hint": "Enable manual_replica_enabled in agent settings",
                },
            ),
            (
                {},
                {"max_hourly_cost": 0.001},
                400,
                {
                    "error": "No suitable pool found",
                    "hint": "Try adjusting exclude_zones or max_hourly_cost",
                },
            ),
            ({}, {"pool_id": "t3.medium.us-east-1z"}, 404, {"error": "Pool not found"}),
            ({}, {"pool_id": 7}, 404, {"error": "Pool not found"}),
        ],
    )
    def test_refusals(
        self, fleet: Fleet, settings: Json, body: Json, status: int, answer: Json
    ) -> None:
        if settings:
            fleet.settle(**settings)
        before = fleet.store.contents()

        refused = fleet.post("replicas", body)

        assert (refused.status_code, refused.json()) == (status, answer)
        assert fleet.store.contents() == before

    @pytest.mark.parametrize(
        "body",
        [
            {"pool_id": {"a": 1}},
            {"pool_id": True},
            {"pool_id": "p" * 200},
            {"max_hourly_cost": "cheap"},
            {"exclude_zones": 7},
            {"created_by": ["me"]},
        ],
    )
    def test_what_means_nothing_is_refused(self, fleet: Fleet, body: Json) -> None:
        answer = fleet.post("replicas", body)

        assert (answer.status_code, answer.json()["error"]) == (400, "Validation failed")
        assert fleet.store.rows("replica_instances") == []

    def test_a_second_one_is_refused_by_the_live_count(self, fleet: Fleet) -> None:
        fleet.create()
        fleet.settle(replica_count=0)

        answer = fleet.post("replicas")

        assert (answer.status_code, answer.json()) == (
            400,
            {
                "error": "Replica already exists for this agent",
                "current_count": 1,
                "max_allowed": 1,
                "note": "Manual replica mode maintains exactly 1 replica. "
                "Delete existing replica first.",
            },
        )


class TestAMachineThatRunsAlready:
    """Agents launch before they ask (contract/real-agents.md, POST replicas)."""

    def test_is_taken_in_whatever_the_settings_say(self, fleet: Fleet) -> None:
        fleet.settle(manual_replica_enabled=0, auto_switch_enabled=1, status="offline")

        replica_id = fleet.create(
            instance_id="i-7", status="ready", pool_id=POOL_A, replica_type="emergency"
        )

        row = fleet.replica(replica_id)
        assert (row["instance_id"], row["status"], row["replica_type"]) == (
            "i-7",
            "ready",
            "manual",
        )
        assert row["launched_at"] is not None
        assert row["ready_at"] is not None

    def test_is_taken_in_from_a_pool_that_nobody_knows(self, fleet: Fleet) -> None:
        replica_id = fleet.create(instance_id="i-7", pool_id="t3.medium.us-east-1f")

        assert fleet.replica(replica_id)["az"] == "us-east-1f"
        assert "t3.medium.us-east-1f" in [row["id"] for row in fleet.store.rows("spot_pools")]

    def test_is_what_a_waiting_replica_has_waited_for(self, fleet: Fleet) -> None:
        waiting = fleet.create()

        assert fleet.create(instance_id="i-7", status="syncing") == waiting
        assert fleet.replica(waiting)["instance_id"] == "i-7"

    def test_is_the_same_when_it_is_reported_again(self, fleet: Fleet) -> None:
        first = fleet.create(instance_id="i-7", status="ready")

        assert fleet.create(instance_id="i-7", status="ready") == first
        assert len(fleet.store.rows("replica_instances")) == 1

    def test_but_there_is_one_only(self, fleet: Fleet) -> None:
        fleet.create(instance_id="i-7", status="ready")

        assert fleet.post("replicas", {"instance_id": "i-8"}).status_code == 400


class TestTheList:
    def test_only_what_waits_is_listed_to_be_launched(self, fleet: Fleet) -> None:
        replica_id = fleet.create()

        (item,) = fleet.listed("?status=launching")
        assert (item["id"], item["pool_id"], item["az"]) == (replica_id, POOL_B, "us-east-1b")
        assert item["pool"]["id"] == POOL_B

        fleet.launch(replica_id, status="launching")
        assert fleet.listed("?status=launching") == []
        assert [item["id"] for item in fleet.listed()] == [replica_id]

    def test_it_is_handed_out_once(self, fleet: Fleet) -> None:
        fleet.create()

        assert len(fleet.listed("?status=launching")) == 1
        assert fleet.listed("?status=launching") == []
        assert len(fleet.listed()) == 1

    def test_and_again_when_the_lease_has_ended(self, fleet: Fleet) -> None:
        fleet.create()
        fleet.listed("?status=launching")

        fleet.api.clock.advance(599)
        assert fleet.listed("?status=launching") == []
        fleet.api.clock.advance(1)
        assert len(fleet.listed("?status=launching")) == 1

    def test_who_only_looks_takes_nothing_away(self, fleet: Fleet) -> None:
        fleet.create()

        fleet.api.send("HEAD", fleet.path("replicas?status=launching"))
        fleet.listed("?status=launching", token=OPERATOR_TOKEN)

        assert len(fleet.listed("?status=launching")) == 1

    @pytest.mark.parametrize(("status", "count"), [("ready", 1), ("promoted", 0), ("nonsense", 0)])
    def test_the_status_filters(self, fleet: Fleet, status: str, count: int) -> None:
        fleet.launch(fleet.create())

        assert len(fleet.listed(f"?status={status}")) == count

    def test_ended_ones_are_listed_when_they_are_asked_for(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.api.send("DELETE", fleet.path(f"replicas/{replica_id}"))

        assert fleet.listed() == []
        assert fleet.listed("?include_terminated=false") == []
        assert [item["status"] for item in fleet.listed("?include_terminated=TRUE")] == [
            "terminated"
        ]


class TestReports:
    def test_a_machine_is_syncing_unless_it_says_otherwise(self, fleet: Fleet) -> None:
        replica_id = fleet.create()

        answer = fleet.api.send("PUT", fleet.path(f"replicas/{replica_id}"), {"instance_id": "i-2"})

        assert answer.json() == {
            "success": True,
            "replica_id": replica_id,
            "instance_id": "i-2",
            "status": "syncing",
        }

    def test_what_agents_add_is_taken(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id, status="syncing")

        for body in (
            {"status": "syncing", "sync_started_at": "2025-01-20T10:45:00+00:00"},
            {"status": "ready", "sync_completed_at": "2025-01-20T10:46:00Z"},
            {"status": "ready", "sync_completed_at": "when it suits"},
        ):
            answer = fleet.post(f"replicas/{replica_id}/status", body)
            assert (answer.status_code, answer.json()["status"]) == (200, body["status"])
        assert fleet.replica(replica_id)["ready_at"] is not None

    def test_a_failure_frees_the_place_and_says_why(self, fleet: Fleet) -> None:
        replica_id = fleet.create()

        fleet.post(
            f"replicas/{replica_id}/status", {"status": "failed", "error_message": "no capacity"}
        )

        assert fleet.replica(replica_id)["is_active"] == 1
        assert (fleet.agent["replica_count"], fleet.agent["current_replica_id"]) == (0, None)
        (audit,) = [
            row for row in fleet.store.rows("audit_logs") if row["action"] == "replica_failed"
        ]
        assert audit["details"]["reason"] == "no capacity"
        fleet.create()

    def test_a_failed_one_comes_back_only_while_there_is_no_other(self, fleet: Fleet) -> None:
        first = fleet.create()
        fleet.post(f"replicas/{first}/status", {"status": "failed"})
        second = fleet.create()

        late = fleet.post(f"replicas/{first}/status", {"status": "ready"})  # contract D-36
        assert late.json()["status"] == "failed"

        fleet.post(f"replicas/{second}/status", {"status": "terminated"})
        back = fleet.post(f"replicas/{first}/status", {"status": "ready"})
        assert back.json()["status"] == "ready"
        assert fleet.agent["current_replica_id"] == first

    def test_what_has_ended_stays_so(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.api.send("DELETE", fleet.path(f"replicas/{replica_id}"))

        assert fleet.launch(replica_id) == {
            "success": True,
            "replica_id": replica_id,
            "instance_id": "i-2",
            "status": "terminated",
        }
        assert fleet.replica(replica_id)["instance_id"] == "i-2"
        assert fleet.agent["replica_count"] == 0

    @pytest.mark.parametrize(
        ("name", "body", "error"),
        [
            ("status", {}, "status is required"),
            ("status", {"status": ""}, "status is required"),
            ("status", {"status": "promoted"}, "Invalid status"),
            ("status", {"status": 5}, "Invalid status"),
            ("sync-status", {"sync_status": "bogus"}, "Invalid sync_status"),
            ("sync-status", {"sync_status": 5}, "Invalid sync_status"),
            ("sync-status", {"sync_status": []}, "Invalid sync_status"),
            ("sync-status", {"status": "promoted"}, "Invalid status"),
            ("sync-status", {"sync_latency_ms": -1}, "Invalid sync_latency_ms"),
            ("sync-status", {"sync_latency_ms": "slow"}, "Invalid sync_latency_ms"),
            ("sync-status", {"sync_latency_ms": 10**12}, "Invalid sync_latency_ms"),
            ("sync-status", {"sync_latency_ms": True}, "Invalid sync_latency_ms"),
            ("sync-status", {"state_transfer_progress": "x"}, "Invalid state_transfer_progress"),
        ],
    )
    def test_refusals(self, fleet: Fleet, name: str, body: Json, error: str) -> None:
        replica_id = fleet.create()
        before = fleet.store.contents()

        answer = fleet.post(f"replicas/{replica_id}/{name}", body)

        assert (answer.status_code, answer.json()) == (400, {"error": error})
        assert fleet.store.contents() == before

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            ({}, "instance_id is required"),
            ({"instance_id": ""}, "instance_id is required"),
            ({"instance_id": 7}, "instance_id is required"),
            ({"instance_id": "i-2", "status": "bogus"}, "Invalid status"),
            ({"instance_id": "i-2", "status": "promoted"}, "Invalid status"),
        ],
    )
    def test_refused_launches(self, fleet: Fleet, body: Json, error: str) -> None:
        replica_id = fleet.create()

        answer = fleet.api.send("PUT", fleet.path(f"replicas/{replica_id}"), body)

        assert (answer.status_code, answer.json()) == (400, {"error": error})

    @pytest.mark.parametrize(
        ("progress", "kept", "status"),
        [(42.5, 42.5, "syncing"), (100, 100, "ready"), (300, 100, "ready"), (-5, 0, "syncing")],
    )
    def test_progress(self, fleet: Fleet, progress: float, kept: float, status: str) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id, status="syncing")

        body = {"state_transfer_progress": progress, "sync_latency_ms": 12.6}
        assert fleet.post(f"replicas/{replica_id}/sync-status", body).json() == {
            "success": True,
            "message": "Sync status updated",
        }

        row = fleet.replica(replica_id)
        assert (row["state_transfer_progress"], row["status"]) == (kept, status)
        assert row["sync_latency_ms"] == 13
        assert (row["ready_at"] is not None) == (status == "ready")

    def test_an_explicit_status_wins_over_the_progress(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id, status="syncing")

        body = {"state_transfer_progress": 100, "status": "syncing"}
        fleet.post(f"replicas/{replica_id}/sync-status", body)

        assert fleet.replica(replica_id)["status"] == "syncing"

    def test_the_sync_of_an_unknown_replica_is_acknowledged(self, fleet: Fleet) -> None:
        assert fleet.post("replicas/nobody/sync-status").status_code == 200

    @pytest.mark.parametrize("name", ["status", "promote"])
    def test_others_of_an_unknown_replica_are_not(self, fleet: Fleet, name: str) -> None:
        answer = fleet.post(f"replicas/nobody/{name}", {"status": "ready"})

        assert answer.status_code == 404


class TestPromoting:
    def test_the_former_primary_becomes_the_standby(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id)

        answer = fleet.post(f"replicas/{replica_id}/promote")

        assert answer.json() | {"switch_time": ""} == {
            "success": True,
            "message": "Replica promoted to primary",
            "new_instance_id": "i-2",
            "old_instance_id": "i-1",
            "demoted": True,
            "switch_time": "",
        }
        agent, new = fleet.agent, fleet.instance("i-2")
        assert (agent["instance_id"], agent["current_pool_id"], agent["az"]) == (
            "i-2",
            POOL_B,
            "us-east-1b",
        )
        assert (new["agent_id"], new["current_mode"], new["is_active"]) == (agent["id"], "spot", 1)
        (standby,) = fleet.listed("?status=ready")
        assert (standby["instance_id"], standby["created_by"]) == ("i-1", "system")
        assert standby["cost"]["hourly"] == fleet.instance("i-1")["spot_price"]
        assert (agent["replica_count"], agent["current_replica_id"]) == (1, standby["id"])
        assert fleet.store.row("instance_switches")["switch_reason"] == "manual-replica-promotion"
        assert fleet.store.rows("switches") == []

    def test_or_is_closed(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id)

        fleet.post(f"replicas/{replica_id}/promote", {"demote_old_primary": False})

        old = fleet.instance("i-1")
        assert (old["is_active"], old["terminated_at"] is not None) == (0, True)
        assert fleet.agent["replica_count"] == 0
        assert [item["status"] for item in fleet.listed()] == ["promoted"]

    def test_the_next_heartbeat_of_the_old_one_moves_nothing(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id)
        fleet.post(f"replicas/{replica_id}/promote", {"demote_old_primary": False})

        fleet.post("heartbeat", {"status": "online", "instance_id": "i-1", "mode": "spot"})

        assert fleet.agent["instance_id"] == "i-2"

    def test_what_was_ordered_of_the_old_one_is_withdrawn(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id)
        fleet.settle(auto_switch_enabled=1)
        fleet.api.order_switch(fleet.agent_id, target_pool_id=POOL_C)

        fleet.post(f"replicas/{replica_id}/promote")

        command = fleet.store.row("commands")
        assert (command["status"], command["message"]) == (
            "cancelled",
            "Superseded by promotion of i-2",
        )

    @pytest.mark.parametrize("status", ["launching", "failed", "promoted"])
    def test_only_what_is_ready_or_syncing(self, fleet: Fleet, status: str) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id)
        if status == "promoted":
            fleet.post(f"replicas/{replica_id}/promote")
        else:
            fleet.post(f"replicas/{replica_id}/status", {"status": status})

        answer = fleet.post(f"replicas/{replica_id}/promote")

        assert (answer.status_code, answer.json()) == (
            400,
            {
                "error": "Replica not ready for promotion",
                "current_status": status,
                "required_status": "ready or syncing",
            },
        )

    def test_what_nobody_has_launched_is_not_promoted(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.post(f"replicas/{replica_id}/status", {"status": "ready"})

        answer = fleet.post(f"replicas/{replica_id}/promote")  # contract D-38

        assert (answer.status_code, answer.json()["current_status"]) == (400, "ready")
        assert fleet.agent["instance_id"] == "i-1"

    def test_an_ended_one_is_not_there(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.api.send("DELETE", fleet.path(f"replicas/{replica_id}"))

        answer = fleet.post(f"replicas/{replica_id}/promote")

        assert (answer.status_code, answer.json()) == (
            404,
            {"error": "Replica not found or inactive"},
        )

    def test_a_flag_that_is_none_is_refused(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id)

        assert fleet.post(
            f"replicas/{replica_id}/promote", {"demote_old_primary": "no"}
        ).json() == {
            "error": "Validation failed",
            "details": {"demote_old_primary": ["Not a valid boolean."]},
        }


class TestEnding:
    def test_it_ends_with_its_machine_and_costs(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id)
        fleet.api.clock.advance(7200)

        answer = fleet.api.send("DELETE", fleet.path(f"replicas/{replica_id}"))

        assert answer.status_code == 200
        assert set(answer.json()) == {"success", "message", "replica_id", "terminated_at"}
        row = fleet.replica(replica_id)
        assert (row["status"], row["is_active"]) == ("terminated", 0)
        assert (row["total_runtime_hours"], row["total_cost"]) == (2.0, 0.022)
        assert (fleet.agent["replica_count"], fleet.agent["current_replica_id"]) == (0, None)

    def test_once(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.api.send("DELETE", fleet.path(f"replicas/{replica_id}"))

        again = fleet.api.send("DELETE", fleet.path(f"replicas/{replica_id}"))

        assert again.status_code == 400
        assert again.json()["error"] == "Replica already terminated"
        assert again.json()["terminated_at"]

    def test_of_a_promoted_one_only_the_record_is_closed(self, fleet: Fleet) -> None:
        replica_id = fleet.create()
        fleet.launch(replica_id)
        fleet.post(f"replicas/{replica_id}/promote")
        counted = fleet.agent["replica_count"]

        assert fleet.api.send("DELETE", fleet.path(f"replicas/{replica_id}")).status_code == 200

        assert (fleet.agent["instance_id"], fleet.agent["replica_count"]) == ("i-2", counted)
        assert fleet.instance("i-2")["is_active"] == 1
