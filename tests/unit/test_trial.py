"""Models against models: who is refused, and on what time they are judged."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.ml.placement_model import PlacementModel
from spot_optimizer.adapters.ml.predictors import NotAModel
from spot_optimizer.adapters.ml.trial_process import TrialProcess
from spot_optimizer.application.ports.model_trial import TrialFailed
from spot_optimizer.backtest.forecasts import counted, labelled
from spot_optimizer.backtest.made_up import made_up_markets
from spot_optimizer.backtest.paired import paired_interval
from spot_optimizer.backtest.placing import Models
from spot_optimizer.backtest.session_models import models_in
from spot_optimizer.backtest.traces import Trace, Track
from spot_optimizer.backtest.trial import drift, evidence_for, judged
from spot_optimizer.domain.models.gate import Drift, Evidence, Figure, Rival
from spot_optimizer.domain.models.sessions import KeptFile, ModelSession, SessionId, SessionState
from tests.builders import NOON
from tests.model_files import a_zip_bomb, skops_of, skops_risk
from tests.placement_models import as_file, deliberately_bad, placement_model, sensible


def _market() -> Sequence[Trace]:
    """The first of the made-up ones, for less time."""
    market = made_up_markets()[0]
    end = market.start + 4 * 144
    return [
        replace(market, times=market.times[:end], prices=market.prices[:end], up=market.up[:end])
    ]


def _recorded() -> Sequence[Trace]:
    return [replace(one, track=Track.SERVER) for one in made_up_markets()[:5]]


def _models(model: PlacementModel, made_until: float | None = 0.0) -> Models:
    return Models("test", risk=model, price=model, made_until=made_until)


def test_a_deliberately_bad_model_is_refused() -> None:
    verdict = judged(_models(deliberately_bad()), _models(sensible()), [], _market)

    assert verdict.evidence is Evidence.SCENARIOS
    assert not verdict.passes
    assert {(one.figure, one.rival) for one in verdict.failed} >= {
        (Figure.BRIER_1H, Rival.CHAMPION),
        (Figure.BRIER_1H, Rival.COUNT_TABLE),
    }


def test_a_sensible_model_passes_against_a_bad_one() -> None:
    verdict = judged(_models(sensible()), _models(deliberately_bad()), [], _market)

    against_champion = [one for one in verdict.failed if one.rival is Rival.CHAMPION]
    assert against_champion == []
    assert verdict.stretches == 2


def test_the_same_models_come_to_the_same_verdict() -> None:
    first, second = (judged(_models(sensible()), None, [], _market) for _ in range(2))

    assert first == second
    assert {one.rival for one in first.comparisons} == {Rival.COUNT_TABLE}


def _evidence(
    candidate: Models, champion: Models | None, recorded: Sequence[Trace]
) -> tuple[Evidence, int]:
    """And from which tick on."""
    evidence, traces = evidence_for(candidate, champion, recorded, _market)
    return evidence, traces[0].start


def test_nobody_is_judged_on_what_they_were_made_of() -> None:
    recorded = _recorded()
    start = recorded[0].start
    later, too_late = start + 10, start + 7 * 144
    seen_some, seen_half = (
        _models(sensible(), float(recorded[0].times[tick])) for tick in (later, too_late)
    )
    seen_nothing, says_nothing = _models(sensible()), _models(sensible(), None)

    assert _evidence(seen_nothing, None, recorded) == (Evidence.RECORD, start)
    assert _evidence(seen_some, seen_nothing, recorded) == (Evidence.RECORD, later)
    assert _evidence(seen_nothing, seen_some, recorded) == (Evidence.RECORD, later)
    # What is left of the record then is too little.
    assert _evidence(seen_half, None, recorded)[0] is Evidence.SCENARIOS
    assert _evidence(seen_nothing, seen_half, recorded)[0] is Evidence.SCENARIOS
    assert _evidence(says_nothing, None, recorded)[0] is Evidence.SCENARIOS


def test_of_many_markets_those_with_the_most_losses_are_judged_on() -> None:
    scarce, calm = made_up_markets()[0], made_up_markets()[4]
    many = [replace(calm, agent=f"calm {n}") for n in range(12)] + [scarce]

    evidence, chosen = evidence_for(_models(sensible()), None, many, _market)

    # Five stretches each.
    assert (evidence, len(chosen), chosen[0].agent) == (Evidence.RECORD, 8, scarce.agent)
    assert chosen[1].agent == "calm 0"


def test_a_record_without_losses_says_nothing_of_risk() -> None:
    calm = [replace(one, up=numpy.ones_like(one.up)) for one in _recorded()]

    assert _evidence(_models(sensible()), None, calm)[0] is Evidence.SCENARIOS


def test_models_that_count_no_better_than_counting_have_not_drifted() -> None:
    traces = _recorded()[:1]
    since = float(traces[0].times[traces[0].start])

    bad = drift(_models(deliberately_bad()), traces, since)
    counting = Models(
        "counting",
        counted(labelled(traces[0], first=0, last=traces[0].start)),
    )
    same = drift(counting, traces, since)

    assert bad is not None
    assert bad.exceeds_bound
    assert same is not None
    assert (same.difference, same.exceeds_bound) == (0.0, False)


def test_just_after_activation_nothing_can_be_said() -> None:
    traces = _recorded()[:1]

    assert drift(_models(deliberately_bad()), traces, float(traces[0].times[-40])) is None


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=40))
def test_an_interval_is_around_the_mean_and_the_same_each_time(values: list[float]) -> None:
    found = paired_interval(values)

    assert found == paired_interval(values)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found.low - 1e-9 <= found.mean <= found.high + 1e-9


def test_an_interval_is_as_wide_as_the_theory_says() -> None:
    values = numpy.random.default_rng(3).normal(1.0, 2.0, 400).tolist()

    mean, low, high = paired_interval(values)

    half = 1.96 * float(numpy.std(values)) / 20
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.15 * half)


def test_made_up_markets_are_the_same_every_time_and_of_all_kinds() -> None:
    first, second = made_up_markets(), made_up_markets()

    assert all((one.up == two.up).all() for one, two in zip(first, second, strict=True))
    shares = [float(one.up.mean()) for one in first]
    assert min(shares) < 0.8
    assert max(shares) > 0.98
    assert all((one.prices > 0).all() and (one.prices <= 1).all() for one in first)


def test_a_file_says_what_it_was_made_of() -> None:
    card = {"data": [{"to": "2025-11-01T00:00:00+00:00"}, {"to": "2025-11-20T00:00:00+00:00"}]}

    models = models_in(as_file(placement_model(0.0, card)))

    assert models.made_until == datetime(2025, 11, 20, tzinfo=UTC).timestamp()
    assert models_in(json.dumps(placement_model(0.0, card).kept()).encode()).risk == models.risk
    assert models_in(as_file(sensible())).made_until is None
    assert models_in(as_file(placement_model(0.0, {"data": ["x"]}))).made_until is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        b"{",
        b"[]",
        skops_risk(),
        skops_of({"features": []}),
        skops_of([1]),
        a_zip_bomb(),
    ],
    ids=[
        "empty",
        "no archive",
        "torn JSON",
        "other JSON",
        "an estimator",
        "other features",
        "a list",
        "a bomb",
    ],
)
def test_other_files_hold_no_placement_model(content: bytes) -> None:
    with pytest.raises(NotAModel):
        models_in(content)


_SESSION = ModelSession(
    id=SessionId("s-1"),
    state=SessionState.PENDING,
    files=(KeptFile(name="placement_model.skops"),),
    total_bytes=1,
    created_at=NOON,
)
_ANSWER = {
    "evidence": Evidence.RECORD,
    "stretches": 21,
    "comparisons": [
        {"figure": Figure.COST, "rival": Rival.CHAMPION, "difference": -1, "low": -2, "high": -0.5}
    ],
}


def _process(tmp_path: Path, code: str) -> TrialProcess:
    program = tmp_path / "program.py"
    program.write_text(f"import os, sys\n{code}\n")
    return TrialProcess({"WHERE": "here"}, (sys.executable, "-I", str(program)))


def test_a_process_is_asked_and_believed(tmp_path: Path) -> None:
    found = json.dumps({"found": _ANSWER})
    code = (
        "assert sys.argv[1:] == ['judge', 's-1', '--against', 's-2', '--json'], sys.argv\n"
        f"assert os.environ['WHERE'] == 'here'\nprint({found!r})"
    )

    verdict = _process(tmp_path, code).judge(_SESSION, replace(_SESSION, id=SessionId("s-2")))

    assert verdict is not None
    assert verdict.passes
    assert verdict.comparisons[0].rival is Rival.CHAMPION


def test_a_process_is_asked_how_live_models_do(tmp_path: Path) -> None:
    found = json.dumps({"found": {"n": 7, "difference": 0.2, "low": 0.1}})

    assert _process(tmp_path, f"print({found!r})").drift(
        _SESSION, NOON - timedelta(days=1)
    ) == Drift(n=7, difference=0.2, low=0.1)


def test_a_process_may_find_nothing_to_judge(tmp_path: Path) -> None:
    nothing = _process(tmp_path, """print('{"found": null}')""")

    assert nothing.judge(_SESSION, None) is None
    assert nothing.drift(_SESSION, NOON) is None


def test_sessions_that_cannot_hold_a_placement_model_need_no_process(tmp_path: Path) -> None:
    files = (KeptFile(name="risk_predictor.skops"), KeptFile(name="placement_model.onnx"))

    assert _process(tmp_path, "sys.exit(1)").judge(replace(_SESSION, files=files), None) is None


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("sys.stderr.write('first\\nno memory\\n'); sys.exit(1)", "no memory"),
        ("sys.exit(3)", "without a word"),
        ("print('what?')", "cannot be read"),
    ],
)
def test_a_process_that_fails_says_why(tmp_path: Path, code: str, told: str) -> None:
    with pytest.raises(TrialFailed, match=told):
        _process(tmp_path, code).judge(_SESSION, None)


def test_a_program_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(TrialFailed):
        TrialProcess({}, (str(tmp_path / "nothing"),)).judge(_SESSION, None)
