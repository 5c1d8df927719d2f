"""Nobody does better than the oracle, and nobody sees what it sees."""

from dataclasses import replace

import numpy
import pytest

from spot_optimizer.backtest.agents import DeciderFactory, Observation
from spot_optimizer.backtest.baselines import BASELINES
from spot_optimizer.backtest.oracle import best_course, bill_of
from spot_optimizer.backtest.profiles import HEAVY, LIGHT, Profile
from spot_optimizer.backtest.replaying import Replay
from spot_optimizer.backtest.traces import Trace
from tests.traces import bill, drawn_trace, every_course, follow

_PROFILES = pytest.mark.parametrize("profile", [LIGHT, HEAVY], ids=lambda one: one.name)
_EVERYONE = pytest.mark.parametrize("decider", BASELINES.values(), ids=list(BASELINES))


@_PROFILES
@pytest.mark.parametrize("seed", range(6))
def test_the_oracle_is_as_good_as_trying_every_course(profile: Profile, seed: int) -> None:
    trace = drawn_trace(seed, ticks=5, pools=2)

    best = min(
        Replay(trace, profile, follow(course)).run().objective for course in every_course(trace)
    )

    found = bill_of(best_course(trace, profile), trace, profile)
    assert found.objective == pytest.approx(best, rel=1e-12)


@_PROFILES
@_EVERYONE
def test_nobody_without_a_replica_beats_the_oracle(
    profile: Profile, decider: DeciderFactory
) -> None:
    for seed in range(3):
        trace = drawn_trace(seed, ticks=150, pools=3, start=20, tick_s=600.0)
        outcome = bill(trace, profile, decider)
        least = bill_of(best_course(trace, profile), trace, profile).objective
        # A replica spares the boot, which the oracle's plans cannot.
        assert outcome.objective >= least - 1e-9 or outcome.replica > 0


@_EVERYONE
def test_what_was_decided_does_not_change_with_the_future(decider: DeciderFactory) -> None:
    trace = drawn_trace(5, ticks=300, pools=3, tick_s=1800.0)
    cut = 150
    prices, up = trace.prices.copy(), trace.up.copy()
    prices[cut:], up[cut:] = 0.05, True
    other = replace(trace, prices=prices, up=up)

    def moves_before(cut: int, of: Trace) -> list[tuple[int, int]]:
        replay = Replay(of, LIGHT, decider())
        replay.run()
        return [move for move in replay.moves if move[0] < of.times[cut]]

    assert moves_before(cut, trace) == moves_before(cut, other)


def test_observations_count_what_can_be_counted_by_hand() -> None:
    trace = drawn_trace(2, ticks=60, pools=3)
    for tick, length in ((0, 1), (5, 3), (40, 24), (59, 500)):
        window = trace.up[max(0, tick + 1 - length) : tick + 1]
        fell = (numpy.diff(window.astype(int), axis=0) < 0).sum(axis=0)
        seen = _observed(trace, tick)
        assert seen.ups_within(length).tolist() == window.sum(axis=0).tolist()
        assert seen.drops_within(length).tolist() == fell.tolist()
        assert seen.steady(length).tolist() == window.all(axis=0).tolist()


def _observed(trace: Trace, tick: int) -> Observation:
    seen = Observation(trace, LIGHT)
    seen.tick = tick
    return seen
