"""May a recommended switch be carried out?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.decisions.contract import (
    Decision,
    DecisionInput,
    DecisionType,
    SwitchLimits,
)
from spot_optimizer.domain.decisions.policy import Gate, Ruling, closed_gate, rule_on
from spot_optimizer.domain.identifiers import AgentId, PoolId
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.values import Mode

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TWO_HOURS = timedelta(hours=2)

TO_SPOT = Decision(
    decision_type=DecisionType.SWITCH_TO_SPOT,
    recommended_pool_id=PoolId("t3.medium.us-east-1b"),
    risk_score=0.2,
    expected_savings=0.0291,
    confidence=0.8,
    reason="Good savings opportunity",
)
TO_ON_DEMAND = replace(
    TO_SPOT,
    decision_type=DecisionType.SWITCH_TO_ON_DEMAND,
    risk_score=0.6,
    reason="Spot price too high",
)
UNHINDERED = DecisionInput(
    agent_id=AgentId("agent-1"),
    current_mode=Mode.ON_DEMAND,
    spot_price=Decimal("0.0125"),
    ondemand_price=Decimal("0.0416"),
)
# Every gate is closed.
HINDERED = replace(
    UNHINDERED,
    spot_price=Decimal("0.04"),
    recent_switches_7d=10,
    recent_switches_24h=3,
    last_switch_at=NOON,
)


@pytest.mark.parametrize("decision", [TO_SPOT, TO_ON_DEMAND])
def test_a_switch_that_nothing_hinders_is_allowed(decision: Decision) -> None:
    assert rule_on(decision, UNHINDERED, NOON) == Ruling(allowed=True, reason=decision.reason)


@pytest.mark.parametrize("decision_type", [DecisionType.STAY_SPOT, DecisionType.STAY_ON_DEMAND])
@pytest.mark.parametrize("question", [UNHINDERED, HINDERED])
def test_a_stay_is_never_allowed_and_keeps_its_reason(
    decision_type: DecisionType, question: DecisionInput
) -> None:
    stay = replace(TO_SPOT, decision_type=decision_type, reason="Current mode is optimal")

    assert rule_on(stay, question, NOON, daily_limit=True) == Ruling(
        allowed=False, reason="Current mode is optimal"
    )


def test_the_tenth_switch_of_a_week_was_the_last() -> None:
    # contract D-30
    tenth = replace(UNHINDERED, recent_switches_7d=10)
    ninth = replace(UNHINDERED, recent_switches_7d=9)

    assert rule_on(TO_SPOT, tenth, NOON) == Ruling(
        allowed=False, reason="Weekly switch limit reached"
    )
    assert rule_on(TO_SPOT, ninth, NOON).allowed


def test_the_daily_limit_counts_only_where_it_is_wanted() -> None:
    third = replace(UNHINDERED, recent_switches_24h=3)

    assert closed_gate(TO_SPOT, third, NOON) is None
    assert rule_on(TO_SPOT, third, NOON).allowed
    assert not rule_on(TO_SPOT, third, NOON, daily_limit=True).allowed
    assert closed_gate(TO_SPOT, third, NOON, daily_limit=True) is Gate.DAILY_LIMIT
    second = replace(third, recent_switches_24h=2)
    assert closed_gate(TO_SPOT, second, NOON, daily_limit=True) is None


def test_an_agent_stays_two_hours_in_a_pool() -> None:
    too_soon = replace(UNHINDERED, last_switch_at=NOON - TWO_HOURS + timedelta(seconds=1))
    settled = replace(UNHINDERED, last_switch_at=NOON - TWO_HOURS)

    assert rule_on(TO_SPOT, too_soon, NOON) == Ruling(
        allowed=False, reason="Minimum pool duration not reached"
    )
    assert rule_on(TO_SPOT, settled, NOON).allowed


def test_spot_has_to_save_fifteen_percent() -> None:
    exactly = replace(UNHINDERED, spot_price=Decimal("0.85"), ondemand_price=Decimal(1))
    nearly = replace(exactly, spot_price=Decimal("0.850001"))

    assert rule_on(TO_SPOT, exactly, NOON).allowed
    assert rule_on(TO_SPOT, nearly, NOON) == Ruling(allowed=False, reason="Savings below minimum")


@pytest.mark.parametrize("price", [None, Decimal(0), Decimal(-1), Decimal("NaN")])
def test_what_has_no_price_saves_nothing(price: Decimal | None) -> None:
    easy = replace(UNHINDERED, limits=SwitchLimits(min_savings_percent=Decimal("0.01")))

    assert closed_gate(TO_SPOT, replace(easy, spot_price=price), NOON) is Gate.SAVINGS
    assert closed_gate(TO_SPOT, replace(easy, ondemand_price=price), NOON) is Gate.SAVINGS


def test_savings_are_those_of_the_price_that_was_judged() -> None:
    question = replace(
        UNHINDERED,
        spot_price=None,
        alternative_pools=(
            PricedPool(pool_id=PoolId("b"), zone="b", price=Decimal("0.011"), priced_at=NOON),
        ),
    )

    assert closed_gate(TO_SPOT, question, NOON) is None


def test_a_risk_of_thirty_percent_is_still_tolerated() -> None:
    at_threshold = replace(TO_SPOT, risk_score=0.3)
    above = replace(TO_SPOT, risk_score=0.3001)

    assert rule_on(at_threshold, UNHINDERED, NOON).allowed
    assert rule_on(above, UNHINDERED, NOON) == Ruling(allowed=False, reason="Risk above threshold")


@pytest.mark.parametrize("hundredth", range(101))
def test_a_risk_equal_to_any_threshold_is_tolerated(hundredth: int) -> None:
    limits = SwitchLimits(risk_threshold=Decimal(hundredth) / 100)
    question = replace(UNHINDERED, limits=limits)

    assert closed_gate(replace(TO_SPOT, risk_score=hundredth / 100), question, NOON) is None


def test_neither_risk_nor_savings_keep_anyone_on_spot() -> None:
    dear = replace(UNHINDERED, current_mode=Mode.SPOT, spot_price=Decimal("0.04"))

    assert rule_on(replace(TO_ON_DEMAND, risk_score=1.0), dear, NOON).allowed


def test_the_limits_are_those_of_the_agent() -> None:
    limits = SwitchLimits(
        min_savings_percent=Decimal("80.00"),
        risk_threshold=Decimal("0.10"),
        max_switches_per_week=1,
        max_switches_per_day=1,
        min_pool_duration_hours=5,
    )
    strict = replace(UNHINDERED, limits=limits)

    assert closed_gate(TO_SPOT, strict, NOON) is Gate.SAVINGS
    cheap = replace(strict, spot_price=Decimal("0.001"))
    assert closed_gate(TO_SPOT, cheap, NOON) is Gate.RISK
    once = replace(strict, recent_switches_7d=1, recent_switches_24h=1)
    assert closed_gate(TO_SPOT, once, NOON) is Gate.WEEKLY_LIMIT
    today = replace(once, recent_switches_7d=0)
    assert closed_gate(TO_SPOT, today, NOON, daily_limit=True) is Gate.DAILY_LIMIT
    recent = replace(strict, last_switch_at=NOON - timedelta(hours=4))
    assert closed_gate(TO_SPOT, recent, NOON) is Gate.POOL_DURATION


def test_the_limits_of_an_agent_that_has_none() -> None:
    assert SwitchLimits() == SwitchLimits(
        min_savings_percent=Decimal("15.00"),
        risk_threshold=Decimal("0.30"),
        max_switches_per_week=10,
        max_switches_per_day=3,
        min_pool_duration_hours=2,
    )


def test_the_first_closed_gate_speaks() -> None:
    risky = replace(TO_SPOT, risk_score=0.9)
    opened = [
        (Gate.WEEKLY_LIMIT, {"recent_switches_7d": 0}),
        (Gate.DAILY_LIMIT, {"recent_switches_24h": 0}),
        (Gate.POOL_DURATION, {"last_switch_at": None}),
        (Gate.SAVINGS, {"spot_price": Decimal("0.0125")}),
        (Gate.RISK, {}),
    ]

    question = HINDERED
    for gate, change in opened:
        assert closed_gate(risky, question, NOON, daily_limit=True) is gate
        question = replace(question, **change)  # type: ignore[arg-type]


@given(
    decision_type=st.sampled_from(DecisionType),
    risk=st.integers(min_value=0, max_value=10_000).map(lambda n: n / 10_000),
    spot=st.decimals(min_value=0, max_value=1, places=4),
    on_demand=st.decimals(min_value=0, max_value=1, places=4),
    week=st.integers(min_value=0, max_value=12),
    hours=st.none() | st.integers(min_value=0, max_value=4),
)
def test_a_switch_is_allowed_exactly_when_no_limit_is_touched(
    decision_type: DecisionType,
    risk: float,
    spot: Decimal,
    on_demand: Decimal,
    week: int,
    hours: int | None,
) -> None:
    decision = replace(TO_SPOT, decision_type=decision_type, risk_score=risk)
    question = replace(
        UNHINDERED,
        spot_price=spot,
        ondemand_price=on_demand,
        recent_switches_7d=week,
        last_switch_at=None if hours is None else NOON - timedelta(hours=hours),
    )

    cheap = spot > 0 and on_demand > 0 and (on_demand - spot) * 100 >= 15 * on_demand
    expected = (
        decision_type in ("switch_to_spot", "switch_to_ondemand")
        and week < 10
        and (hours is None or hours >= 2)
        and (decision_type == "switch_to_ondemand" or (cheap and risk <= 0.3))
    )
    assert rule_on(decision, question, NOON).allowed is expected
