import json
from copy import deepcopy
from math import isclose, nan
from typing import Any

import numpy
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.ml.placement_model import BrokenModel, PlacementModel
from spot_optimizer.adapters.ml.placement_writing import as_json, as_skops
from spot_optimizer.adapters.ml.prior import prior_model
from spot_optimizer.adapters.ml.training import (
    Recording,
    TooLittleToLearn,
    fitted_risk,
    joined,
    linear_of_risk,
    price_samples,
    risk_samples,
)
from spot_optimizer.adapters.ml.training_run import train
from spot_optimizer.domain.placement.features import FEATURES
from spot_optimizer.domain.placement.history import PriceHistory

HOUR = 3600.0


def recorded(seed: int = 0, days: int = 18) -> Recording:
    """Two pools that come and go, at half-hourly steps, and whose prices wander."""
    chance = numpy.random.default_rng(seed)
    steps = days * 48
    up = numpy.ones((steps, 2), bool)
    for pool in range(2):
        at = 0
        while at < steps:
            at += 1 + int(chance.exponential(14))
            length = 1 + int(chance.exponential(5))
            up[at : at + length, pool] = False
            at += length
    prices = 0.3 * numpy.exp(numpy.cumsum(chance.normal(0, 0.003, (steps, 2)), axis=0))
    return Recording(f"made {seed}", 1.7e9 + numpy.arange(steps) * HOUR / 2, up, prices)


@pytest.fixture(scope="module")
def trained() -> PlacementModel:
    return train([recorded(0)], lambda step: None).model


figures = st.lists(
    st.floats(-20, 200) | st.just(nan), min_size=len(FEATURES), max_size=len(FEATURES)
).map(tuple)


@given(figures, st.integers(-1, 4))
def test_the_packaged_model_gives_probabilities_whatever_is_missing(
    vector: tuple[float, ...], band: int
) -> None:
    risk = prior_model().risk(vector, band)

    assert 0 <= risk.within_1h <= risk.within_6h <= 1


@pytest.mark.parametrize(("figure", "goal"), [("auc", 0.81), ("brier_skill", 0.24)])
def test_the_packaged_model_is_good_within_the_hour(figure: str, goal: float) -> None:
    metrics: Any = prior_model().card["metrics_on_later_time"]

    assert metrics["risk_1h"][figure] >= goal
    assert metrics["risk_1h"]["calibration_error"] <= 0.03
    assert metrics["price_24h"]["mae_skill"] >= 0.15


def test_risk_falls_with_age_in_the_packaged_model() -> None:
    model = prior_model()
    unknown = dict.fromkeys(FEATURES, nan)
    young = tuple((unknown | {"log_hours_up": 0.1}).values())
    old = tuple((unknown | {"log_hours_up": 4.0}).values())

    assert model.risk(old, 4).within_1h < model.risk(young, 4).within_1h


def test_price_quantiles_stay_in_order_and_below_on_demand() -> None:
    past = PriceHistory()
    for hour in range(100):
        past.observe(hour * HOUR, 0.3 + 0.006 * hour)

    ahead = prior_model().ahead(past, 100 * HOUR, 0.9)

    assert [one.hours for one in ahead] == [6, 24, 72, 168]
    for one in ahead:
        assert one.low <= one.median <= one.high <= 0.9
    assert ahead[0].median > 0.8  # it keeps rising for a while
    assert prior_model().ahead(PriceHistory(), 0.0, 1.0) == ()


def test_plain_figures_say_what_scikit_learn_says() -> None:
    samples = risk_samples(recorded(), 1)
    pipeline = fitted_risk(samples, 1)
    line = linear_of_risk(pipeline, 1)

    log_odds = pipeline.decision_function(samples.figures[:200])

    for row, expected in zip(samples.figures[:200], log_odds, strict=True):
        assert isclose(line(tuple(row)), expected, abs_tol=1e-6)


def test_the_same_recordings_give_the_same_bytes(trained: PlacementModel) -> None:
    again = train([recorded(0)], lambda step: None).model

    assert as_skops(again) == as_skops(trained)
    assert as_json(again) == as_json(trained)


def test_other_recordings_have_another_digest(trained: PlacementModel) -> None:
    other = train([recorded(1)], lambda step: None).model

    assert other.card["data_sha256"] != trained.card["data_sha256"]


def test_the_card_says_what_it_was_trained_on(trained: PlacementModel) -> None:
    card: Any = trained.card

    assert card["data"][0]["names"] == ["made 0"]
    assert card["data"][0]["tells"] == ["up", "prices"]
    assert card["features"] == list(FEATURES)
    assert card["metrics_on_later_time"]["risk_1h"]["n"] > 100
    assert 0 < card["metrics_on_later_time"]["price_24h"]["coverage_10_90"] <= 1


def test_files_are_read_as_they_were_written(trained: PlacementModel) -> None:
    content = as_skops(trained)

    assert skops.io.get_untrusted_types(data=content) == []
    assert PlacementModel.read(skops.io.loads(content, trusted=[])) == trained
    assert PlacementModel.read(json.loads(as_json(trained))) == trained


@pytest.mark.parametrize(
    ("place", "figure"),
    [
        ("features", ["others"]),
        ("price_features", []),
        ("risk_1h", None),
        ("risk_6h", {"bias": 0.0, "weights": [1.0], "missing": [0.0]}),
        (
            "risk_6h",
            {"bias": nan, "weights": [0.0] * len(FEATURES), "missing": [0.0] * len(FEATURES)},
        ),
        ("moves", {}),
        ("moves", None),
        ("card", 3),
    ],
)
def test_what_is_no_placement_model_is_refused(place: str, figure: object) -> None:
    kept = deepcopy(prior_model().kept())
    kept[place] = figure

    with pytest.raises(BrokenModel):
        PlacementModel.read(kept)


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(BrokenModel):
        PlacementModel.read([])


def test_answers_are_known_before_they_are_learnt() -> None:
    times = numpy.arange(0, 5 * HOUR, HOUR, dtype=numpy.float64)
    up = numpy.array([[True], [True], [False], [True], [True]])

    within_1h = risk_samples(Recording("five hours", times, up), 1)

    assert within_1h.asked_at.tolist() == [0, HOUR, 3 * HOUR]
    assert within_1h.answers.tolist() == [0, 1, 0]
    assert len(risk_samples(Recording("prices only", times), 1).answers) == 0
    assert len(price_samples(Recording("no prices", times, up), 6).answers) == 0


def test_nothing_can_be_learnt_where_nothing_was_lost() -> None:
    times = numpy.arange(0, 100 * HOUR, HOUR, dtype=numpy.float64)
    calm = Recording("calm", times, numpy.ones((100, 2), bool), numpy.full((100, 2), 0.3))

    with pytest.raises(TooLittleToLearn):
        fitted_risk(joined([risk_samples(calm, 1)], len(FEATURES)), 1)
    with pytest.raises(TooLittleToLearn):
        train([calm], lambda step: None)
