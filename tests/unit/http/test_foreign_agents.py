"""Another client's agent is as good as none: same answer, nothing revealed, nothing changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.application_under_test import (
    OWNER_TOKEN,
    STRANGER_TOKEN,
    Api,
    Json,
    Store,
    a_registration,
    an_api,
    is_meant_so,
    routes_of,
)

# What would do something to the agent if it were the caller's own.
BODIES: dict[str, Json] = {
    "heartbeat": {"status": "offline", "instance_id": "i-7", "mode": "ondemand"},
    "executed": {"success": True, "message": "done"},
    "mark-command-executed": {"command_id": "COMMAND"},
    "pricing-report": {
        "instance": {"instance_id": "i-1", "mode": "ondemand", "region": "us-east-1"},
        "pricing": {
            "on_demand_price": 0.05,
            "current_spot_price": 0.02,
            "spot_pools": [{"pool_id": "t3.medium.us-east-1c", "price": 0.01}],
        },
    },
    "switch-report": {
        "old_instance": {"instance_id": "i-1"},
        "new_instance": {"instance_id": "i-2", "mode": "spot"},
        "prices": {"on_demand": 0.05, "old_spot": 0.02, "new_spot": 0.01},
        "timing": {"old_instance_terminated_at": "2025-06-17T12:00:00Z"},
    },
    "termination": {"reason": "gone", "instance_id": "i-1"},
    "cleanup-report": {"snapshots": {"deleted": ["snap-1"]}},
    "rebalance-recommendation": {"instance_id": "i-1"},
    "create-emergency-replica": {"signal_type": "termination-notice"},
    "termination-imminent": {"instance_id": "i-1"},
    "status": {"status": "ready"},
    "nothing-of-that-name": {"instance_id": "i-3"},
    "decide": {"instance": {"instance_id": "i-1", "current_mode": "spot"}, "pricing": {}},
    "issue-switch-command": {"target_mode": "ondemand"},
}
DISABLED = {
    "instance_id": "i-1",
    "recommended_action": "stay",
    "recommended_mode": "spot",
    "recommended_pool_id": None,
    "risk_score": 0.0,
    "expected_savings_per_hour": 0.0,
    "allowed": False,
    "reason": "Agent disabled",
}
NOT_FOUND = {
    "Agent not found",
    "Agent not found or offline",
    "Replica not found",
    "Replica not found or inactive",
    "Command not found",
}


@pytest.fixture
def api(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path_factory.mktemp("data")) as api:
        yield api


def test_on_every_route_of_an_agent(api: Api, store: Store) -> None:
    agent_id = api.register()
    command_id = api.order_switch(agent_id)
    ids = {"agent_id": agent_id, "command_id": command_id}
    routes = [route for route in routes_of(api.app, **ids) if agent_id in route[1]]
    before = store.contents()

    for method, path in routes:
        body = BODIES.get(path.rsplit("/", 1)[1], {})
        if body == {"command_id": "COMMAND"}:
            body = {"command_id": command_id}
        answer = api.send(method, path, b"" if method == "GET" else body, token=STRANGER_TOKEN)
        if path.endswith("/decide"):
            assert (answer.status_code, answer.json()) == (200, DISABLED)
        elif method != "HEAD":
            assert (answer.status_code, set(answer.json())) == (404, {"error"}), path
            assert answer.json()["error"] in NOT_FOUND, path
        else:
            assert answer.status_code == 404, path
        assert store.contents() == before, f"{method} {path} changed something"

    assert len(routes) >= 16


def test_and_an_id_that_nobody_has_cannot_be_told_apart(api: Api) -> None:
    agent_id = api.register()
    theirs = [route for route in routes_of(api.app, agent_id=agent_id) if agent_id in route[1]]

    for method, path in theirs:
        body = b"" if method == "GET" else BODIES.get(path.rsplit("/", 1)[1], {})
        foreign = api.send(method, path, body, token=STRANGER_TOKEN)
        absent = api.send(method, path.replace(agent_id, "nobody"), body, token=STRANGER_TOKEN)
        assert (foreign.status_code, foreign.text) == (absent.status_code, absent.text), path


@pytest.mark.parametrize("spoilt", [str.upper, lambda id_: f"{id_}%20", lambda id_: id_[:-1]])
def test_an_id_is_compared_exactly(api: Api, store: Store, spoilt: type[str]) -> None:
    agent_id = api.register()
    order = api.order_switch(agent_id)
    wrong = spoilt(agent_id)
    before = store.contents()

    for method, path in routes_of(api.app, agent_id=wrong, command_id=order):
        if wrong in path and not path.endswith("/decide"):
            body = b"" if method == "GET" else BODIES.get(path.rsplit("/", 1)[1], {})
            assert api.send(method, path, body).status_code in (400, 404), path
    assert store.contents() == before


def test_a_strangers_poll_takes_no_order_away(api: Api) -> None:
    agent_id = api.register()
    command_id = api.order_switch(agent_id)

    api.get(f"/api/agents/{agent_id}/pending-commands", token=STRANGER_TOKEN)

    assert [command["id"] for command in api.poll(agent_id)] == [command_id]


def test_a_command_belongs_to_one_agent(api: Api, store: Store) -> None:
    theirs = api.order_switch(api.register())
    mine = api.register(token=STRANGER_TOKEN, logical_agent_id="mine", instance_id="i-9")
    before = store.contents()

    for path, body in (
        (f"/api/agents/{mine}/commands/{theirs}/executed", {}),
        (f"/api/agents/{mine}/mark-command-executed", {"command_id": theirs}),
    ):
        answer = api.post(path, body, token=STRANGER_TOKEN)
        assert (answer.status_code, answer.json()) == (200, {"success": True})

    assert store.contents() == before


class TestTheInstanceOfAnotherClient:
    def test_is_left_alone_by_a_registration(self, api: Api, store: Store) -> None:
        api.register()
        before = store.rows("instances")

        answer = api.post(
            "/api/agents/register", a_registration(az="us-east-1f"), token=STRANGER_TOKEN
        )

        assert answer.status_code == 200
        assert answer.json()["client_id"] == "client-stranger"
        assert store.rows("instances") == before

    def test_is_left_alone_by_reports(self, api: Api, store: Store) -> None:
        api.register()
        mine = api.register(token=STRANGER_TOKEN, logical_agent_id="mine", instance_id="i-9")
        before = [row for row in store.rows("instances") if row["id"] == "i-1"]

        for name in ("heartbeat", "pricing-report", "termination", "rebalance-recommendation"):
            body = {**BODIES[name], "instance_id": "i-1"}
            answer = api.post(f"/api/agents/{mine}/{name}", body, token=STRANGER_TOKEN)
            assert answer.status_code == 200, name

        assert [row for row in store.rows("instances") if row["id"] == "i-1"] == before

    @pytest.mark.parametrize("end", ["old_instance", "new_instance"])
    def test_is_left_alone_by_a_switch_report(self, api: Api, store: Store, end: str) -> None:
        api.register()
        mine = api.register(token=STRANGER_TOKEN, logical_agent_id="mine", instance_id="i-9")
        before = [row for row in store.rows("instances") if row["id"] == "i-1"]
        report = {
            "old_instance": {"instance_id": "i-9"},
            "new_instance": {"instance_id": "i-10"},
            "timing": {"old_instance_terminated_at": "2025-06-17T12:00:00Z"},
            end: {"instance_id": "i-1"},
        }

        answer = api.post(f"/api/agents/{mine}/switch-report", report, token=STRANGER_TOKEN)

        assert answer.status_code < 500
        assert [row for row in store.rows("instances") if row["id"] == "i-1"] == before


def test_the_owner_itself_is_let_in(api: Api) -> None:
    """Otherwise the tests above would prove nothing."""
    agent_id = api.register()
    command_id = api.order_switch(agent_id)

    routes = routes_of(api.app, agent_id=agent_id, command_id=command_id)
    for method, path in sorted(routes, key=lambda route: route[0] == "DELETE"):
        if agent_id in path and "replicas" not in path:
            body = b"" if method == "GET" else BODIES.get(path.rsplit("/", 1)[1], {})
            answer = api.send(method, path, body, token=OWNER_TOKEN)
            assert answer.status_code in (200, 201) or is_meant_so(answer), path
