"""Which rule answers a rebalance recommendation is a matter of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application_under_test import Api, Store, a_shared_store, an_api
from tests.unit.http.test_failover import Endangered

BY_COST = {"DECISION_ENGINE_MODULE": "decision_engines.placement_engine"}


@pytest.fixture(scope="module", params=["sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_shared_store(request) as store:
        yield store


@pytest.fixture
def api(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path / "data", **request.param) as api:
        yield api


@pytest.mark.parametrize("api", [BY_COST], indirect=True)
def test_the_engine_that_counts_costs_goes_by_the_record(api: Api, store: Store) -> None:
    fleet = Endangered(api, store)

    answer = fleet.post("rebalance-recommendation", {"instance_id": "i-1"}).json()

    assert answer == {
        "success": True,
        "action": "switch",
        "risk_score": 0.5,
        "reason": "Current pool has elevated interruption risk (50.00%)",
        "target_mode": "spot",
        "target_pool_id": "t3.medium.us-east-1b",
        "target_pool_name": "t3.medium (us-east-1b)",
    }
    (kept,) = store.rows("spot_interruption_events")
    assert kept["metadata"]["followed_by_loss"] == 0


@pytest.mark.parametrize(
    "api",
    [{}, {"COMPATIBILITY": "monolith", "STRICT_REGISTRATION": "False", **BY_COST}],
    ids=["rules", "monolith"],
    indirect=True,
)
def test_the_rules_answer_as_the_contract_has_it(api: Api, store: Store) -> None:
    fleet = Endangered(api, store)

    answer = fleet.post("rebalance-recommendation", {"instance_id": "i-1"}).json()

    assert answer == {
        "success": True,
        "action": "monitor",
        "risk_score": 0.0,
        "reason": "Risk is acceptable (0.00%), continuing to monitor",
    }


@pytest.mark.parametrize(
    "api", [{"DOWNTIME_VALUES": "web-*=0", **BY_COST}], ids=["worthless"], indirect=True
)
def test_an_agent_whose_downtime_is_worth_nothing_is_left_where_it_is(
    api: Api, store: Store
) -> None:
    fleet = Endangered(api, store)
    fleet.settle(logical_agent_id="web-1")

    answer = fleet.post("rebalance-recommendation", {"instance_id": "i-1"}).json()

    assert (answer["action"], answer["risk_score"]) == ("monitor", 0.5)
    (kept,) = store.rows("spot_interruption_events")
    assert kept["metadata"]["only_watched"] is True
