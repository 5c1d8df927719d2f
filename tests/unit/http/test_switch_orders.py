"""The error table of `POST …/issue-switch-command` (contract A14), in its order."""

from __future__ import annotations

import pytest

from tests.application_under_test import Answer, Api, Json, Store

HERE, THERE = "t3.medium.us-east-1a", "t3.medium.us-east-1b"
DISABLED = {"error": "Agent is disabled", "hint": "Enable the agent first"}
NOT_AUTOMATIC = {
    "error": "Auto-switch is disabled for this agent",
    "hint": "Enable auto_switch_enabled in agent settings, or use manual switch from UI",
    "auto_switch_enabled": False,
}


def ordered(api: Api, store: Store, body: Json, **agent: int) -> Answer:
    agent_id = api.register()
    with store.writing() as connection:
        for column, value in agent.items():
            connection.exec_driver_sql(f"UPDATE agents SET {column} = {value}")
    return api.post(f"/api/agents/{agent_id}/issue-switch-command", body)


@pytest.mark.parametrize("body", [{}, {"target_mode": "spot"}, {"priority": "high"}])
def test_a_disabled_agent_is_not_switched(api: Api, store: Store, body: Json) -> None:
    answer = ordered(api, store, body, enabled=0, auto_switch_enabled=0)

    assert (answer.status_code, answer.json()) == (400, DISABLED)
    assert store.rows("commands") == []


@pytest.mark.parametrize("body", [{}, {"target_mode": "spot"}])
def test_an_agent_without_automatic_switching_is_not(api: Api, store: Store, body: Json) -> None:
    answer = ordered(api, store, body, auto_switch_enabled=0)

    assert (answer.status_code, answer.json()) == (403, NOT_AUTOMATIC)


@pytest.mark.parametrize("mode", [..., None, "", "pool", "unknown", "Spot", 5, ["spot"], {}])
def test_a_target_is_spot_or_on_demand(api: Api, store: Store, mode: Json) -> None:
    answer = ordered(api, store, {} if mode is ... else {"target_mode": mode})

    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid target_mode"})


@pytest.mark.parametrize("pool", [..., None, ""])
def test_spot_needs_a_pool(api: Api, store: Store, pool: Json) -> None:
    body = (
        {"target_mode": "spot"} if pool is ... else {"target_mode": "spot", "target_pool_id": pool}
    )

    answer = ordered(api, store, body)

    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "target_pool_id required for spot mode"},
    )


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        (["p"], "Not a valid string."),
        ({}, "Not a valid string."),
        (True, "Not a valid string."),
        ("p" * 101, "Longer than maximum length 100."),
        (10**120, "Longer than maximum length 100."),
    ],
)
def test_a_pool_is_a_short_text(api: Api, store: Store, pool: Json, message: str) -> None:
    answer = ordered(api, store, {"target_mode": "spot", "target_pool_id": pool})

    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Validation failed", "details": {"target_pool_id": [message]}},
    )
    assert store.rows("commands") == []


@pytest.mark.parametrize(("pool", "text"), [(5, "5"), (1.5, "1.5"), ("😀" * 100, "😀" * 100)])
def test_a_pool_may_be_a_number_and_need_not_exist(
    api: Api, store: Store, pool: Json, text: str
) -> None:
    answer = ordered(api, store, {"target_mode": "spot", "target_pool_id": pool})

    assert answer.status_code == 201
    assert answer.json()["target_pool_id"] == store.row("commands")["target_pool_id"] == text


def test_an_agent_that_is_there_already_stays(api: Api, store: Store) -> None:
    answer = ordered(api, store, {"target_mode": "spot", "target_pool_id": HERE, "priority": "x"})

    assert answer.status_code == 200
    assert answer.json() == {
        "success": False,
        "message": "Agent already in target state",
        "current_mode": "spot",
        "current_pool_id": HERE,
    }
    assert store.rows("commands") == []


@pytest.mark.parametrize("priority", ["high", "5", 1.5, True, [], {}])
def test_a_priority_is_a_whole_number(api: Api, store: Store, priority: Json) -> None:
    answer = ordered(api, store, {"target_mode": "ondemand", "priority": priority})

    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Validation failed", "details": {"priority": ["Not a valid integer."]}},
    )
    assert store.rows("commands") == []


@pytest.mark.parametrize(
    ("priority", "kept"),
    [(None, 25), (0, 1), (-(10**30), 1), (100, 100), (101, 100), (10**30, 100)],
)
def test_a_priority_is_brought_into_range(
    api: Api, store: Store, priority: Json, kept: int
) -> None:
    ordered(api, store, {"target_mode": "ondemand", "priority": priority})

    assert store.row("commands")["priority"] == kept


def test_an_order_is_queued_for_the_instance(api: Api, store: Store) -> None:
    answer = ordered(api, store, {"target_mode": "spot", "target_pool_id": THERE, "reason": "dear"})

    command, agent = store.row("commands"), store.row("agents")
    assert answer.status_code == 201
    assert answer.json() == {
        "success": True,
        "command_id": command["id"],
        "agent_id": agent["id"],
        "target_mode": "spot",
        "target_pool_id": THERE,
        "reason": "dear",
        "message": "Switch command queued. Agent will execute on next heartbeat.",
        "auto_switch_enabled": True,
    }
    assert (command["instance_id"], command["terminate_wait_seconds"]) == ("i-1", 300)
    assert (command["created_by"], command["trigger_type"]) == ("ml_engine", "ml_recommendation")
    assert store.rows("notifications")[-1]["severity"] == "info"
    assert "Switch command issued to ip-10-0-0-1: spot" in {
        row["message"] for row in store.rows("notifications")
    }


@pytest.mark.parametrize(("automatic", "wait", "told"), [(0, 600, 0), (1, 600, 600), (1, 0, 300)])
def test_the_old_instance_ends_when_the_client_wants_it(
    api: Api, store: Store, automatic: int, wait: int, told: int
) -> None:
    order = {"target_mode": "ondemand", "target_pool_id": "ignored"}

    ordered(api, store, order, auto_terminate_enabled=automatic, terminate_wait_seconds=wait)

    command = store.row("commands")
    assert (command["terminate_wait_seconds"], command["target_pool_id"]) == (told, None)


def test_the_same_order_again_is_the_same_command(api: Api, store: Store) -> None:
    agent_id = api.register()
    path = f"/api/agents/{agent_id}/issue-switch-command"
    order = {"target_mode": "spot", "target_pool_id": THERE}

    first = api.post(path, order)
    told = len(store.rows("notifications"))
    again = api.post(path, order)

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert len(store.rows("commands")) == 1
    assert len(store.rows("notifications")) == told


def test_an_order_that_was_handed_out_is_still_the_same(api: Api, store: Store) -> None:
    agent_id = api.register()
    first = api.order_switch(agent_id)
    api.poll(agent_id)

    assert api.order_switch(agent_id) == first
    assert len(store.rows("commands")) == 1
