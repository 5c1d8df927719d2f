"""A decision on record comes out again as it did, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from spot_optimizer.cli import main
from spot_optimizer.cli.failures import DATABASE_UNUSABLE, FAILED
from spot_optimizer.domain.pricing.buckets import BUCKET_WIDTH, LAST_SECOND, Bucket
from spot_optimizer.domain.pricing.history import PriceHistory
from tests.application_under_test import OPERATOR_TOKEN, Api, Json, Store, an_api
from tests.model_files import a_forest, onnx_of, skops_of, skops_price, skops_risk

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def api(store: Store, data: Path) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, data) as api:
        yield api


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, store: Store, data: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", store.url)
    monkeypatch.setenv("DATA_DIR", str(data))


def activate(api: Api, **models: bytes) -> None:
    files = [("files", (name.replace("__", "."), content)) for name, content in models.items()]
    headers = {"Authorization": f"Bearer {OPERATOR_TOKEN}"}
    answer = api.http.post("/api/admin/ml-models/upload", files=files, headers=headers)
    body = {"sessionId": answer.json()["sessionId"]}
    answer = api.post("/api/admin/ml-models/activate", body, token=OPERATOR_TOKEN)
    assert answer.status_code == 200


def decide(api: Api, store: Store, **pricing: Json) -> tuple[int, Json]:
    """The decision's id on record, and what the agent was told."""
    agent_id = api.register(mode="ondemand")
    body = {
        "instance": {"instance_id": "i-1", "current_mode": "ondemand", "current_pool_id": "p"},
        "pricing": {
            "current_spot_price": 0.0123,
            "on_demand_price": 0.0416,
            "cheapest_pool": {"pool_id": "t3.medium.us-east-1b", "price": 0.011},
            **pricing,
        },
    }
    answer = api.post(f"/api/agents/{agent_id}/decide", body)
    assert answer.status_code == 200
    return int(store.rows("decision_engine_log")[-1]["id"]), answer.json()


def change_the_market(
    api: Api, store: Store, agent_id: str, prices: dict[str, float], *, hours_ago: float
) -> None:
    """By prices of the zones, and an interruption in the second one."""
    at = api.ago(hours=hours_ago)
    pools = {f"t3.medium.us-east-1{zone}": price for zone, price in prices.items()}
    notice = {
        "instance_id": "i-9",
        "agent_id": agent_id,
        "pool_id": "t3.medium.us-east-1b",
        "signal_type": "termination-notice",
        "detected_at": at,
        "response_action": "no-action",
    }
    store.add(
        {
            "spot_price_snapshots": [
                {"pool_id": pool, "price": price, "captured_at": at, "recorded_at": at}
                for pool, price in pools.items()
            ],
            "spot_interruption_events": [notice],
        }
    )


def replay(decision_id: int, capsys: Captured) -> tuple[int, Json, str]:
    capsys.readouterr()
    code = main(["decisions", "replay", str(decision_id)])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else None, said.err


def told(output: Json) -> Json:
    advice = output["advice"]
    return {
        "risk_score": advice["risk_score"],
        "expected_savings_per_hour": advice["expected_savings"],
        "recommended_action": advice["action"],
        "recommended_mode": advice["mode"],
        "recommended_pool_id": advice["pool_id"],
        "allowed": advice["allowed"],
        "reason": advice["reason"],
    }


@pytest.mark.parametrize(
    "pricing",
    [
        {},
        {"current_spot_price": 0.04},
        {"current_spot_price": None},
        {"on_demand_price": 12.345678, "current_spot_price": 1},
    ],
)
def test_by_the_rules(api: Api, store: Store, capsys: Captured, pricing: Json) -> None:
    decision_id, answer = decide(api, store, **pricing)

    code, output, said = replay(decision_id, capsys)

    assert (code, said) == (0, f"Decision {decision_id} comes out as it did, byte for byte\n")
    answer.pop("instance_id")
    assert told(output) == answer
    assert output["scores"] == {}


@pytest.mark.parametrize(
    "models",
    [
        {"risk_predictor__skops": skops_risk(0.1234)},
        {"risk_predictor__onnx": onnx_of(0.4321), "price_predictor__skops": skops_price(0.0234)},
    ],
)
def test_by_models_even_when_others_are_in_service_now(
    api: Api, store: Store, capsys: Captured, models: Json
) -> None:
    activate(api, **models)
    decision_id, answer = decide(api, store)
    activate(api, risk_predictor__skops=skops_risk(0.75))

    code, output, _ = replay(decision_id, capsys)

    assert code == 0
    answer.pop("instance_id")
    assert told(output) == answer
    assert output["scores"]["risk_predictor"] == output["risk_score"]
    row = store.rows("decision_engine_log")[-1]
    assert set(row["input_data"]["flight"]["hashes"]) == {
        name.replace("__", ".") for name in models
    }


def test_by_models_that_saw_other_pools_and_their_interruptions(
    api: Api, store: Store, capsys: Captured
) -> None:
    """Other prices and interruptions since then change nothing."""
    activate(api, risk_predictor__skops=skops_of(a_forest()))
    agent_id = api.register(mode="ondemand")
    decide(api, store)
    zones = {"a": 0.0121, "b": 0.011, "c": 0.013}
    place = {"instance_type": "t3.medium", "region": "us-east-1"}
    store.add(
        {
            "spot_pools": [
                {"id": f"t3.medium.us-east-1{zone}", "az": f"us-east-1{zone}", **place}
                for zone in zones
            ]
        }
    )
    change_the_market(api, store, agent_id, zones, hours_ago=0.5)
    decision_id, answer = decide(api, store)
    change_the_market(api, store, agent_id, dict.fromkeys(zones, 0.02), hours_ago=0)

    code, output, _ = replay(decision_id, capsys)

    assert code == 0
    answer.pop("instance_id")
    assert told(output) == answer
    seen = store.rows("decision_engine_log")[-1]["input_data"]["flight"]["question"]
    assert [(pool["pool_id"], float(pool["price"])) for pool in seen["alternative_pools"]] == [
        (f"t3.medium.us-east-1{zone}", zones[zone]) for zone in ("b", "a", "c")
    ]
    assert [pool["interruptions_30d"] for pool in seen["alternative_pools"]] == [1, 0, 0]
    assert [past["pool_id"] for past in seen["interruption_history"]] == ["t3.medium.us-east-1b"]
    assert output["scores"]["risk_predictor"] == answer["risk_score"]


def test_by_models_that_were_told_prices_which_are_gone_since(
    api: Api, store: Store, capsys: Captured
) -> None:
    """A decision carries the seven days of prices that it was made of."""
    activate(api, risk_predictor__skops=skops_of(a_forest()))
    pool = {"id": "t3.medium.us-east-1b", "instance_type": "t3.medium", "region": "us-east-1"}
    store.add({"spot_pools": [{**pool, "az": "us-east-1b"}]})
    start = Bucket.of(api.clock.now()).start
    store.add({"pricing_snapshots_clean": [a_price(start, number) for number in range(2_016)]})
    decision_id, answer = decide(api, store)
    with store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM pricing_snapshots_clean")

    code, output, _ = replay(decision_id, capsys)

    assert code == 0
    answer.pop("instance_id")
    assert told(output) == answer
    question = store.rows("decision_engine_log")[-1]["input_data"]["flight"]["question"]
    prices = msgspec.convert(question["price_history_7d"], PriceHistory).points
    assert [float(price) for _, price, _ in prices] == [
        a_price(start, number)["spot_price"] for number in reversed(range(2_016))
    ]
    assert question["trend"]["change_1h"] == pytest.approx(-0.00012)


def a_price(start: datetime, number: int) -> Json:
    """So many buckets before the present one, each cheaper than the one before."""
    at = start - number * BUCKET_WIDTH
    return {
        "pool_id": "t3.medium.us-east-1b",
        "instance_type": "t3.medium",
        "region": "us-east-1",
        "az": "us-east-1b",
        "spot_price": round(0.01 + number * 0.00001, 6),
        "time_bucket": at,
        "bucket_start": at,
        "bucket_end": at + LAST_SECOND,
        "source_type": "primary",
        "confidence_score": 1,
        "data_source": "measured",
    }


def test_by_models_that_failed(
    api: Api, store: Store, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate(api, price_predictor__skops=skops_price(-1))
    decision_id, _ = decide(api, store)

    code, output, _ = replay(decision_id, capsys)

    assert (code, output["scores"], output["risk_score"]) == (0, {}, 0.2)


def test_a_changed_record_is_found_out(api: Api, store: Store, capsys: Captured) -> None:
    decision_id, _ = decide(api, store)
    with store.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE decision_engine_log SET output_decision ="
            " REPLACE(output_decision, 'Good savings', 'Bad savings')"
        )

    code, _, said = replay(decision_id, capsys)

    assert code == FAILED
    assert "Bad savings" in said
    assert f"Decision {decision_id} comes out otherwise" in said


def test_models_that_are_gone_cannot_be_asked(
    api: Api, store: Store, capsys: Captured, data: Path
) -> None:
    activate(api, risk_predictor__skops=skops_risk())
    decision_id, _ = decide(api, store)
    for path in (data / "models").rglob("*.skops"):
        path.unlink()

    code, output, said = replay(decision_id, capsys)

    assert (code, output) == (FAILED, None)
    assert said == (
        f"Decision {decision_id} cannot be made again: its model risk_predictor is missing\n"
    )


def test_a_decision_that_is_not_on_record(api: Api, store: Store, capsys: Captured) -> None:
    decision_id, _ = decide(api, store)
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE decision_engine_log SET input_data = '{}'")

    for wanted in (decision_id, decision_id + 1, 10**18):
        code, output, said = replay(wanted, capsys)
        assert (code, output) == (FAILED, None)
        assert said.endswith("There is no such decision, or nothing that it was made of\n")


def test_without_the_database(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql+pymysql://nobody@127.0.0.1:1/nothing")

    code, output, _ = replay(1, capsys)

    assert (code, output) == (DATABASE_UNUSABLE, None)
