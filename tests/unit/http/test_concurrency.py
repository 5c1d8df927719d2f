"""Many agents at the same moment, on the real application and both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    Answer,
    Api,
    Store,
    a_registration,
    an_api,
    at_once,
)

MANY = 20
ZONES = "abcdef"


@pytest.fixture
def apis(store: Store, tmp_path: Path) -> Iterator[list[Api]]:
    """Two processes of one installation, as far as the database can tell."""
    store.empty()
    with ExitStack() as stack:
        yield [stack.enter_context(an_api(store.url, tmp_path)) for _ in range(2)]


@pytest.fixture
def api(apis: list[Api]) -> Api:
    return apis[0]


def everywhere(apis: list[Api], call: Callable[[Api], Answer]) -> list[Answer]:
    """The same call many times at once, spread over the processes."""
    return at_once(*[partial(call, apis[number % len(apis)]) for number in range(MANY)])


def test_one_agent_registers_once_however_often_it_tries(apis: list[Api], store: Store) -> None:
    answers = everywhere(apis, lambda api: api.post("/api/agents/register", a_registration()))

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["agent_id"] for answer in answers} == {store.row("agents")["id"]}
    assert len(store.rows("instances")) == len(store.rows("agent_configs")) == 1
    assert len(store.rows("notifications")) == 1


def test_many_agents_register_at_once(apis: list[Api], store: Store) -> None:
    calls = [
        partial(
            apis[number % 2].register, logical_agent_id=f"web-{number}", instance_id=f"i-{number}"
        )
        for number in range(MANY)
    ]

    ids = at_once(*calls)

    assert len(set(ids)) == len(store.rows("agents")) == len(store.rows("instances")) == MANY


def test_many_agents_may_claim_one_instance(apis: list[Api], store: Store) -> None:
    def register(api: Api, number: int) -> Answer:
        body = a_registration(logical_agent_id=f"web-{number}")
        return api.post("/api/agents/register", body)

    answers = at_once(*[partial(register, apis[number % 2], number) for number in range(MANY)])

    assert {answer.status_code for answer in answers} == {200}
    assert len(store.rows("instances")) == 1


def test_the_same_order_is_one_command(apis: list[Api], store: Store) -> None:
    agent_id = apis[0].register()
    order = {"target_mode": "spot", "target_pool_id": "t3.medium.us-east-1b"}
    path = f"/api/agents/{agent_id}/issue-switch-command"

    answers = everywhere(apis, lambda api: api.post(path, order))

    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["command_id"] for answer in answers} == {store.row("commands")["id"]}
    told = [row["message"] for row in store.rows("notifications")]
    assert sum(message.startswith("Switch command issued") for message in told) == 1


def test_an_order_is_given_to_one_of_many_who_ask(apis: list[Api], store: Store) -> None:
    agent_id = apis[0].register()
    command_id = apis[0].order_switch(agent_id)
    path = f"/api/agents/{agent_id}/pending-commands"

    answers = everywhere(apis, lambda api: api.get(path))

    assert {answer.status_code for answer in answers} == {200}
    given = [command["id"] for answer in answers for command in answer.json()]
    assert given == [command_id]


def test_an_order_is_reported_once(apis: list[Api], store: Store) -> None:
    agent_id = apis[0].register()
    path = f"/api/agents/{agent_id}/commands/{apis[0].order_switch(agent_id)}/executed"

    answers = everywhere(apis, lambda api: api.post(path, {"success": True, "message": "m"}))

    assert {answer.status_code for answer in answers} == {200}
    assert store.row("commands")["status"] == "completed"
    changes = [row for row in store.rows("audit_logs") if row["entity_type"] == "command"]
    assert len([row for row in changes if "complete" in str(row)]) == 1


def test_new_pools_are_found_by_many_at_once(apis: list[Api], store: Store) -> None:
    agents = [
        apis[0].register(logical_agent_id=f"web-{number}", instance_id=f"i-{number}")
        for number in range(8)
    ]

    def report(number: int) -> Answer:
        pools = [
            {"pool_id": f"t3.medium.us-east-1{zone}", "price": 0.011}
            for zone in (ZONES if number % 2 else reversed(ZONES))
        ]
        body = {
            "instance": {"instance_id": f"i-{number}", "mode": "spot"},
            "pricing": {"on_demand_price": 0.0416, "spot_pools": pools},
        }
        return apis[number % 2].post(f"/api/agents/{agents[number]}/pricing-report", body)

    answers = at_once(*[partial(report, number) for number in range(len(agents))])

    assert {answer.status_code for answer in answers} == {200}
    assert len(store.rows("spot_pools")) == len(ZONES)
    assert len(store.rows("pricing_snapshots_clean")) == len(ZONES)
    assert len(store.rows("pricing_reports")) == len(agents)
    assert len(store.rows("ondemand_prices")) == 1


def test_the_same_report_is_kept_once(apis: list[Api], store: Store) -> None:
    agent_id = apis[0].register()

    def report(api: Api, collected_at: str = "2025-06-17T11:59:00") -> Answer:
        body = {
            "instance": {"instance_id": "i-1", "mode": "spot"},
            "pricing": {
                "collected_at": collected_at,
                "spot_pools": [{"pool_id": "t3.medium.us-east-1a", "price": 0.011}],
            },
        }
        return api.post(f"/api/agents/{agent_id}/pricing-report", body)

    report(apis[0], "2025-06-17T11:54:00")
    answers = everywhere(apis, report)

    assert {answer.status_code for answer in answers} == {200}
    assert len(store.rows("pricing_reports")) == 2
    assert len(store.rows("spot_price_snapshots")) == 2


def test_a_switch_is_recorded_once(apis: list[Api], store: Store) -> None:
    agent_id = apis[0].register()
    report = {
        "old_instance": {"instance_id": "i-1", "mode": "spot"},
        "new_instance": {"instance_id": "i-2", "mode": "spot"},
        "prices": {"on_demand": 0.04, "old_spot": 0.02, "new_spot": 0.01},
        "timing": {"switch_initiated_at": "2025-06-17T11:50:00Z"},
    }

    answers = everywhere(
        apis, lambda api: api.post(f"/api/agents/{agent_id}/switch-report", report)
    )

    assert {answer.status_code for answer in answers} == {200}
    assert len(store.rows("switches")) == 1
    (owner,) = [row for row in store.rows("clients") if row["id"] == "client-owner"]
    assert owner["total_savings"] == pytest.approx(0.24)


def test_a_rebalance_recommendation_is_acted_on_once(apis: list[Api], store: Store) -> None:
    path = f"/api/agents/{apis[0].register()}/rebalance-recommendation"

    answers = everywhere(apis, lambda api: api.post(path, {"instance_id": "i-1"}))

    assert {answer.status_code for answer in answers} == {200}
    actions = sorted(answer.json()["action"] for answer in answers)
    assert actions == ["duplicate"] * (MANY - 1) + ["monitor"]
    assert len(store.rows("spot_interruption_events")) == 1


def test_a_name_is_given_to_one_client(apis: list[Api], store: Store) -> None:
    def create(api: Api) -> Answer:
        return api.post("/api/admin/clients/create", {"name": "Acme"}, token=OPERATOR_TOKEN)

    answers = everywhere(apis, create)

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (MANY - 1)
    assert [row["name"] for row in store.rows("clients")].count("Acme") == 1


def test_everything_at_once_gives_no_failure(apis: list[Api], store: Store) -> None:
    agent_id = apis[0].register()
    path = f"/api/agents/{agent_id}"
    report = {
        "instance": {"instance_id": "i-1", "mode": "spot"},
        "pricing": {"on_demand_price": 0.04, "spot_pools": [{"pool_id": "a.b", "price": 0.01}]},
    }
    kinds: list[Callable[[Api], Answer]] = [
        lambda api: api.post("/api/agents/register", a_registration()),
        lambda api: api.post(f"{path}/heartbeat", {"status": "online", "instance_id": "i-1"}),
        lambda api: api.get(f"{path}/pending-commands"),
        lambda api: api.get(f"{path}/config"),
        lambda api: api.post(f"{path}/pricing-report", report),
        lambda api: api.post(f"{path}/issue-switch-command", {"target_mode": "ondemand"}),
        lambda api: api.post(f"{path}/decide", {"instance": {}, "pricing": {}}),
        lambda api: api.post(f"{path}/cleanup-report", {}),
        lambda api: api.post(f"{path}/rebalance-recommendation", {}),
    ]
    calls = [partial(kind, api) for kind in kinds for api in apis]

    for _ in range(3):
        answers = at_once(*calls)
        assert {answer.status_code for answer in answers} <= {200, 201}

    assert len(store.rows("agents")) == 1
