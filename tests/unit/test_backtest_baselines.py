"""What the baselines do where their rules can be told apart."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.backtest.agents import DeciderFactory
from spot_optimizer.backtest.baselines import BASELINES
from spot_optimizer.backtest.profiles import PROFILES, Profile
from spot_optimizer.backtest.replaying import Replay
from spot_optimizer.backtest.traces import ON_DEMAND, Trace
from tests.traces import FIXED, bill, drawn_trace, trace_of

_HOUR_S = 3600


def _moves(trace: Trace, name: str, profile: Profile = FIXED) -> list[tuple[int, int]]:
    """Hour and place."""
    replay = Replay(trace, profile, BASELINES[name]())
    replay.run()
    return [(at // _HOUR_S, place) for at, place in replay.moves]


def test_staying_put_moves_when_it_is_driven_away_only() -> None:
    trace = trace_of([[0.3, 0.5], [0.3, 0.1], [0.3, 0.1]], [[1, 1], [1, 1], [0, 1]])

    assert _moves(trace, "stay put") == [(0, 0), (2, 1)]


def test_the_greedy_one_follows_every_price() -> None:
    trace = trace_of([[0.3, 0.5], [0.3, 0.29], [0.28, 0.29], [1.1, 1.2]])

    assert _moves(trace, "greedy cheapest") == [(0, 0), (1, 1), (2, 0), (3, ON_DEMAND)]


def test_hysteresis_waits_six_hours_for_three_percent() -> None:
    prices = [[0.3, 0.5]] + [[0.3, 0.2]] * 8

    assert _moves(trace_of(prices), "hysteresis 3 %, 6 h") == [(0, 0), (6, 1)]
    assert _moves(trace_of([[0.3, 0.5]] + [[0.3, 0.292]] * 8), "hysteresis 3 %, 6 h") == [(0, 0)]


def test_the_monoliths_rule_is_stuck_on_demand_once_its_day_is_used_up() -> None:
    up = [[1], [0], [1], [1], [1], [0]] + [[1]] * 24
    trace = trace_of([[0.3]] * len(up), up)

    moves = _moves(trace, "monolith's rule")

    assert moves[:4] == [(0, 0), (1, ON_DEMAND), (3, 0), (5, ON_DEMAND)]
    # Moves of the last 24 hours count, and the first of them was in hour 0.
    assert moves[4] == (25, 0)


def test_the_monoliths_rule_leaves_spot_above_four_fifths_of_on_demand() -> None:
    trace = trace_of([[0.3], [0.3], [0.3], [0.81], [0.75], [0.75]])

    assert _moves(trace, "monolith's rule") == [(0, 0), (3, ON_DEMAND)]


def test_the_monoliths_formula_holds_a_replica_for_whoever_stays_long() -> None:
    outcome = bill(trace_of([[0.3, 0.4]] * 24), FIXED, BASELINES["monolith's rule + replica"])

    # Age alone reaches the threshold, after twelve hours.
    assert outcome.replica == pytest.approx(12 * 0.4)


def test_cost_aware_arithmetic_moves_only_for_what_a_move_costs() -> None:
    move = 0.3 * (180 + 30 + 300) / 3600 + 20 * 30 / 3600
    for gain, moves in ((move / 72 * 0.99, 1), (move / 72 * 1.01, 2)):
        trace = trace_of([[0.3, 0.5], [0.3, 0.3 - gain]])
        assert len(_moves(trace, "cost-aware, 72 h")) == moves


def test_counted_risk_leaves_a_pool_that_keeps_failing() -> None:
    flapping = numpy.tile([[1], [1], [0]], (16, 1))
    up = numpy.hstack([flapping, numpy.ones_like(flapping)])
    trace = trace_of([[0.3, 0.35]] * len(up), up.tolist(), start=24)

    assert {place for _, place in _moves(trace, "counted risk", PROFILES["heavy"])} == {1}


@given(
    st.lists(
        st.tuples(st.floats(0.001, 100), st.booleans(), st.floats(0.001, 100), st.booleans()),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from(list(BASELINES.values())),
    st.sampled_from(list(PROFILES.values())),
)
def test_whatever_happens_the_bill_adds_up(
    rows: list[tuple[float, bool, float, bool]], decider: DeciderFactory, profile: Profile
) -> None:
    prices, up = [[a, b] for a, _, b, _ in rows], [[int(u), int(v)] for _, u, _, v in rows]
    outcome = bill(trace_of(prices, up, tick_s=600.0), profile, decider)

    assert 0 <= outcome.overlap + outcome.replica <= outcome.cost
    assert outcome.objective >= outcome.cost
    assert outcome.failovers <= outcome.interruptions
    assert outcome.on_demand_s <= outcome.hours * 3600 + 1e-6


def test_the_same_inputs_come_to_the_same_bill() -> None:
    trace = drawn_trace(3, ticks=200, pools=4)
    for decider in BASELINES.values():
        assert bill(trace, FIXED, decider) == bill(trace, FIXED, decider)
