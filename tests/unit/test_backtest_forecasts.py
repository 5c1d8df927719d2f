"""Scores of probabilities, counted by hand."""

from math import isnan

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.backtest.forecasts import Forecast, asked, joined, reliability, roc, score
from spot_optimizer.domain.placement.features import Vector
from spot_optimizer.domain.placement.outlook import Risk
from tests.traces import drawn_trace, trace_of


def _forecast(said: list[float], came: list[bool]) -> Forecast:
    return Forecast(
        model="m",
        track="t",
        horizon_h=1,
        probabilities=numpy.array(said, float),
        came=numpy.array(came, bool),
    )


def test_scores_by_hand() -> None:
    found = score(_forecast([0.1, 0.4, 0.35, 0.8], [False, False, True, True]))

    assert (found.n, found.base_rate) == (4, 0.5)
    assert found.brier == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)
    assert found.brier_skill == pytest.approx(1 - found.brier / 0.25)
    # Three of the four pairs of (came, did not) are in order.
    assert found.auc == pytest.approx(0.75)
    assert found.calibration_error == pytest.approx((0.1 + 0.4 + 0.65 + 0.2) / 4)


def test_nothing_can_be_said_where_nothing_came() -> None:
    assert isnan(score(_forecast([0.1, 0.2], [False, False])).auc)
    assert score(_forecast([], [])).n == 0


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), st.booleans()), min_size=2))
def test_the_area_is_the_share_of_pairs_in_order(rows: list[tuple[float, bool]]) -> None:
    forecast = _forecast([p for p, _ in rows], [c for _, c in rows])
    pairs = [(p, q) for p, c in rows if c for q, d in rows if not d]
    if pairs:
        in_order = sum(1.0 if p > q else 0.5 if p == q else 0.0 for p, q in pairs)
        assert score(forecast).auc == pytest.approx(in_order / len(pairs))
    assert sum(one.n for one in reliability(forecast)) == len(rows)
    false, true = roc(forecast)
    assert (numpy.diff(false) >= 0).all()
    assert (numpy.diff(true) >= 0).all()


class _AlwaysTenPercent:
    def risk(self, features: Vector, band: int) -> Risk:
        return Risk(0.1, 0.2)


def test_a_model_is_asked_of_pools_that_are_up_and_what_came_is_looked_up() -> None:
    up = [[1], [1], [0], [1], [1], [1], [1], [1], [1], [1], [1], [1]]

    within_1h, within_6h = asked("m", _AlwaysTenPercent(), trace_of([[0.3]] * 12, up))

    # Asked at hours 0, 1, 3, 4 and 5; six hours later the trace ends.
    assert within_1h.came.tolist() == [False, True, False, False, False]
    assert within_6h.came.tolist() == [True, True, False, False, False]
    assert within_6h.probabilities.tolist() == [0.2] * 5


def test_joining_puts_the_traces_of_a_model_together() -> None:
    parts = [
        part
        for seed in (1, 2)
        for part in asked("m", _AlwaysTenPercent(), drawn_trace(seed, ticks=30, pools=2))
    ]

    whole = joined(parts)

    assert [one.horizon_h for one in whole] == [1, 6]
    assert len(whole[0].came) == len(parts[0].came) + len(parts[2].came)
