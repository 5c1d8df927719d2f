"""Notices and what is done about them (contract/agents-and-replicas.md R8 and R9)."""

from __future__ import annotations

import pytest

from tests.application_under_test import Api, Json, Store
from tests.unit.http.test_replicas import POOL_A, POOL_B, POOL_C, Fleet

NOBODY = {
    "success": False,
    "error": "No replica available",
    "action": "emergency_snapshot_required",
    "message": "Agent should create emergency state snapshot and upload to S3",
}


class Endangered(Fleet):
    """In automatic mode."""

    def __init__(self, api: Api, store: Store) -> None:
        super().__init__(api, store, auto_switch_enabled=1, manual_replica_enabled=0)

    def emergency(self, signal: str = "rebalance-recommendation", **said: Json) -> Json:
        answer = self.post("create-emergency-replica", {"signal_type": signal, **said})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def notice(self, instance_id: str = "i-1", **said: Json) -> Json:
        """What it says, but for whether the agent may launch a standby."""
        told, _ = self.notice_in_full(instance_id, **said)
        return told

    def notice_in_full(self, instance_id: str = "i-1", **said: Json) -> tuple[Json, bool | None]:
        answer = self.post("termination-imminent", {"instance_id": instance_id, **said})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return told, told.pop("create_emergency_replica", None)

    @property
    def events(self) -> list[Json]:
        return self.store.rows("spot_interruption_events")


@pytest.fixture
def fleet(api: Api, store: Store) -> Endangered:
    return Endangered(api, store)


class TestAnEmergencyReplica:
    def test_is_made_in_the_safest_pool(self, fleet: Endangered) -> None:
        body = fleet.emergency(instance_id="i-1")

        replica_id = body["replica_id"]
        assert body == {
            "success": True,
            "replica_id": replica_id,
            "instance_id": f"emergency-{replica_id[:8]}",
            "replica_instance_id": f"emergency-{replica_id[:8]}",
            "pool": {"id": POOL_B, "name": "t3.medium (us-east-1b)", "az": "us-east-1b"},
            "hourly_cost": 0.011,
            "message": "Emergency replica created. Connect immediately for state sync.",
            "urgency": "high",
        }
        (event,) = fleet.events
        assert (event["response_action"], event["replica_id"]) == ("created-replica", replica_id)
        assert (event["pool_id"], event["spot_price_at_interruption"]) == (POOL_A, 0.012)
        agent = fleet.agent
        assert (agent["emergency_replica_count"], agent["current_replica_id"]) == (1, replica_id)
        assert agent["last_rebalance_recommendation_at"] is not None
        assert [row["event_type"] for row in fleet.store.rows("system_events")] == [
            "agent_registered"
        ]

    def test_there_is_never_a_second(self, fleet: Endangered) -> None:
        first = fleet.emergency()

        second = fleet.emergency("termination-notice")

        assert second | {"urgency": "high"} == first
        assert second["urgency"] == "critical"
        assert len(fleet.store.rows("replica_instances")) == 1
        assert [event["response_action"] for event in fleet.events] == [
            "created-replica",
            "no-action",
        ]

    def test_the_same_notice_is_kept_once_in_15_minutes(self, fleet: Endangered) -> None:
        for _ in range(3):
            fleet.emergency()
        assert len(fleet.events) == 1

        fleet.api.clock.advance(901)
        fleet.emergency()
        assert len(fleet.events) == 2

    @pytest.mark.parametrize(
        "alias", ["rebalance_recommendation", "instance-termination", "spot-instance-interruption"]
    )
    def test_other_names_of_the_signals_are_understood(self, fleet: Endangered, alias: str) -> None:
        fleet.emergency(alias)

        assert fleet.events[0]["signal_type"] in ("rebalance-recommendation", "termination-notice")

    def test_the_recommendation_that_follows_is_a_duplicate(self, fleet: Endangered) -> None:
        fleet.emergency()

        answer = fleet.post("rebalance-recommendation", {"instance_id": "i-1"})

        assert answer.json()["action"] == "duplicate"

    @pytest.mark.parametrize(
        ("wishes", "pool"),
        [
            ({"preferred_zones": ["us-east-1c"]}, POOL_C),
            ({"exclude_zones": "us-east-1b"}, POOL_C),
            ({"preferred_zones": "us-east-1b", "exclude_zones": ["us-east-1b"]}, POOL_C),
            ({"preferred_zones": 7, "pool_id": POOL_C, "urgency": "x"}, POOL_B),
        ],
    )
    def test_wishes_count(self, fleet: Endangered, wishes: Json, pool: str) -> None:
        assert fleet.emergency(**wishes)["pool"]["id"] == pool

    def test_stale_prices_are_better_than_none(self, fleet: Endangered) -> None:
        fleet.api.clock.advance(7200)

        assert fleet.emergency()["pool"]["id"] == POOL_B

    def test_no_other_pool_is_a_failure_that_is_meant_so(self, fleet: Endangered) -> None:
        answer = fleet.post(
            "create-emergency-replica",
            {
                "signal_type": "termination-notice",
                "exclude_zones": ["us-east-1b", "us-east-1c"],
            },
        )

        assert (answer.status_code, answer.json()) == (
            500,
            {
                "error": "No suitable pool found for emergency replica",
                "hint": "All pools may be at risk or unavailable",
            },
        )
        assert fleet.events == []

    def test_automatic_switching_must_be_on(self, fleet: Endangered) -> None:
        fleet.settle(auto_switch_enabled=0)

        answer = fleet.post("create-emergency-replica", {"signal_type": "termination-notice"})

        assert (answer.status_code, answer.json()["error"]) == (
            403,
            "Emergency replica creation disabled",
        )

    def test_status_and_enabled_play_no_part(self, fleet: Endangered) -> None:
        fleet.settle(enabled=0, status="offline")

        assert fleet.emergency()["success"]

    @pytest.mark.parametrize("said", [{}, {"signal_type": "panic"}, {"signal_type": ["x"]}])
    def test_the_signal_must_be_known(self, fleet: Endangered, said: Json) -> None:
        answer = fleet.post("create-emergency-replica", said)

        assert (answer.status_code, answer.json()) == (400, {"error": "Invalid signal_type"})


class TestAFailover:
    def test_a_ready_replica_takes_over_in_the_call(self, fleet: Endangered) -> None:
        replica_id = fleet.emergency()["replica_id"]
        fleet.launch(replica_id)

        body = fleet.notice(termination_time="2025-06-17T12:02:00Z")  # contract D-12

        assert body | {"failover_time_ms": 0} == {
            "success": True,
            "message": "Automatic failover completed",
            "new_instance_id": "i-2",
            "replica_id": replica_id,
            "failover_time_ms": 0,
            "action": "replica_promoted",
        }
        agent, old = fleet.agent, fleet.instance("i-1")
        assert (agent["instance_id"], agent["current_pool_id"]) == ("i-2", POOL_B)
        assert (agent["interruption_handled_count"], agent["replica_count"]) == (1, 0)
        assert (old["is_active"], old["terminated_at"] is not None) == (0, True)
        rebalance, termination = fleet.events
        assert (termination["failover_completed"], termination["success"]) == (1, 1)
        assert termination["response_action"] == "promoted-existing-replica"
        assert rebalance["metadata"]["reason"] == "escalated"

    def test_the_same_notice_again_gets_the_first_answer(self, fleet: Endangered) -> None:
        fleet.launch(fleet.emergency()["replica_id"])
        first = fleet.notice()
        before = fleet.store.contents()

        fleet.api.clock.advance(119)
        assert fleet.notice() == first  # contract D-13
        assert fleet.store.contents() == before

    def test_a_new_primary_may_get_its_own(self, fleet: Endangered) -> None:
        fleet.launch(fleet.emergency()["replica_id"])
        fleet.notice()

        fleet.api.clock.advance(300)
        assert fleet.notice("i-2") == NOBODY  # contract D-16
        assert len([e for e in fleet.events if e["instance_id"] == "i-2"]) == 1

    def test_what_waits_to_be_switched_is_withdrawn(self, fleet: Endangered) -> None:
        fleet.api.order_switch(fleet.agent_id, target_pool_id=POOL_C)

        fleet.notice()

        assert fleet.store.row("commands")["status"] == "cancelled"

    def test_without_a_replica_the_agent_saves_itself_and_the_notice_stands(
        self, fleet: Endangered
    ) -> None:
        for _ in range(3):
            assert fleet.notice() == NOBODY
            fleet.api.clock.advance(5)

        (event,) = fleet.events
        assert (event["response_action"], event["success"]) == ("emergency-snapshot", 0)
        assert event["pool_id"] == POOL_A
        assert fleet.agent["last_termination_notice_at"] is not None

    def test_a_replica_that_gets_ready_then_takes_over_at_once(self, fleet: Endangered) -> None:
        replica_id = fleet.emergency()["replica_id"]
        fleet.notice()

        assert fleet.launch(replica_id, status="ready")["status"] == "promoted"

        assert fleet.agent["instance_id"] == "i-2"
        assert fleet.notice()["new_instance_id"] == "i-2"

    def test_but_not_for_a_notice_that_has_come_to_nothing(self, fleet: Endangered) -> None:
        replica_id = fleet.emergency()["replica_id"]
        fleet.notice()
        fleet.api.clock.advance(8000)

        assert fleet.launch(replica_id, status="ready")["status"] == "ready"
        assert fleet.agent["instance_id"] == "i-1"

    def test_a_replica_may_be_named_while_it_launches(self, fleet: Endangered) -> None:
        replica_id = fleet.emergency()["replica_id"]
        fleet.launch(replica_id, status="launching")

        assert fleet.notice() == NOBODY
        assert fleet.notice(replica_id=replica_id)["new_instance_id"] == "i-2"

    def test_a_placeholder_takes_over_nothing(self, fleet: Endangered) -> None:
        replica_id = fleet.emergency()["replica_id"]
        fleet.post(f"replicas/{replica_id}/status", {"status": "ready"})

        assert fleet.notice(replica_id=replica_id) == NOBODY
        assert fleet.events[-1]["replica_id"] == replica_id

    def test_a_named_replica_must_be_the_agents_own(self, fleet: Endangered) -> None:
        answer = fleet.post("termination-imminent", {"replica_id": "somebody-elses"})

        assert (answer.status_code, answer.json()) == (
            404,
            {"error": "Replica instance_id not found"},
        )

    def test_no_setting_stands_in_the_way(self, fleet: Endangered) -> None:
        fleet.launch(fleet.emergency()["replica_id"])
        fleet.settle(enabled=0, auto_switch_enabled=0, status="offline")

        assert fleet.notice()["success"]

    def test_odd_times_are_taken_for_none(self, fleet: Endangered) -> None:
        fleet.launch(fleet.emergency()["replica_id"])

        body = fleet.post(
            "termination-imminent", {"instance_id": None, "termination_time": "soon"}
        ).json()

        assert body["success"]


class TestAnAgentThatLaunchesItsStandby:
    """As one of the real programs does when it is told to (contract/real-agents.md 2)."""

    def test_is_told_to_once(self, fleet: Endangered) -> None:
        assert fleet.notice_in_full() == (NOBODY, True)
        assert [fleet.notice_in_full() for _ in range(3)] == [(NOBODY, False)] * 3

    def test_is_not_told_to_while_a_machine_is_coming_up(self, fleet: Endangered) -> None:
        fleet.post("replicas", {"instance_id": "i-2", "status": "launching"})

        assert fleet.notice_in_full() == (NOBODY, False)

    def test_is_told_to_where_only_a_placeholder_waits(self, fleet: Endangered) -> None:
        fleet.emergency()

        assert fleet.notice_in_full() == (NOBODY, True)

    def test_moves_to_it_at_once(self, fleet: Endangered) -> None:
        fleet.notice()
        standby = {
            "instance_id": "i-2",
            "replica_type": "emergency",
            "parent_instance_id": "i-1",
            "pool_id": POOL_A,
            "status": "ready",
        }

        made = fleet.post("replicas", standby)

        assert made.status_code == 201
        assert fleet.agent["instance_id"] == "i-2"
        told, may_launch = fleet.notice_in_full()
        assert (told["success"], told["new_instance_id"], may_launch) == (True, "i-2", None)
        (event,) = fleet.events
        assert event["failover_completed"] in (1, True)

    def test_moves_nowhere_without_a_notice(self, fleet: Endangered) -> None:
        fleet.post("replicas", {"instance_id": "i-2", "status": "ready"})

        assert fleet.agent["instance_id"] == "i-1"


class TestANoticeForAnotherInstance:
    def test_a_former_instance_is_told_that_it_has_been_left(self, fleet: Endangered) -> None:
        fleet.settle(auto_switch_enabled=0, manual_replica_enabled=1)
        replica_id = fleet.create()
        fleet.launch(replica_id)
        fleet.post(f"replicas/{replica_id}/promote", {"demote_old_primary": False})
        fleet.create(instance_id="i-3", status="ready")

        body = fleet.notice("i-1")

        assert (body["new_instance_id"], body["action"]) == ("i-2", "already_moved")
        assert fleet.agent["instance_id"] == "i-2"
        assert fleet.events[0]["metadata"]["reason"] == "not the primary"

    def test_a_standby_protects_nobody_any_longer(self, fleet: Endangered) -> None:
        fleet.launch(fleet.emergency()["replica_id"])

        assert fleet.notice("i-2")["new_instance_id"] == "i-1"

        assert fleet.agent["instance_id"] == "i-1"
        assert fleet.agent["replica_count"] == 0
        assert [item["status"] for item in fleet.listed()] == ["failed"]

    def test_what_was_met_stays_met_whoever_asks_again_later(self, fleet: Endangered) -> None:
        fleet.launch(fleet.emergency()["replica_id"])
        fleet.notice()
        with fleet.store.writing() as connection:
            connection.exec_driver_sql("DELETE FROM instances WHERE id = 'i-1'")
        fleet.api.clock.advance(700)

        assert fleet.notice("i-1") == NOBODY

        (met,) = [event for event in fleet.events if event["failover_completed"]]
        assert met["success"] == 1

    def test_a_stranger_moves_nothing_while_the_primary_lives(self, fleet: Endangered) -> None:
        fleet.launch(fleet.emergency()["replica_id"])

        assert fleet.notice("i-99") == NOBODY
        assert fleet.agent["instance_id"] == "i-1"
