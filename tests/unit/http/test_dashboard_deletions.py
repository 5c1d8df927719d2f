"""A client is deleted while its request is under way: nothing breaks, nothing is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.application_under_test import (
    OWNER,
    STRANGER_TOKEN,
    Api,
    GatedClock,
    Json,
    Store,
    an_api,
)

# What each is answered with, once its client is gone; the token was looked up before.
REQUESTS: list[tuple[str, str, Json, int, Json]] = [
    ("POST", "agents/AGENT/toggle-enabled", {}, 404, {"error": "Agent not found"}),
    ("POST", "agents/AGENT/settings", {"replica_count": 1}, 404, {"error": "Agent not found"}),
    (
        "POST",
        "agents/AGENT/config",
        {"max_switches_per_week": 1},
        404,
        {"error": "Agent not found"},
    ),
    ("DELETE", "agents/AGENT", b"", 404, {"error": "Agent not found"}),
    (
        "POST",
        "instances/i-1/force-switch",
        {"target": "ondemand"},
        404,
        {"error": "Instance or agent not found"},
    ),
    ("GET", "instances/i-1/pricing", b"", 404, {"error": "Instance not found"}),
    ("GET", "instances/i-1/metrics", b"", 404, {"error": "Instance not found"}),
    ("GET", "pricing-history", b"", 404, {"error": "No active agents found"}),
    ("GET", f"{OWNER}/agents/decisions", b"", 200, []),
    (
        "GET",
        f"{OWNER}/stats/charts",
        b"",
        200,
        {"savingsTrend": [], "modeDistribution": [], "switchFrequency": []},
    ),
]


@pytest.fixture
def clock() -> GatedClock:
    return GatedClock()


@pytest.fixture
def api(store: Store, clock: GatedClock, tmp_path: Path) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path, clock) as api:
        yield api


@pytest.mark.parametrize(("method", "path", "body", "status", "told"), REQUESTS)
def test_in_the_middle_of_a_request(
    api: Api,
    store: Store,
    clock: GatedClock,
    method: str,
    path: str,
    body: Json,
    status: int,
    told: Json,
) -> None:
    agent_id = api.register()
    theirs = api.register(token=STRANGER_TOKEN, logical_agent_id="x", instance_id="i-9")
    clock.shut()
    with ThreadPoolExecutor(1) as thread:
        full_path = "/api/client/" + path.replace("AGENT", agent_id)
        answer = thread.submit(api.send, method, full_path, body)
        clock.wait_for_somebody()
        store.database.remove("clients", {"id": OWNER})
        for table in ("agents", "instances", "notifications"):
            for row in store.rows(table):
                if row["client_id"] == OWNER:
                    store.database.remove(table, {"id": row["id"]})
        before = store.contents()
        clock.open()

        assert (answer.result().status_code, answer.result().json()) == (status, told)

    assert store.contents() == before
    assert [row["id"] for row in store.rows("agents")] == [theirs]
