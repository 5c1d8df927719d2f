"""What a dashboard asks costs as many statements for a hundred rows as for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.application_under_test import OWNER, Api, Json, Store, a_store_in, an_api
from tests.stores import statements

CLIENT: Final = f"/api/client/{OWNER}"
INSTANCE: Final = "/api/client/instances/i-1"

# Beside the one that asks whose token it is.
READS: Final[dict[str, int]] = {
    CLIENT: 1,
    f"{CLIENT}/agents": 1,
    f"{CLIENT}/agents/history": 1,
    f"{CLIENT}/agents/decisions": 5,
    f"{CLIENT}/instances?search=i": 1,
    f"{CLIENT}/replicas": 1,
    f"{CLIENT}/savings": 1,
    f"{CLIENT}/switch-history": 2,
    f"{CLIENT}/switches": 1,
    f"{CLIENT}/stats/charts": 3,
    f"{CLIENT}/export/savings": 1,
    f"{CLIENT}/export/switch-history": 1,
    f"{CLIENT}/export/instances": 1,
    f"{CLIENT}/export/agents": 1,
    f"{CLIENT}/export/prices": 1,
    "/api/client/agents/AGENT": 1,
    "/api/agents/AGENT": 1,
    f"{INSTANCE}/pricing": 3,
    f"{INSTANCE}/metrics": 2,
    f"{INSTANCE}/available-options": 3,
    f"{INSTANCE}/logs": 4,
    f"{INSTANCE}/price-history?days=30": 9,  # ten days at a time
    "/api/client/pricing-history?days=30": 10,
    "/api/notifications?limit=1000": 1,
}
# The same list or chart again, and another one of the same pools.
AGAIN: Final[dict[str, int]] = {
    f"{CLIENT}/switch-history": 1,
    f"{INSTANCE}/price-history?days=30": 1,
    f"{INSTANCE}/price-history?days=20": 3,
}
WRITES: Final[list[tuple[str, str, Json, int]]] = [
    ("POST", "/api/client/agents/AGENT/toggle-enabled", {"enabled": False}, 4),
    ("POST", "/api/client/agents/AGENT/settings", {"replica_count": 2}, 3),
    ("POST", "/api/client/agents/AGENT/config", {"manualReplicaEnabled": True}, 3),
    ("POST", "/api/client/agents/AGENT/config", {"manualReplicaEnabled": False}, 6),
    ("POST", "/api/client/agents/AGENT/config", {"max_switches_per_week": 3}, 4),
    ("POST", f"{INSTANCE}/force-switch", {"target": "spot"}, 11),
    ("POST", "/api/notifications/n1/mark-read", {}, 3),
    ("POST", "/api/notifications/mark-all-read", {}, 2),
    ("DELETE", "/api/client/agents/AGENT", {}, 12),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with a_store_in(tmp_path_factory.mktemp("statements")) as store:
        yield store


@pytest.fixture(params=[1, 40])
def size(request: pytest.FixtureRequest) -> int:
    size: int = request.param
    return size


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[Api]:
    """One that remembers no chart."""
    store.empty()
    with an_api(store.url, tmp_path) as api:
        yield api


@pytest.fixture
def agent(api: Api, store: Store, size: int) -> str:
    """With so much of everything; its siblings too."""
    agent_id = api.register()
    for number in range(2, size + 1):
        api.register(logical_agent_id=f"web-{number}", instance_id=f"i-{number}")
    numbers = range(1, size + 1)
    store.add(
        {
            "notifications": [
                {"id": f"n{number}", "client_id": OWNER, "message": "m", "is_read": 0}
                for number in numbers
            ],
            "client_savings_monthly": [
                {"client_id": OWNER, "year": 2000 + number, "month": 1} for number in numbers
            ],
            "switches": [
                {
                    "id": f"s{number}",
                    "client_id": OWNER,
                    "agent_id": agent_id,
                    "new_instance_id": "i-1",
                    "initiated_at": api.ago(minutes=number),
                }
                for number in numbers
            ],
            "agent_decision_history": [
                {"agent_id": agent_id, "client_id": OWNER, "decision_type": "stay"} for _ in numbers
            ],
            "commands": [
                {
                    "id": f"c{number}",
                    "client_id": OWNER,
                    "agent_id": agent_id,
                    "command_type": "switch",
                    "instance_id": "i-other",
                    "status": "pending",
                    "created_at": api.ago(minutes=1),
                }
                for number in numbers
            ],
            "replica_instances": [
                {
                    "id": f"r{number}",
                    "agent_id": agent_id,
                    "instance_id": f"i-r{number}",
                    "replica_type": "manual",
                    "status": "ready",
                }
                for number in numbers
            ],
            "spot_pools": [
                {
                    "id": f"t3.medium.{number}",
                    "instance_type": "t3.medium",
                    "region": "us-east-1",
                    "az": f"zone-{number}",
                    "is_active": 1,
                }
                for number in numbers
            ],
            "pricing_snapshots_clean": [
                {
                    "pool_id": f"t3.medium.{number}",
                    "instance_type": "t3.medium",
                    "region": "us-east-1",
                    "az": f"zone-{number}",
                    "spot_price": 0.01,
                    "time_bucket": api.ago(days=number % 20),
                    "bucket_start": api.ago(days=1),
                    "bucket_end": api.ago(days=1),
                    "source_type": "primary",
                }
                for number in numbers
            ],
        }
    )
    return agent_id


def cost(api: Api, method: str, path: str, body: Json) -> int:
    """Without the one that looks the token up, which begins a transaction of its own on SQLite."""
    api.container.engine_watch().stop()  # it asks for other models now and then
    with statements(api.container.engine()) as sent:
        answer = api.send(method, path, body)
    assert answer.status_code == 200, answer.text
    return len([one for one in sent if not one.startswith("BEGIN")]) - 1


@pytest.mark.parametrize("path", READS)
def test_reading(api: Api, agent: str, path: str) -> None:
    assert cost(api, "GET", path.replace("AGENT", agent), b"") == READS[path]


def test_what_is_remembered_is_made_once(api: Api, agent: str) -> None:
    cost(api, "GET", f"{INSTANCE}/price-history?days=30", b"")
    cost(api, "GET", f"{CLIENT}/switch-history", b"")

    assert {path: cost(api, "GET", path, b"") for path in AGAIN} == AGAIN


def test_changing(api: Api, agent: str) -> None:
    found = [
        (method, path, body, cost(api, method, path.replace("AGENT", agent), body))
        for method, path, body, _ in WRITES
    ]

    assert found == WRITES
