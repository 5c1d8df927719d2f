"""Two agents run under one id: whoever was replaced moves nothing (contract real-agents 4.3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.application_under_test import Api, Store, a_registration, an_api
from tests.contract.recording import Row
from tests.real_agents import FAREWELL, REPORTS, instance, successor, took


@pytest.fixture
def api(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path_factory.mktemp("data")) as api:
        yield api


@pytest.fixture
def agent_id(api: Api) -> str:
    return api.register(agent_version="3.2.0")


class TestTheOldAgentAfterwards:
    """C runs on when it is not told to wait: two agents under one id."""

    @pytest.fixture
    def switched(self, api: Api, store: Store, agent_id: str) -> str:
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE agents SET auto_terminate_enabled = 0")
        command_id = api.order_switch(agent_id)
        (command,) = api.poll(agent_id)
        assert command["terminate_wait_seconds"] == 0
        api.clock.advance(100)
        successor(api)
        timing = {**REPORTS["C"]["timing"], "old_instance_terminated_at": None}
        took(api, f"/api/agents/{agent_id}/switch-report", {**REPORTS["C"], "timing": timing})
        took(api, f"/api/agents/{agent_id}/commands/{command_id}/executed", {"success": True})
        return agent_id

    def moved(self, store: Store) -> Row:
        """What must not change: everything of the agent but when it was heard from."""
        heard = ("last_heartbeat_at", "updated_at")
        return {name: it for name, it in store.row("agents").items() if name not in heard}

    @pytest.mark.parametrize("status", ["online", "offline", "disabled", "error"])
    def test_moves_nothing_by_its_heartbeats(
        self, api: Api, store: Store, switched: str, status: str
    ) -> None:
        before = self.moved(store)

        heartbeat = {
            "status": status,
            "monitored_instances": ["i-1"],
            "instance_id": "i-1",
            "instance_type": "t3.large",
            "mode": "ondemand",
            "az": "us-east-1a",
        }
        took(api, f"/api/agents/{switched}/heartbeat", heartbeat)
        took(
            api,
            f"/api/agents/{switched}/heartbeat",
            {"status": status, "monitored_instances": ["i-1"]},
        )

        assert self.moved(store) == before

    def test_moves_nothing_by_registering(self, api: Api, store: Store, switched: str) -> None:
        before = self.moved(store), instance(store, "i-2")

        answer = api.post("/api/agents/register", a_registration(instance_id="i-1"))

        assert (answer.status_code, answer.json()["agent_id"]) == (200, switched)
        assert (self.moved(store), instance(store, "i-2")) == before

    def test_moves_nothing_by_reporting_prices(self, api: Api, store: Store, switched: str) -> None:
        before = self.moved(store)
        report = {"instance": {"instance_id": "i-1", "mode": "ondemand"}, "pricing": {}}

        took(api, f"/api/agents/{switched}/pricing-report", report)

        assert self.moved(store) == before

    def test_does_not_take_its_successor_offline_by_its_last_word(
        self, api: Api, store: Store, switched: str
    ) -> None:
        took(api, f"/api/agents/{switched}/heartbeat", FAREWELL)

        assert store.row("agents")["status"] == "online"
        assert "went offline" not in str(store.rows("notifications"))

    def test_is_itself_still_on_record(self, store: Store, switched: str) -> None:
        assert instance(store, "i-1")["is_active"] == 1
        assert store.row("commands")["status"] == "completed"
