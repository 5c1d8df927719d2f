"""Agents A, B and C start, give signs of life and report (contract real-agents section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.application_under_test import Api, Json, Store, an_api
from tests.real_agents import (
    ALIVE,
    FAREWELL,
    HERE,
    POOLS,
    PRICES,
    PROGRAMS,
    STARTS,
    THERE,
    start,
    took,
)


@pytest.fixture
def api(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path_factory.mktemp("data")) as api:
        yield api


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_agent_starts(api: Api, store: Store, program: str) -> None:
    answer = api.post("/api/agents/register", STARTS[program])

    assert answer.status_code == 200
    assert answer.json()["config"]["enabled"] is True
    agent = store.row("agents")
    assert (agent["instance_id"], agent["status"]) == ("i-1", "online")
    assert agent["current_mode"] == ("unknown" if program == "B" else "spot")


@pytest.mark.parametrize("name", ["hostname", "instance_type", "az", "ami_id", "region"])
def test_slow_metadata_makes_an_agent_say_unknown(api: Api, store: Store, name: str) -> None:
    start(api, "A", **{name: "unknown"})

    assert store.row("agents")[name] == "unknown"


def test_the_same_agent_starts_again(api: Api, store: Store) -> None:
    assert start(api, "C") == start(api, "C")
    assert len(store.rows("agents")) == len(store.rows("instances")) == 1


def test_an_agent_that_could_not_register_speaks_for_nobody(api: Api) -> None:
    assert api.post("/api/agents/None/heartbeat", FAREWELL).status_code == 404


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_heartbeat_keeps_an_agent_alive_and_forgets_nothing(
    api: Api, store: Store, program: str
) -> None:
    path = f"/api/agents/{start(api, program)}/heartbeat"
    before = store.row("agents")
    api.clock.advance(30)

    took(api, path, ALIVE[program])

    after = store.row("agents")
    assert after["last_heartbeat_at"] == "2025-06-17 12:00:30"
    times = {"last_heartbeat_at", "updated_at"}
    assert {k: v for k, v in after.items() if k not in times} == {
        k: v for k, v in before.items() if k not in times
    }


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_last_word_of_a_lone_agent_takes_it_offline(
    api: Api, store: Store, program: str
) -> None:
    took(api, f"/api/agents/{start(api, program)}/heartbeat", FAREWELL)

    assert store.row("agents")["status"] == "offline"


@pytest.mark.parametrize("program", PROGRAMS)
def test_all_prices_of_a_report_are_kept(api: Api, store: Store, program: str) -> None:
    took(api, f"/api/agents/{start(api, program)}/pricing-report", PRICES[program])

    assert {row["id"] for row in store.rows("spot_pools")} == {pool["pool_id"] for pool in POOLS}
    prices = {row["pool_id"]: row["price"] for row in store.rows("spot_price_snapshots")}
    assert prices == {pool["pool_id"]: pool["price"] for pool in POOLS}
    assert len(store.rows("pricing_snapshots_clean")) == len(POOLS)
    assert store.row("ondemand_prices")["price"] == 0.0416
    report = store.row("pricing_reports")
    assert (report["current_mode"], report["current_pool_id"]) == ("spot", HERE)
    assert (report["cheapest_pool_id"], report["cheapest_pool_price"]) == (THERE, 0.011)
    instance = store.row("instances")
    assert (instance["spot_price"], instance["ondemand_price"]) == (0.0125, 0.0416)


def test_the_mode_of_b_is_in_its_price_report(api: Api, store: Store) -> None:
    path = f"/api/agents/{start(api, 'B')}/pricing-report"

    took(api, path, PRICES["B"])

    agent, instance = store.row("agents"), store.row("instances")
    assert (agent["current_mode"], agent["current_pool_id"]) == ("spot", HERE)
    assert (instance["current_mode"], instance["current_pool_id"]) == ("spot", HERE)


@pytest.mark.parametrize("program", ["A", "C"])
def test_a_price_report_that_is_repeated_changes_nothing(
    api: Api, store: Store, program: str
) -> None:
    path = f"/api/agents/{start(api, program)}/pricing-report"
    took(api, path, PRICES[program])
    before = store.contents()
    api.clock.advance(40)

    took(api, path, PRICES[program])

    assert store.contents() == before


@pytest.mark.parametrize(
    "deleted", [{"deleted": ["s-1", "s-2"], "failed": ["s-3"]}, {"deleted": None, "failed": 5}]
)
def test_a_clean_up_of_a_is_recorded(api: Api, store: Store, deleted: Json) -> None:
    path = f"/api/agents/{start(api, 'A')}/cleanup-report"
    report = {
        "timestamp": "2025-06-17T11:59:09.927104",
        "snapshots": {"type": "snapshots", "cutoff_date": "2025-05-17T11:59:09.927104", **deleted},
        "amis": {"type": "amis", "deleted_amis": ["a-1"], "deleted_snapshots": [], "failed": []},
    }

    took(api, path, report)

    log = store.row("cleanup_logs")
    assert (log["cutoff_date"], log["executed_at"]) == (
        "2025-05-17 11:59:09",
        "2025-06-17 11:59:09",
    )
    assert (log["deleted_amis_count"], log["details"]) == (1, report)
    assert log["deleted_snapshots_count"] == (2 if deleted["deleted"] else 0)


def test_a_clean_up_of_c_that_failed_is_recorded_with_its_error(api: Api, store: Store) -> None:
    path = f"/api/agents/{start(api, 'C')}/cleanup-report"
    error = "can't compare offset-naive and offset-aware datetimes"
    report = {
        "timestamp": "2025-06-17T11:59:09.927104+00:00",
        "snapshots": {"type": "snapshots", "deleted": [], "failed": [], "error": error},
        "amis": {"type": "amis", "deleted_amis": [], "failed": [], "error": error},
    }

    took(api, path, report)

    log = store.row("cleanup_logs")
    assert (log["cutoff_date"], log["details"]["snapshots"]["error"]) == (None, error)


@pytest.mark.parametrize("program", ["A", "C"])
@pytest.mark.parametrize("late", [0, 3600, -3600])
def test_a_recommendation_that_is_repeated_is_acted_on_once(
    api: Api, store: Store, program: str, late: int
) -> None:
    """Every 30 s while it stands, whatever the agent's clock says."""
    path = f"/api/agents/{start(api, program)}/rebalance-recommendation"
    actions = []
    for _ in range(6):
        told = api.clock.now().replace(tzinfo=None) - timedelta(seconds=late)
        body = {"instance_id": "i-1", "detected_at": told.isoformat()}
        answer = api.post(path, body)
        assert answer.status_code == 200
        actions.append(answer.json()["action"])
        api.clock.advance(30)

    assert actions == ["monitor"] + ["duplicate"] * 5
    assert len(store.rows("spot_interruption_events")) == 1
    assert store.row("agents")["interruption_handled_count"] == 1
