"""Any value may stand anywhere in a body: agents are answered, and what can be kept is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.application_under_test import (
    OPERATOR_TOKEN,
    Api,
    Json,
    a_registration,
    assert_decent,
)

WRONG: Final[tuple[Json, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    10**30,
    -(10**30),
    1.5,
    "",
    " ",
    "x" * 10_000,
    "😀" * 50,
    "😀" * 10_000,
    "\u0000",
    "'; DROP TABLE agents; --",
    "../../etc/passwd",
    "NaN",
    "12",
    "1900-01-01T00:00:00",
    "2500-01-01T00:00:00Z",
    "1970-01-01T00:00:00+14:00",
    "2038-01-19T03:14:08",
    [],
    ["x"],
    [[]],
    {},
    {"a": 1},
)
INSTANCE: Final = {
    "instance_id": "i-1",
    "instance_type": "t3.medium",
    "region": "us-east-1",
    "az": "us-east-1a",
    "ami_id": "ami-1",
    "mode": "spot",
    "current_mode": "spot",
    "pool_id": "t3.medium.us-east-1a",
}
POOL: Final = {"pool_id": "t3.medium.us-east-1b", "az": "us-east-1b", "price": 0.011}
PRICING: Final = {
    "on_demand_price": 0.0416,
    "current_spot_price": 0.0125,
    "cheapest_pool": {"pool_id": "t3.medium.us-east-1b", "price": 0.011},
    "spot_pools": [POOL],
    "collected_at": "2025-06-17T11:59:00",
}
SENT: Final[dict[str, dict[str, Json]]] = {
    "heartbeat": {
        "status": "online",
        "instance_id": "i-1",
        "instance_type": "t3.medium",
        "az": "us-east-1a",
        "mode": "spot",
        "pool_id": "p",
        "monitored_instances": ["i-1"],
    },
    "commands/1/executed": {"success": True, "message": "done"},
    "mark-command-executed": {"command_id": "c", "success": True, "message": "done"},
    "pricing-report": {"instance": INSTANCE, "pricing": PRICING, "spot_pools": [POOL]},
    "switch-report": {
        "old_instance": INSTANCE,
        "new_instance": {**INSTANCE, "instance_id": "i-2"},
        "prices": {"on_demand": 0.04, "old_spot": 0.02, "new_spot": 0.01},
        "timing": {
            "switch_initiated_at": "2025-06-17T11:58:00Z",
            "new_instance_launched_at": "2025-06-17T11:58:30Z",
            "old_instance_terminated_at": "2025-06-17T11:59:00Z",
        },
        "snapshot": {"used": True, "snapshot_id": "s", "ami_id": "a"},
        "trigger": "manual",
        "command_id": "c",
    },
    "termination": {"reason": "gone", "instance_id": "i-1"},
    "cleanup-report": {
        "timestamp": "2025-06-17T11:59:00",
        "snapshots": {"deleted": ["s"], "failed": [], "cutoff_date": "2025-05-01T00:00:00"},
        "amis": {"deleted_amis": ["a"], "failed": []},
    },
    "rebalance-recommendation": {"instance_id": "i-1", "detected_at": "2025-06-17T11:59:00"},
    "decide": {"instance": INSTANCE, "pricing": PRICING},
    "issue-switch-command": {
        "target_mode": "spot",
        "target_pool_id": "p",
        "priority": 5,
        "reason": "x",
    },
}


def with_one_thing_wrong(body: Json, wrong: Json) -> Iterator[Json]:
    """The body with every value in it replaced in turn."""
    yield wrong
    if isinstance(body, dict):
        for key, value in body.items():
            for other in with_one_thing_wrong(value, wrong):
                yield {**body, key: other}
    elif isinstance(body, list):
        for item in body:
            for other in with_one_thing_wrong(item, wrong):
                yield [other]


@pytest.mark.parametrize("name", sorted(SENT))
def test_any_value_may_stand_anywhere(api: Api, name: str) -> None:
    path = f"/api/agents/{api.register()}/{name}"
    sent: set[str] = set()

    for wrong in WRONG:
        for body in with_one_thing_wrong(SENT[name], wrong):
            if repr(body) not in sent:
                sent.add(repr(body))
                assert_decent(api.post(path, body))


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: repr(value)[:30])
def test_any_value_may_stand_in_a_registration(api: Api, wrong: Json) -> None:
    for body in with_one_thing_wrong(a_registration(pool_id="p"), wrong):
        assert_decent(api.post("/api/agents/register", body))


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: repr(value)[:30])
def test_any_value_may_stand_in_a_new_client(api: Api, wrong: Json) -> None:
    for body in with_one_thing_wrong({"name": "n", "email": "e"}, wrong):
        assert_decent(api.post("/api/admin/clients/create", body, token=OPERATOR_TOKEN))


@pytest.mark.parametrize(
    "name",
    [
        "pricing-report",
        "switch-report",
        "termination",
        "cleanup-report",
        "rebalance-recommendation",
        "decide",
    ],
)
def test_a_report_is_stored_in_part(api: Api, name: str) -> None:
    """Agents do not correct what they send, they repeat it (ruling R9)."""
    path = f"/api/agents/{api.register()}/{name}"
    parts = ("instance", "pricing", "new_instance")

    wrongs: tuple[Json, ...] = (5, "x" * 300, True, [[]])
    for wrong in wrongs:
        for body in with_one_thing_wrong(SENT[name], wrong):
            whole = isinstance(body, dict) and all(
                isinstance(body.get(part, {}), dict) for part in parts
            )
            if whole and (name != "switch-report" or names_an_instance(body)):
                answer = api.post(path, body)
                assert answer.status_code == 200, (body, answer.text)


def names_an_instance(report: Json) -> bool:
    name = report["new_instance"].get("instance_id")
    return isinstance(name, str) and 0 < len(name) <= 50


TEXTS: Final = st.text(max_size=70) | st.sampled_from(["spot", "i-1", "t3.medium.us-east-1a"])
LEAVES: Final = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
DOCUMENTS: Final = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("name", sorted(SENT))
@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_document_may_stand_anywhere(api: Api, name: str, data: st.DataObject) -> None:
    keys = sorted({*SENT[name], "instance", "pricing", "new_instance"})
    body = data.draw(st.dictionaries(st.sampled_from(keys), DOCUMENTS, max_size=4))
    for part in ("instance", "pricing", "new_instance", "timing"):
        if data.draw(st.booleans()):
            known = sorted({*INSTANCE, *PRICING, *SENT["switch-report"]["timing"]})
            body[part] = data.draw(st.dictionaries(st.sampled_from(known), DOCUMENTS, max_size=4))

    assert_decent(api.post(f"/api/agents/{api.register()}/{name}", body))
