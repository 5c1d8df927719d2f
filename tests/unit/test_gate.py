"""Which models may go into service, and which have to leave it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.models.gate import (
    DRIFT_BOUND,
    Comparison,
    Drift,
    Evidence,
    Figure,
    Rival,
    Verdict,
)


def compared(
    low: float, high: float, figure: Figure = Figure.COST, rival: Rival = Rival.CHAMPION
) -> Comparison:
    return Comparison(figure=figure, rival=rival, difference=(low + high) / 2, low=low, high=high)


def verdict(evidence: Evidence, *comparisons: Comparison) -> Verdict:
    return Verdict(evidence=evidence, stretches=30, comparisons=comparisons)


_RECORD, _SCENARIOS = Evidence.RECORD, Evidence.SCENARIOS


@pytest.mark.parametrize(
    ("evidence", "figure", "low", "high", "passes"),
    [
        (_RECORD, Figure.COST, -2.0, -0.1, True),
        (_RECORD, Figure.COST, -2.0, 0.0, False),
        (_RECORD, Figure.COST, -2.0, 0.1, False),
        (_RECORD, Figure.COST, 0.1, 2.0, False),
        (_RECORD, Figure.BRIER_6H, -0.2, 0.1, True),
        (_RECORD, Figure.BRIER_6H, 0.01, 0.1, False),
        (_SCENARIOS, Figure.COST, -2.0, 0.1, True),
        (_SCENARIOS, Figure.COST, 0.0, 0.0, True),
        (_SCENARIOS, Figure.COST, 0.1, 2.0, False),
        (_SCENARIOS, Figure.BRIER_1H, 0.01, 0.1, False),
    ],
)
def test_costs_have_to_be_lower_on_the_record_and_nothing_worse_anywhere(
    evidence: Evidence, figure: Figure, low: float, high: float, passes: bool
) -> None:
    assert verdict(evidence, compared(low, high, figure)).passes is passes


def test_every_rival_has_to_be_beaten_and_the_failed_figure_is_named() -> None:
    found = verdict(
        _RECORD,
        compared(-2.0, -1.0),
        compared(-1.0, 0.5, rival=Rival.COUNT_TABLE),
        compared(0.01, 0.02, Figure.BRIER_1H),
    )

    assert [(one.figure, one.rival) for one in found.failed] == [
        (Figure.COST, Rival.COUNT_TABLE),
        (Figure.BRIER_1H, Rival.CHAMPION),
    ]
    assert "cost with downtime, % of on demand against the count table: -0.2500" in found.reason
    assert "(-1.0000 to +0.5000) has to be lower beyond doubt" in found.reason
    assert "(+0.0100 to +0.0200) must not be worse" in found.reason
    assert "-2.0" not in found.reason


@given(st.floats(-5, 5), st.floats(0, 5), st.floats(0, 5), st.sampled_from(Figure))
def test_what_is_worse_never_passes(low: float, width: float, more: float, figure: Figure) -> None:
    for evidence in Evidence:
        better = verdict(evidence, compared(low, low + width, figure))
        worse = verdict(evidence, compared(low + more, low + width + more, figure))
        assert better.passes or not worse.passes


@pytest.mark.parametrize(
    ("difference", "low", "exceeds"),
    [
        (DRIFT_BOUND * 2, 0.001, True),
        (DRIFT_BOUND * 2, 0.0, False),
        (DRIFT_BOUND, 0.001, False),
        (-0.1, -0.2, False),
    ],
)
def test_drift_has_to_be_large_and_beyond_doubt(
    difference: float, low: float, exceeds: bool
) -> None:
    assert Drift(n=100, difference=difference, low=low).exceeds_bound is exceeds
