from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.placement.choice import MoveLimits, Position, Target
from spot_optimizer.domain.placement.costs import SwitchingCost
from spot_optimizer.domain.placement.outlook import PoolOutlook, Risk
from spot_optimizer.domain.placement.policy import decide, horizon_of
from spot_optimizer.domain.placement.replicas import replica_for
from spot_optimizer.domain.placement.survival import up_time
from tests.unit.placement_examples import (
    ELSEWHERE,
    HEAVY,
    HERE,
    LIGHT,
    NO_LIMITS,
    NOW,
    ON_DEMAND,
    THERE,
    a_pool,
    costs,
    positions,
    risks,
    some_pools,
)

SAFE = Risk(0.0001, 0.0006)
SCARCE = Risk(0.2, 0.6)
REACHED = MoveLimits(moves_24h=3, most_24h=3)
ROUNDING = 1e-9

anything = st.floats() | st.sampled_from((nan, inf, -inf, 0.0, -1.0))


def test_goes_to_spot_where_it_is_cheaper_and_safe() -> None:
    choice = decide(Position(pool_id=None), [a_pool(risk=SAFE)], ON_DEMAND, LIGHT, NO_LIMITS, NOW)

    assert (choice.target, choice.pool_id) == (Target.POOL, THERE)


def test_stays_on_demand_where_reclaims_eat_up_what_spot_saves() -> None:
    choice = decide(Position(pool_id=None), [a_pool(risk=SCARCE)], ON_DEMAND, HEAVY, NO_LIMITS, NOW)

    assert (choice.target, choice.pool_id) == (Target.STAY, None)


def test_the_same_risk_is_worth_it_for_who_moves_cheaply() -> None:
    cheaply = SwitchingCost(boot_s=60, cutover_s=5, drain_s=60)

    choice = decide(
        Position(pool_id=None), [a_pool(risk=SCARCE)], ON_DEMAND, cheaply, NO_LIMITS, NOW
    )

    assert choice.target is Target.POOL


@pytest.mark.parametrize(("saving", "target"), [(0.002, Target.STAY), (0.02, Target.POOL)])
def test_moves_between_pools_only_if_the_move_is_paid_for(saving: float, target: Target) -> None:
    pools = [a_pool(HERE, 0.3, SAFE), a_pool(THERE, 0.3 - saving, SAFE)]

    choice = decide(Position(pool_id=HERE), pools, ON_DEMAND, LIGHT, NO_LIMITS, NOW)

    assert choice.target is target


def test_a_move_of_heavier_agents_needs_more_saving() -> None:
    pools = [a_pool(HERE, 0.3, SAFE), a_pool(THERE, 0.29, SAFE)]

    def target(of: SwitchingCost) -> Target:
        return decide(Position(pool_id=HERE), pools, ON_DEMAND, of, NO_LIMITS, NOW).target

    assert (target(LIGHT), target(HEAVY)) == (Target.POOL, Target.STAY)


def test_the_same_forecast_counts_for_less_of_a_pool_that_was_hardly_watched() -> None:
    def target(hours_known: float) -> Target:
        pool = replace(a_pool(risk=Risk(0.04, 0.2)), hours_known=hours_known)
        choice = decide(Position(pool_id=None), [pool], ON_DEMAND, HEAVY, NO_LIMITS, NOW)
        return choice.target

    assert [target(hours) for hours in (nan, 0, 12, 168)] == [Target.STAY] * 3 + [Target.POOL]


def test_flees_from_a_risk() -> None:
    pools = [a_pool(HERE, 0.3, Risk(0.9, 0.99)), a_pool(THERE, 0.31, SAFE)]

    choice = decide(Position(pool_id=HERE), pools, ON_DEMAND, LIGHT, NO_LIMITS, NOW)

    assert choice.pool_id == THERE


def test_a_reclaimed_agent_goes_somewhere_else() -> None:
    pools = [a_pool(HERE, 0.1, SAFE), a_pool(THERE, 0.3, SAFE)]
    reclaimed = Position(pool_id=HERE, reclaimed=True)

    assert decide(reclaimed, pools, ON_DEMAND, LIGHT, NO_LIMITS, NOW).pool_id == THERE
    alone = decide(reclaimed, pools[:1], ON_DEMAND, LIGHT, NO_LIMITS, NOW)
    assert (alone.target, alone.pool_id) == (Target.ON_DEMAND, None)


def test_pools_that_are_down_or_dearer_than_on_demand_are_not_gone_to() -> None:
    pools = [a_pool(THERE, 0.1, SAFE, up=False), a_pool(ELSEWHERE, 1.1, SAFE)]

    choice = decide(Position(pool_id=None), pools, ON_DEMAND, LIGHT, NO_LIMITS, NOW)

    assert (choice.target, choice.others) == (Target.STAY, ())


def test_limits_hold_back_a_move_to_a_cheaper_pool() -> None:
    pools = [a_pool(HERE, 0.3, SAFE), a_pool(THERE, 0.2, SAFE)]

    choice = decide(Position(pool_id=HERE), pools, ON_DEMAND, LIGHT, REACHED, NOW)

    assert (choice.target, choice.held_back) == (Target.STAY, True)
    assert "waits for the limits" in choice.reason
    assert choice.others[0].pool_id == THERE


@pytest.mark.parametrize(
    "limits",
    [
        REACHED,
        MoveLimits(moves_7d=10, most_7d=10),
        MoveLimits(moved_at=NOW - 60, least_stay_s=7200),
    ],
)
def test_limits_never_block_the_way_back_to_spot(limits: MoveLimits) -> None:
    choice = decide(Position(pool_id=None), [a_pool(risk=SAFE)], ON_DEMAND, LIGHT, limits, NOW)

    assert (choice.target, choice.held_back) == (Target.POOL, False)


def test_limits_do_not_hold_back_a_flight() -> None:
    pools = [a_pool(HERE, 0.3, Risk(0.9, 0.99)), a_pool(THERE, 0.31, SAFE)]

    assert decide(Position(pool_id=HERE), pools, ON_DEMAND, LIGHT, REACHED, NOW).pool_id == THERE


def test_a_stay_long_enough_is_no_limit() -> None:
    assert not MoveLimits(moved_at=NOW - 7200, least_stay_s=7200).are_reached(NOW)


def test_says_why_and_what_would_flip_it() -> None:
    pools = [a_pool(HERE, 0.3, SAFE), a_pool(THERE, 0.299, SAFE)]
    choice = decide(Position(pool_id=HERE), pools, ON_DEMAND, LIGHT, NO_LIMITS, NOW)

    assert HERE in choice.reason
    assert "price 0.300000" in choice.reason
    cheaper = float(choice.flip.rsplit(" ", 1)[1].rstrip("."))
    flipped = [pools[0], replace(pools[1], price=cheaper - 1e-5)]
    assert (
        decide(Position(pool_id=HERE), flipped, ON_DEMAND, LIGHT, NO_LIMITS, NOW).pool_id == THERE
    )
    nearly = [pools[0], replace(pools[1], price=cheaper + 1e-5)]
    assert decide(Position(pool_id=HERE), nearly, ON_DEMAND, LIGHT, NO_LIMITS, NOW).pool_id == HERE


def test_who_pays_more_for_moves_looks_farther_ahead() -> None:
    assert 48 <= horizon_of(LIGHT) < horizon_of(HEAVY) <= 168
    assert horizon_of(SwitchingCost(boot_s=0, cutover_s=0, drain_s=0)) == 48
    assert horizon_of(SwitchingCost(boot_s=inf)) == 168


def test_a_replica_is_held_only_where_it_saves_more_than_it_costs() -> None:
    def held(within_1h: float, price: float, of: SwitchingCost) -> PoolId | None:
        pools = [a_pool(HERE, 0.3, Risk(within_1h, 0.9)), a_pool(THERE, price, SAFE)]
        return replica_for(HERE, pools, ON_DEMAND, of)

    assert held(0.001, 0.01, HEAVY) is None
    assert held(0.4, 0.3, HEAVY) == THERE
    assert held(0.4, 0.9, HEAVY) is None
    assert held(0.4, 0.3, LIGHT) is None  # the notice covers most of its boot


def test_a_replica_is_neither_where_the_agent_is_nor_where_nothing_is_up() -> None:
    doomed = Risk(0.9, 0.99)
    pools = [a_pool(HERE, 0.01, doomed), a_pool(THERE, 0.01, SAFE, up=False)]

    assert replica_for(HERE, pools, ON_DEMAND, HEAVY) is None
    assert replica_for(None, pools, ON_DEMAND, HEAVY) is None


@pytest.mark.parametrize("price", [0.0, -1.0, nan, inf])
def test_a_price_that_is_none_attracts_nobody(price: float) -> None:
    pools = [a_pool(HERE, 0.3, SAFE), a_pool(THERE, price, SAFE)]

    choice = decide(Position(pool_id=HERE), pools, ON_DEMAND, LIGHT, NO_LIMITS, NOW)

    assert choice.target is Target.STAY


@given(positions, some_pools(least=2), costs, st.floats(1.0, 3.0), st.integers(0, 2))
def test_a_higher_price_never_makes_a_pool_more_attractive(
    at: Position, pools: tuple[PoolOutlook, ...], of: SwitchingCost, factor: float, which: int
) -> None:
    which %= len(pools)
    pool = pools[which]
    mean = None if pool.mean_price is None else pool.mean_price * factor
    dearer = _with(pools, which, replace(pool, price=pool.price * factor, mean_price=mean))

    assert _lead(at, dearer, of, pool.pool_id) <= _lead(at, pools, of, pool.pool_id) + ROUNDING


@given(positions, some_pools(least=2), costs, risks, st.booleans(), st.integers(0, 2))
def test_a_higher_risk_never_makes_a_pool_more_attractive(
    at: Position,
    pools: tuple[PoolOutlook, ...],
    of: SwitchingCost,
    other: Risk,
    only_near: bool,
    which: int,
) -> None:
    which %= len(pools)
    known = pools[which].known_risk
    near = max(known.within_1h, other.within_1h)
    far = max(known.within_6h, near if only_near else other.within_6h)
    riskier = _with(pools, which, replace(pools[which], risk=Risk(near, far)))

    pool_id = pools[which].pool_id
    assert _lead(at, riskier, of, pool_id) <= _lead(at, pools, of, pool_id) + ROUNDING


def _with(pools: tuple[PoolOutlook, ...], which: int, pool: PoolOutlook) -> tuple[PoolOutlook, ...]:
    return (*pools[:which], pool, *pools[which + 1 :])


def _lead(
    at: Position, pools: tuple[PoolOutlook, ...], of: SwitchingCost, pool_id: PoolId
) -> float:
    """USD by which it is better than the best other place; 0 where it is not."""
    choice = decide(at, pools, ON_DEMAND, of, NO_LIMITS, NOW)
    totals = {one.pool_id: one.total for one in (choice.chosen, *choice.others)}
    own = totals.pop(pool_id, inf)
    return max(0.0, min(totals.values(), default=inf) - own) if own < inf else 0.0


@given(risks, risks, st.floats(0.5, 200), st.floats(1, 3))
def test_more_risk_never_means_more_time_up(
    one: Risk, other: Risk, horizon_h: float, caution: float
) -> None:
    worst = Risk(max(one.within_1h, other.within_1h), max(one.within_6h, other.within_6h))

    assert up_time(worst, horizon_h, caution).hours <= up_time(one, horizon_h, caution).hours + 1e-9
    assert up_time(worst, horizon_h, caution).risk >= up_time(one, horizon_h, caution).risk - 1e-9
    assert up_time(one, horizon_h, 3).hours <= up_time(one, horizon_h).hours + 1e-9


def test_time_up_follows_the_hazards() -> None:
    up = up_time(Risk(0.0, 0.0), 72)
    assert (up.hours, up.risk) == (72, 0)
    assert up_time(Risk(0.5, 0.75), 1.0).risk == pytest.approx(0.5)
    assert up_time(Risk(0.5, 0.75), 6.0).risk == pytest.approx(0.75)


@given(
    st.lists(
        st.builds(
            PoolOutlook,
            pool_id=st.sampled_from((HERE, THERE, PoolId(""), PoolId("nobody.knows"))),
            price=anything,
            mean_price=st.none() | anything,
            up=st.booleans(),
            risk=st.none() | st.builds(Risk, anything, anything, anything),
            hours_up=st.none() | anything,
            hours_known=anything,
            band=st.integers(-5, 9),
        ),
        max_size=4,
    ),
    st.none() | st.sampled_from((HERE, THERE, PoolId("gone"))),
    st.booleans(),
    anything,
    st.floats(0, 1e6),
)
def test_nothing_that_comes_in_makes_it_fail(
    pools: list[PoolOutlook],
    at: PoolId | None,
    reclaimed: bool,
    on_demand: float,
    boot_s: float,
) -> None:
    of = SwitchingCost(boot_s=boot_s)

    choice = decide(Position(pool_id=at, reclaimed=reclaimed), pools, on_demand, of, NO_LIMITS, NOW)

    known = {pool.pool_id for pool in pools} | {None, at}
    assert choice.pool_id in known
    assert not (reclaimed and choice.target is Target.STAY)
    assert choice.reason
    assert choice.flip


def test_who_knows_no_price_of_on_demand_stays() -> None:
    pools = [a_pool(HERE, 0.3, SAFE), a_pool(THERE, 0.01, SAFE)]

    for on_demand in (nan, 0.0, -1.0, inf):
        choice = decide(Position(pool_id=HERE), pools, on_demand, LIGHT, NO_LIMITS, NOW)
        assert (choice.target, choice.pool_id) == (Target.STAY, HERE)


@given(positions, some_pools(), costs)
def test_the_same_question_gets_the_same_answer(
    at: Position, pools: tuple[PoolOutlook, ...], of: SwitchingCost
) -> None:
    once, again = (decide(at, pools, ON_DEMAND, of, NO_LIMITS, NOW) for _ in range(2))

    assert (repr(once), once.reason, once.flip) == (repr(again), again.reason, again.flip)
