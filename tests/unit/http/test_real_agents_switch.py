"""Agents A, B and C carry out a switch (contract real-agents sections 2 to 4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.application_under_test import OWNER_TOKEN, Api, Store, an_api
from tests.real_agents import FAREWELL, PROGRAMS, REPORTS, THERE, instance, successor, took


@pytest.fixture
def api(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path_factory.mktemp("data")) as api:
        yield api


@pytest.fixture
def agent_id(api: Api) -> str:
    return api.register(agent_version="3.2.0")


class TestTheOrder:
    def test_is_handed_out_once(self, api: Api, agent_id: str) -> None:
        command_id = api.order_switch(agent_id)

        (command,) = api.poll(agent_id)

        assert command["id"] == command_id
        assert (command["target_mode"], command["target_pool_id"]) == ("spot", THERE)
        assert (command["instance_id"], command["terminate_wait_seconds"]) == ("i-1", 300)
        for _ in range(19):
            api.clock.advance(30)
            assert api.poll(agent_id) == []

    def test_is_handed_out_again_when_its_lease_ends_without_a_word(
        self, api: Api, agent_id: str
    ) -> None:
        command_id = api.order_switch(agent_id)
        api.poll(agent_id)

        api.clock.advance(599)
        assert api.poll(agent_id) == []
        api.clock.advance(1)
        assert [command["id"] for command in api.poll(agent_id)] == [command_id]
        assert api.poll(agent_id) == []

    def test_waits_for_the_one_before_it(self, api: Api, agent_id: str) -> None:
        first = api.order_switch(agent_id, priority=75)
        second = api.order_switch(agent_id, target_mode="ondemand", priority=50)

        assert [command["id"] for command in api.poll(agent_id)] == [first]
        assert api.poll(agent_id) == []
        took(api, f"/api/agents/{agent_id}/commands/{first}/executed", {"success": False})
        assert [command["id"] for command in api.poll(agent_id)] == [second]

    def test_that_failed_is_not_tried_again(self, api: Api, store: Store, agent_id: str) -> None:
        command_id = api.order_switch(agent_id)
        api.poll(agent_id)
        report = {"success": False, "message": "no capacity"}

        took(api, f"/api/agents/{agent_id}/commands/{command_id}/executed", report)

        api.clock.advance(3600)
        assert api.poll(agent_id) == []
        command = store.row("commands")
        assert (command["status"], command["message"]) == ("failed", "no capacity")


class TestAPowerOff:
    """The agent ends its own instance before it reports, so that no report ever comes."""

    def test_the_successor_closes_the_order(self, api: Api, store: Store, agent_id: str) -> None:
        api.order_switch(agent_id)
        api.poll(agent_id)
        api.clock.advance(200)

        assert successor(api) == agent_id

        assert store.row("commands")["status"] == "completed"
        agent = store.row("agents")
        assert (agent["instance_id"], agent["current_pool_id"]) == ("i-2", THERE)
        assert (agent["az"], agent["status"]) == ("us-east-1b", "online")

    def test_the_old_instance_is_retired(self, api: Api, store: Store, agent_id: str) -> None:
        api.order_switch(agent_id)
        api.poll(agent_id)

        successor(api)

        assert (instance(store, "i-1")["is_active"], instance(store, "i-2")["is_active"]) == (0, 1)
        assert instance(store, "i-1")["terminated_at"] is not None

    def test_the_old_instance_stays_when_it_was_to_stay(
        self, api: Api, store: Store, agent_id: str
    ) -> None:
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE agents SET auto_terminate_enabled = 0")
        api.order_switch(agent_id)
        api.poll(agent_id)

        successor(api)

        assert instance(store, "i-1")["is_active"] == 1
        assert store.row("commands")["status"] == "completed"

    def test_nobody_is_ever_given_the_order_again(self, api: Api, agent_id: str) -> None:
        api.order_switch(agent_id)
        api.poll(agent_id)
        successor(api)

        for _ in range(3):
            api.clock.advance(700)
            assert api.poll(agent_id) == []

    def test_an_order_that_nobody_had_fetched_is_withdrawn(
        self, api: Api, store: Store, agent_id: str
    ) -> None:
        api.order_switch(agent_id)

        successor(api)

        assert store.row("commands")["status"] == "cancelled"
        assert api.poll(agent_id) == []

    def test_the_same_instance_again_closes_nothing(
        self, api: Api, store: Store, agent_id: str
    ) -> None:
        command_id = api.order_switch(agent_id)
        api.poll(agent_id)

        assert api.register() == agent_id

        assert store.row("commands")["status"] == "executing"
        api.clock.advance(600)
        assert [command["id"] for command in api.poll(agent_id)] == [command_id]


class TestAReport:
    """The old instance lives long enough to say what it did."""

    @pytest.mark.parametrize("program", PROGRAMS)
    @pytest.mark.parametrize("starts_first", [True, False])
    def test_moves_the_agent_and_is_credited(
        self, api: Api, store: Store, agent_id: str, program: str, starts_first: bool
    ) -> None:
        api.order_switch(agent_id)
        api.poll(agent_id)
        api.clock.advance(500)
        if starts_first:
            successor(api)

        took(api, f"/api/agents/{agent_id}/switch-report", REPORTS[program])

        switch, command = store.row("switches"), store.row("commands")
        assert (switch["old_instance_id"], switch["new_instance_id"]) == ("i-1", "i-2")
        assert switch["savings_impact"] == pytest.approx(0.0075)
        assert switch["initiated_at"] == "2025-06-17 12:00:30"
        assert switch["old_terminated_at"] == "2025-06-17 12:08:32"
        assert switch["command_id"] == command["id"]
        assert command["status"] == "completed"
        assert store.row("agents")["instance_id"] == "i-2"
        assert (instance(store, "i-1")["is_active"], instance(store, "i-2")["is_active"]) == (0, 1)
        assert instance(store, "i-2")["spot_price"] == 0.0125
        (owner,) = [row for row in store.rows("clients") if row["id"] == "client-owner"]
        assert owner["total_savings"] == pytest.approx(0.18)
        texts = [row["message"] for row in store.rows("notifications")]
        assert "Instance switched: i-2 - Saved $0.0075/hr" in texts

    @pytest.mark.parametrize("program", PROGRAMS)
    def test_that_is_repeated_changes_nothing(
        self, api: Api, store: Store, agent_id: str, program: str
    ) -> None:
        api.order_switch(agent_id)
        api.poll(agent_id)
        path = f"/api/agents/{agent_id}/switch-report"
        took(api, path, REPORTS[program])
        before = store.contents()
        api.clock.advance(31)

        took(api, path, REPORTS[program])

        assert store.contents() == before

    def test_of_an_executed_order_that_is_repeated_changes_nothing(
        self, api: Api, store: Store, agent_id: str
    ) -> None:
        command_id = api.order_switch(agent_id)
        api.poll(agent_id)
        path = f"/api/agents/{agent_id}/commands/{command_id}/executed"
        took(api, path, {"success": True, "message": "Switched"})
        before = store.contents()
        api.clock.advance(31)

        took(api, path, {"success": True, "message": "Switched"})
        took(api, path, {"success": False, "message": "Switched"})

        assert store.contents() == before

    def test_with_a_trigger_that_is_too_long_is_kept(
        self, api: Api, store: Store, agent_id: str
    ) -> None:
        report = {**REPORTS["A"], "trigger": "t" * 50, "command_id": "unknown"}

        took(api, f"/api/agents/{agent_id}/switch-report", report)

        switch = store.row("switches")
        assert (switch["trigger_type"], switch["command_id"]) == ("t" * 20, None)


class TestB:
    def test_has_failed_when_it_is_done_without_a_switch(
        self, api: Api, store: Store, agent_id: str
    ) -> None:
        command_id = api.order_switch(agent_id)
        api.poll(agent_id)

        took(api, f"/api/agents/{agent_id}/mark-command-executed", {"command_id": command_id})

        assert store.row("commands")["status"] == "failed"
        api.clock.advance(700)
        assert api.poll(agent_id) == []

    def test_has_succeeded_when_it_reported_a_switch_before(
        self, api: Api, store: Store, agent_id: str
    ) -> None:
        command_id = api.order_switch(agent_id)
        api.poll(agent_id)
        api.clock.advance(500)
        took(api, f"/api/agents/{agent_id}/switch-report", REPORTS["B"])

        took(api, f"/api/agents/{agent_id}/mark-command-executed", {"command_id": command_id})

        assert store.row("commands")["status"] == "completed"

    def test_says_so_twice_and_changes_nothing(self, api: Api, store: Store, agent_id: str) -> None:
        command_id = api.order_switch(agent_id)
        path = f"/api/agents/{agent_id}/mark-command-executed"
        took(api, path, {"command_id": command_id})
        before = store.contents()

        took(api, path, {"command_id": command_id})
        took(api, path, {"command_id": "unknown"})

        assert store.contents() == before


def test_a_whole_life_leaves_one_agent_and_two_instances(api: Api, store: Store) -> None:
    agent_id = api.register()
    for number in range(2, 5):
        old, new = f"i-{number - 1}", f"i-{number}"
        zone = f"us-east-1{'abcdef'[number]}"
        command_id = api.order_switch(agent_id, target_pool_id=f"t3.medium.{zone}")
        assert [command["instance_id"] for command in api.poll(agent_id)] == [old]
        api.clock.advance(120)
        assert successor(api, instance_id=new, az=zone, client_token=OWNER_TOKEN) == agent_id
        assert api.poll(agent_id) == []
        took(api, f"/api/agents/{agent_id}/commands/{command_id}/executed", {"success": True})
        took(api, f"/api/agents/{agent_id}/heartbeat", FAREWELL)
        took(api, f"/api/agents/{agent_id}/heartbeat", {"status": "online", "instance_id": new})
        api.clock.advance(3600)

    agent = store.row("agents")
    assert (agent["instance_id"], agent["status"]) == ("i-4", "online")
    assert {row["id"]: row["is_active"] for row in store.rows("instances")} == {
        "i-1": 0,
        "i-2": 0,
        "i-3": 0,
        "i-4": 1,
    }
    assert {row["status"] for row in store.rows("commands")} == {"completed"}
