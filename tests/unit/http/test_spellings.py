"""MySQL takes two spellings for one key: reports that use them are taken, not failed for ever."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.application_under_test import (
    Answer,
    Api,
    Json,
    Store,
    a_registration,
    an_api,
    at_once,
)

POOL = "t3.medium.us-east-1a"


@pytest.fixture
def api(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path_factory.mktemp("data")) as api:
        yield api


def report_pools(api: Api, agent_id: str, *pools: str, **instance: Json) -> Answer:
    body = {
        "instance": {"instance_id": "i-1", "mode": "spot", **instance},
        "pricing": {
            "on_demand_price": 0.0416,
            "spot_pools": [{"pool_id": pool, "price": 0.0125} for pool in pools],
        },
    }
    return api.post(f"/api/agents/{agent_id}/pricing-report", body)


@pytest.mark.parametrize(
    "other", ["T3.medium.us-east-1a", "t3.MEDIUM.us-east-1A", f"{POOL} ", "t3.médium.us-east-1a"]
)
@pytest.mark.parametrize("together", [True, False])
def test_a_pool_may_be_written_in_another_way(
    api: Api, store: Store, other: str, together: bool
) -> None:
    agent_id = api.register()
    reports = [(POOL, other)] if together else [(POOL,), (other,)]

    for pools in reports:
        assert report_pools(api, agent_id, *pools).status_code == 200

    assert POOL in {row["id"] for row in store.rows("spot_pools")}


@pytest.mark.parametrize("pool", ["😀.a", "t3.medium.us east", "t3.\u0000.a", "ﬀ.a", "t3.é"])
def test_what_no_pool_is_called_is_left_out(api: Api, store: Store, pool: str) -> None:
    assert report_pools(api, api.register(), pool, POOL).status_code == 200

    assert [row["id"] for row in store.rows("spot_pools")] == [POOL]
    assert len(store.rows("pricing_reports")) == 1


@pytest.mark.parametrize("name", ["instance_type", "region"])
@pytest.mark.parametrize("change", [str.upper, str.title, lambda text: f"{text} ", lambda _: "😀"])
def test_types_and_regions_may_be_too(api: Api, name: str, change: type[str]) -> None:
    agent_id = api.register()
    usual = {"instance_type": "t3.medium", "region": "us-east-1"}

    for said in (usual, {**usual, name: change(usual[name])}, {**usual, name: "😁"}):
        assert report_pools(api, agent_id, POOL, **said).status_code == 200


@pytest.mark.parametrize("instance_id", ["I-1", "i-1 ", "í-1"])
def test_an_instance_may_be_too(api: Api, instance_id: str) -> None:
    agent_id = api.register()
    other = a_registration(instance_id=instance_id, logical_agent_id="other")
    switch = {"old_instance": {"instance_id": "i-1"}, "new_instance": {"instance_id": instance_id}}

    assert api.post("/api/agents/register", other).status_code == 200
    assert api.register(instance_id=instance_id) == agent_id
    assert api.post(f"/api/agents/{agent_id}/switch-report", switch).status_code == 200


@pytest.mark.parametrize("logical_id", ["WEB", "web ", "wéb"])
def test_an_agent_may_be_too(api: Api, logical_id: str) -> None:
    api.register()

    answer = api.post("/api/agents/register", a_registration(logical_agent_id=logical_id))

    assert answer.status_code == 200


def test_one_strange_report_does_not_fail_those_that_arrive_with_it(api: Api, store: Store) -> None:
    agents = [
        api.register(logical_agent_id=f"web-{number}", instance_id=f"i-{number}")
        for number in range(12)
    ]
    pools = [POOL, POOL.upper(), "😀.a", "😁.a", f"{POOL} ", "t3.medium.us-east-1b"] * 2

    answers = at_once(
        *[partial(report_pools, api, agents[n], pools[n], instance_id=f"i-{n}") for n in range(12)]
    )

    assert {answer.status_code for answer in answers} == {200}
    assert len(store.rows("pricing_reports")) == 12
