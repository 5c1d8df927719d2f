"""What a backtest charges, counted by hand."""

from collections.abc import Sequence

import pytest

from spot_optimizer.backtest.agents import Observation, Placement
from spot_optimizer.backtest.charging import Bill
from spot_optimizer.backtest.profiles import HEAVY, LIGHT, Profile
from spot_optimizer.backtest.replaying import Replay
from spot_optimizer.backtest.traces import ON_DEMAND, Trace
from tests.traces import FIXED, follow, trace_of

_OVERLAP_H = (180 + 30 + 300) / 3600


def _run(trace: Trace, course: Sequence[int], profile: Profile = FIXED) -> Bill:
    return Replay(trace, profile, follow(course)).run()


def test_on_demand_costs_its_price() -> None:
    bill = _run(trace_of([[0.3]] * 4), [ON_DEMAND] * 4)

    assert bill == Bill(hours=4, on_demand_cost=4.0, cost=4.0, on_demand_s=4 * 3600)
    assert bill.objective == 4.0


def test_a_planned_move_pays_for_both_instances_and_the_cut_over() -> None:
    bill = _run(trace_of([[0.3]] * 4), [0] * 4)

    assert bill.overlap == pytest.approx(1.0 * _OVERLAP_H)
    assert bill.cost == pytest.approx(4 * 0.3 + bill.overlap)
    assert (bill.planned, bill.down_s) == (1, 30)
    assert bill.objective == pytest.approx(bill.cost + 20 * 1.0 * 30 / 3600)


def test_moving_on_costs_the_price_of_the_pool_that_is_left() -> None:
    bill = _run(trace_of([[0.3, 0.9], [0.8, 0.2]]), [0, 1])

    assert bill.overlap == pytest.approx((1.0 + 0.8) * _OVERLAP_H)
    assert bill.cost == pytest.approx(0.3 + 0.2 + bill.overlap)


def test_a_reclaim_costs_the_boot_beyond_the_notice_and_the_cut_over() -> None:
    trace = trace_of([[0.3]] * 3, [[1], [0], [0]])

    bill = _run(trace, [0, ON_DEMAND, ON_DEMAND])

    assert bill.interruptions == 1
    assert bill.down_s == 30 + (180 - 120) + 30
    assert bill.cost == pytest.approx(0.3 + 2 * 1.0 + 1.0 * _OVERLAP_H)
    assert (bill.planned, bill.to_on_demand) == (1, 1)


def test_a_boot_within_the_notice_loses_the_cut_over_only() -> None:
    quick = Profile(name="quick", boot_least_s=60, boot_most_s=60, cut_over_s=30, drain_s=0)

    bill = _run(trace_of([[0.3]] * 2, [[1], [0]]), [0, ON_DEMAND], quick)

    assert bill.down_s == 30 + 30


def test_a_launch_without_capacity_in_an_emergency_ends_on_demand_a_little_later() -> None:
    trace = trace_of([[0.3, 0.4]] * 2, [[1, 1], [0, 0]])

    def to_the_other(seen: Observation) -> Placement:
        if seen.interrupted:
            return Placement(1)
        return Placement(0 if seen.tick == 0 else seen.current)

    bill = Replay(trace, FIXED, to_the_other).run()

    assert bill.failed_launches == 1
    assert bill.down_s == 30 + 60 + 30 + 15
    assert bill.cost == pytest.approx(0.3 + 1.0 + _OVERLAP_H)


def test_a_planned_move_without_capacity_changes_nothing() -> None:
    bill = _run(trace_of([[0.3]] * 2, [[0], [0]]), [0, 0])

    assert (bill.failed_launches, bill.planned, bill.down_s) == (2, 0, 0)
    assert bill.cost == 2.0


def _with_replica(seen: Observation) -> Placement:
    """In the first pool, with a replica in the second; whatever takes over is kept."""
    if seen.interrupted:
        return Placement(ON_DEMAND)
    return Placement(0, 1) if seen.tick < 2 else Placement(seen.current)


def test_a_ready_replica_takes_over_within_the_cut_over() -> None:
    trace = trace_of([[0.3, 0.4]] * 3, [[1, 1], [1, 1], [0, 1]])

    bill = Replay(trace, FIXED, _with_replica).run()

    assert (bill.interruptions, bill.failovers, bill.down_s) == (1, 1, 30 + 30)
    assert bill.replica == pytest.approx(2 * 0.4)
    assert bill.cost == pytest.approx(2 * 0.3 + 0.4 + 2 * 0.4 + _OVERLAP_H)


def test_a_replica_that_still_boots_is_no_help() -> None:
    trace = trace_of([[0.3, 0.4]] * 3, [[1, 1], [0, 1], [0, 1]], tick_s=60.0)

    bill = Replay(trace, FIXED, _with_replica).run()

    assert (bill.failovers, bill.interruptions) == (0, 1)
    assert bill.down_s == 30 + 60 + 30


def test_a_replica_can_be_reclaimed_too() -> None:
    trace = trace_of([[0.3, 0.4]] * 3, [[1, 1], [1, 0], [0, 1]])

    bill = Replay(trace, FIXED, _with_replica).run()

    assert (bill.replicas_lost, bill.failovers) == (1, 0)
    assert bill.replica == pytest.approx(0.4)


def test_moving_onto_the_ready_replica_needs_no_boot() -> None:
    trace = trace_of([[0.3, 0.4]] * 3)

    def onto_it(seen: Observation) -> Placement:
        return Placement(0, 1) if seen.tick < 2 else Placement(1)

    bill = Replay(trace, FIXED, onto_it).run()

    assert bill.overlap == pytest.approx(1.0 * _OVERLAP_H + 0.3 * (30 + 300) / 3600)
    assert (bill.planned, bill.down_s) == (2, 60)


def test_history_before_the_start_is_not_charged() -> None:
    bill = _run(trace_of([[0.3]] * 5, start=3), [ON_DEMAND] * 5)

    assert (bill.hours, bill.cost) == (2, 2.0)


@pytest.mark.parametrize("profile", [LIGHT, HEAVY])
def test_boots_are_within_their_bounds_and_the_same_for_everybody(profile: Profile) -> None:
    boots = profile.boots(5000, 3)

    assert boots.min() >= profile.boot_least_s
    assert boots.max() <= profile.boot_most_s
    assert abs(boots.mean() - profile.mean_boot_s) < 5
    assert (boots == profile.boots(5000, 3)).all()
    assert (boots != profile.boots(5000, 4)).any()


def test_a_trace_can_end_earlier() -> None:
    trace = trace_of([[0.1], [0.2], [0.3], [0.4]], start=2)

    shorter, history_only = trace.before(3 * 3600.0), trace.before(3601.0)

    assert trace.before(0.0) is None
    assert shorter is not None
    assert (shorter.prices[:, 0].tolist(), shorter.start) == ([0.1, 0.2, 0.3], 2)
    assert history_only is not None
    assert (history_only.ticks, history_only.start) == (2, 1)
