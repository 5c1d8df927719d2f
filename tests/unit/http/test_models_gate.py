"""Models that do harm do not go into service (README, Models)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application_under_test import OPERATOR_TOKEN, Api, Store, a_shared_store, an_api
from tests.model_files import skops_risk
from tests.placement_models import as_file, deliberately_bad
from tests.unit.http.test_models import a_file, activate, post, session_of, sessions


@pytest.fixture(scope="module", params=["sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_shared_store(request) as store:
        yield store


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path / "data") as api:
        yield api


def test_a_deliberately_bad_model_is_refused_unless_it_is_forced(api: Api, store: Store) -> None:
    good = session_of(api, a_file("risk_predictor.skops", skops_risk()))
    activate(api, good)
    bad = session_of(api, a_file("placement_model.skops", as_file(deliberately_bad())))

    answer = activate(api, bad)

    told = answer.json()
    assert (answer.status_code, told["success"], told["sessionId"]) == (409, False, bad)
    assert "Brier score of reclaims within 6 h against the count table" in told["error"]
    assert "packaged scenarios" in told["error"]
    assert {one["met"] for one in told["figures"]} >= {False}
    assert sessions(api) == [(bad, "uploaded"), (good, "fallback")]
    (refusal,) = [it for it in store.rows("audit_logs") if it["action"] == "activation_refused"]
    assert refusal["entity_id"] == bad

    forced = post(api, "activate", {"sessionId": bad, "force": True})

    assert (forced.status_code, forced.json()["sessionId"]) == (200, bad)
    assert sessions(api) == [(bad, "live"), (good, "fallback")]
    (last,) = [it for it in store.rows("audit_logs") if it["action"] == "models_activated"][-1:]
    assert "forced" in str(last)
    assert api.get("/health", token=OPERATOR_TOKEN).status_code == 200
