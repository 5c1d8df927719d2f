"""What the engine that weighs places is told by settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spot_optimizer.domain.placement.outlook import risk_of_band
from tests.application_under_test import Json, Store, a_shared_store, an_api
from tests.unit.http.test_rebalance_records import BY_COST
from tests.unit.http.test_replicas import POOL_B, Fleet


@pytest.fixture(scope="module", params=["sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_shared_store(request) as store:
        yield store


@contextmanager
def a_fleet(store: Store, folder: Path, **settings: str) -> Iterator[Fleet]:
    """Whose agent is on demand, with prices of half a minute ago."""
    store.empty()
    with an_api(store.url, folder / "data", None, None, **BY_COST, **settings) as api:
        yield Fleet(api, store)


def decided(fleet: Fleet) -> Json:
    answer = fleet.post(
        "decide",
        {
            "instance": {"instance_id": "i-1", "current_mode": "ondemand"},
            "pricing": {"current_spot_price": 0.011, "on_demand_price": 0.0416},
        },
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("band", [0, 4])
def test_a_pool_without_a_past_has_the_risk_that_the_advisors_file_says(
    store: Store, tmp_path: Path, band: int
) -> None:
    file = tmp_path / "advisor.json"
    regions = {"us-east-1": {"Linux": {"t3.medium": {"s": 70, "r": band}}}}
    file.write_text(json.dumps({"spot_advisor": regions}))

    with a_fleet(store, tmp_path, SPOT_ADVISOR_FILE=str(file)) as fleet:
        advice = decided(fleet)

    assert (advice["recommended_action"], advice["recommended_pool_id"]) == ("switch_spot", POOL_B)
    assert advice["risk_score"] == pytest.approx(risk_of_band(band, 1))


def test_what_downtime_is_worth_is_part_of_the_sum(store: Store, tmp_path: Path) -> None:
    def moving(values: str) -> float:
        with a_fleet(store, tmp_path, DOWNTIME_VALUES=values) as fleet:
            reason = decided(fleet)["reason"]
        return float(reason.split("moving ")[1].split(")")[0])

    assert moving("*=2000") > 10 * moving("*=20")
