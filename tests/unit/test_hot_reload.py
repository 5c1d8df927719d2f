"""Two servers on one database change their models under load: no request fails, and no answer is
of neither the one model nor the other. How long it takes says `python -m tests.reload_figures`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import pytest

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from tests.model_files import onnx_of, skops_risk
from tests.services import a_mariadb_database, redis_url, require_redis
from tests.two_servers import two_servers, under_load

pytestmark = pytest.mark.xdist_group("processes")

RULES, FIRST, SECOND = 0.2, 0.125, 0.0625


@pytest.fixture(params=["sqlite", "mariadb and redis"])
def settings(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    with a_mariadb_database() as url:
        engine = make_engine(url, 1)
        create_schema(engine)
        engine.dispose()
        require_redis()
        yield {"DATABASE_URL": url, "REDIS_URL": redis_url()}


def test_models_change_in_every_process_without_a_failed_or_a_mixed_answer(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    """The first is activated the moment it has been uploaded, when both have scikit-learn yet to
    import; the last is no model at all, and the rules answer."""
    with two_servers(tmp_path, **settings) as (one, other):
        agent = one.enrol()
        with under_load([one, other], agent) as loads:
            steps: list[tuple[Callable[[], object], float]] = [
                (lambda: None, RULES),
                (lambda: one.activate("risk_predictor.skops", skops_risk(FIRST)), FIRST),
                (lambda: other.activate("risk_predictor.onnx", onnx_of(SECOND)), SECOND),
                (lambda: one.operate("ml-models/fallback"), FIRST),
                (lambda: other.activate("risk_predictor.skops", b"nonsense"), RULES),
            ]
            for act, risk in steps:
                act()
                for load in loads:
                    load.until(risk)

    for load in loads:
        for answers in load.answers:
            assert {answer.status for answer in answers} == {200}
            risks = [risk for risk, _ in groupby(answer.risk for answer in answers)]
            assert risks == [risk for _, risk in steps]
