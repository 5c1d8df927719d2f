"""The four rules that need no model, and the answers given without an engine."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.decisions.answers import (
    ACTIONS,
    AGENT_DISABLED,
    ENGINE_UNAVAILABLE,
    Action,
    Advice,
    recommendation_without_engine,
)
from spot_optimizer.domain.decisions.contract import (
    Decision,
    DecisionInput,
    DecisionType,
    violations,
)
from spot_optimizer.domain.decisions.policy import Ruling
from spot_optimizer.domain.decisions.rule_based import decide
from spot_optimizer.domain.identifiers import AgentId, PoolId
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.values import Mode

SPOT, ON_DEMAND, UNKNOWN = Mode
HERE, THERE = PoolId("t3.medium.us-east-1a"), PoolId("t3.medium.us-east-1b")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

any_price = st.none() | st.decimals(min_value=-1, max_value=300, places=6)
any_number = st.none() | st.decimals(allow_nan=True, allow_infinity=True)


def test_cheap_spot_stays() -> None:
    assert decide(asked(SPOT, "0.0125", "0.0416")) == Decision(
        decision_type=DecisionType.STAY_SPOT,
        recommended_pool_id=HERE,
        risk_score=0.3,
        expected_savings=0.029099999999999997,
        confidence=0.6,
        reason="Current mode is optimal (70.0% savings)",
    )


def test_spot_that_is_nearly_as_dear_as_on_demand_is_left() -> None:
    assert decide(asked(SPOT, "0.0400", "0.0416")) == Decision(
        decision_type=DecisionType.SWITCH_TO_ON_DEMAND,
        recommended_pool_id=None,
        risk_score=0.6,
        expected_savings=0.0,
        confidence=0.7,
        reason="Spot price too high (3.8% savings only)",
    )


def test_on_demand_goes_where_spot_is_cheap() -> None:
    assert decide(asked(ON_DEMAND, "0.0125", "0.0416")) == Decision(
        decision_type=DecisionType.SWITCH_TO_SPOT,
        recommended_pool_id=HERE,
        risk_score=0.2,
        expected_savings=0.029099999999999997,
        confidence=0.8,
        reason="Good savings opportunity (70.0% cheaper than on-demand)",
    )


def test_exactly_eighty_percent_of_on_demand_stays() -> None:
    decision = decide(asked(SPOT, "0.08", "0.1"))

    assert decision.decision_type is DecisionType.STAY_SPOT
    assert decision.expected_savings == 0.020000000000000004
    assert decision.reason == "Current mode is optimal (20.0% savings)"


@pytest.mark.parametrize(
    ("spot", "decision_type"), [("0.8", "stay_spot"), ("0.800001", "switch_to_ondemand")]
)
def test_spot_is_left_above_eighty_percent_of_on_demand(spot: str, decision_type: str) -> None:
    assert decide(asked(SPOT, spot, "1")).decision_type == decision_type


def test_a_little_more_than_thirty_percent_is_a_reason_to_switch() -> None:
    decision = decide(asked(ON_DEMAND, "0.6999", "1"))

    assert decision.decision_type is DecisionType.SWITCH_TO_SPOT


def test_exactly_thirty_percent_are_no_reason_to_switch() -> None:
    decision = decide(asked(ON_DEMAND, "0.0014", "0.002"))

    assert decision.decision_type is DecisionType.STAY_ON_DEMAND
    assert decision.reason == "Current mode is optimal (30.0% savings)"


def test_on_demand_stays_while_spot_saves_little() -> None:
    decision = decide(asked(ON_DEMAND, "0.031", "0.0416"))

    assert decision.decision_type is DecisionType.STAY_ON_DEMAND
    assert decision.recommended_pool_id is None
    assert decision.expected_savings == 0.010599999999999998
    assert decision.reason == "Current mode is optimal (25.5% savings)"


def test_on_demand_is_not_sent_to_on_demand() -> None:
    decision = decide(asked(ON_DEMAND, "0.0500", "0.0416"))

    assert decision.decision_type is DecisionType.STAY_ON_DEMAND
    assert decision.expected_savings == 0.0
    assert decision.reason == "Current mode is optimal (-20.2% savings)"


def test_an_unknown_mode_is_treated_as_on_demand() -> None:
    cheap = decide(asked(UNKNOWN, "0.0125", "0.0416"))
    dear = decide(asked(UNKNOWN, "0.0400", "0.0416"))

    assert cheap.decision_type is DecisionType.SWITCH_TO_SPOT
    assert dear.decision_type is DecisionType.STAY_ON_DEMAND


@pytest.mark.parametrize(
    ("spot", "on_demand"),
    [
        ("0.0125", None),
        ("0.0125", "0"),
        ("0.0125", "-1"),
        ("0.0125", "NaN"),
        (None, "0.0416"),
        ("0", "0.0416"),
        ("-0.01", "0.0416"),
        ("Infinity", "0.0416"),
        ("0.0125", "10000"),
        (None, None),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_without_both_prices_nothing_is_judged(
    mode: Mode, spot: str | None, on_demand: str | None
) -> None:
    assert decide(asked(mode, spot, on_demand)) == Decision(
        decision_type=DecisionType.STAY_SPOT if mode is SPOT else DecisionType.STAY_ON_DEMAND,
        recommended_pool_id=None,
        risk_score=0.0,
        expected_savings=0.0,
        confidence=0.5,
        reason="Insufficient pricing data",
    )


@pytest.mark.parametrize("spot", [None, "0"])
def test_an_unknown_spot_price_can_count_as_free(spot: str | None) -> None:
    decision = decide(asked(SPOT, spot, "0.0416"), missing_spot_price_is_free=True)

    assert decision == Decision(
        decision_type=DecisionType.STAY_SPOT,
        recommended_pool_id=HERE,
        risk_score=0.3,
        expected_savings=0.0416,
        confidence=0.6,
        reason="Current mode is optimal (100.0% savings)",
    )


def test_what_is_free_still_needs_an_on_demand_price() -> None:
    decision = decide(asked(SPOT, None, "0"), missing_spot_price_is_free=True)

    assert decision.reason == "Insufficient pricing data"


@pytest.mark.parametrize("free", [False, True])
def test_off_spot_the_cheapest_alternative_stands_in_for_a_missing_price(free: bool) -> None:
    question = replace(
        asked(ON_DEMAND, None, "0.0416"),
        alternative_pools=(a_pool(THERE, "0.011"), a_pool(HERE, "0.012")),
    )

    decision = decide(question, missing_spot_price_is_free=free)

    assert decision.decision_type is DecisionType.SWITCH_TO_SPOT
    assert decision.recommended_pool_id == THERE
    assert decision.expected_savings == 0.0416 - 0.011


def test_the_pool_belongs_to_the_price_even_when_another_was_named() -> None:
    question = replace(
        asked(ON_DEMAND, None, "0.0416"),
        candidate_pool_id=HERE,
        alternative_pools=(a_pool(THERE, "0.011"),),
    )

    assert decide(question).recommended_pool_id == THERE


def test_on_spot_no_other_pool_stands_in() -> None:
    question = replace(asked(SPOT, None, "0.0416"), alternative_pools=(a_pool(THERE, "0.011"),))

    assert decide(question).reason == "Insufficient pricing data"


def test_the_candidate_comes_before_the_current_pool_and_before_any_alternative() -> None:
    named = replace(asked(ON_DEMAND, "0.0125", "0.0416"), candidate_pool_id=THERE)
    unnamed = replace(named, candidate_pool_id=None)
    nowhere = replace(unnamed, current_pool_id=None, alternative_pools=(a_pool(THERE, "0.011"),))

    assert decide(named).recommended_pool_id == THERE
    assert decide(unnamed).recommended_pool_id == HERE
    assert decide(nowhere).recommended_pool_id == THERE
    assert decide(replace(nowhere, alternative_pools=())).recommended_pool_id is None


def test_whoever_stays_on_spot_stays_in_the_current_pool() -> None:
    question = replace(asked(SPOT, "0.0125", "0.0416"), candidate_pool_id=THERE)

    assert decide(question).recommended_pool_id == HERE


@given(
    mode=st.sampled_from(Mode),
    spot=any_price | any_number,
    on_demand=any_price | any_number,
    alternative=any_price | any_number,
    free=st.booleans(),
)
def test_every_answer_keeps_the_contract(
    mode: Mode,
    spot: Decimal | None,
    on_demand: Decimal | None,
    alternative: Decimal | None,
    free: bool,
) -> None:
    question = replace(
        asked(mode, None, None),
        spot_price=spot,
        ondemand_price=on_demand,
        alternative_pools=(PricedPool(pool_id=THERE, zone="us-east-1b", price=alternative),),
    )

    decision = decide(question, missing_spot_price_is_free=free)

    assert violations(decision) == ()
    if mode is SPOT:
        assert decision.decision_type is not DecisionType.SWITCH_TO_SPOT
    else:
        assert decision.decision_type not in (
            DecisionType.SWITCH_TO_ON_DEMAND,
            DecisionType.STAY_SPOT,
        )
    recommendation_without_engine(question)


A_DECISION = Decision(
    decision_type=DecisionType.STAY_SPOT,
    recommended_pool_id=HERE,
    risk_score=0.3,
    expected_savings=0.01,
    confidence=0.6,
    reason="because",
)


def test_a_sound_answer_breaks_nothing() -> None:
    assert violations(A_DECISION) == ()
    assert violations(replace(A_DECISION, risk_score=0, confidence=1, expected_savings=0)) == ()


@pytest.mark.parametrize(
    ("field", "figure"),
    [
        ("risk_score", 1.7),  # contract D-41
        ("risk_score", -0.1),
        ("risk_score", float("nan")),
        ("risk_score", None),
        ("risk_score", "0.3"),
        ("risk_score", True),
        ("confidence", 1.01),
        ("confidence", -0.01),
        ("confidence", float("inf")),
        ("expected_savings", -0.0001),
        ("expected_savings", float("inf")),
        ("expected_savings", float("nan")),
        ("expected_savings", None),
        ("reason", ""),
        ("reason", "  "),
        ("reason", None),
        ("decision_type", "switch"),
        ("recommended_pool_id", 7),
    ],
)
def test_every_broken_field_is_named(field: str, figure: object) -> None:
    (broken,) = violations(replace(A_DECISION, **{field: figure}))  # type: ignore[arg-type]

    assert broken.startswith(field)


def test_all_broken_fields_are_named_at_once() -> None:
    assert len(violations(replace(A_DECISION, risk_score=2, confidence=2, reason=""))) == 3


@pytest.mark.parametrize("answer", [None, {}, "stay", 1])
def test_anything_else_is_no_decision(answer: object) -> None:
    assert violations(answer) == ("not a decision",)


@pytest.mark.parametrize(
    ("decision_type", "action", "is_stay"),
    [
        ("stay_spot", "stay", True),
        ("stay_ondemand", "stay", True),
        ("switch_to_spot", "switch_spot", False),
        ("switch_to_ondemand", "switch_ondemand", False),
    ],
)
def test_the_two_vocabularies(decision_type: str, action: str, is_stay: bool) -> None:
    recommended = DecisionType(decision_type)

    assert ACTIONS[recommended] == action
    assert recommended.is_stay is is_stay


def test_a_stay_repeats_what_the_caller_said() -> None:
    advice = advised(replace(A_DECISION, recommended_pool_id=None), mode="spot", pool_id="p-1")

    assert advice == Advice(
        action=Action.STAY,
        mode="spot",
        pool_id="p-1",
        risk_score=0.3,
        expected_savings=0.01,
        allowed=True,
        reason="the ruling",
    )


def test_a_switch_to_spot_names_the_pool_of_the_engine_or_else_the_candidate() -> None:
    to_spot = replace(A_DECISION, decision_type=DecisionType.SWITCH_TO_SPOT)

    engines = advised(to_spot, mode="ondemand", pool_id=None)
    candidate = advised(replace(to_spot, recommended_pool_id=None), mode="ondemand", pool_id=None)

    assert (engines.action, engines.mode, engines.pool_id) == ("switch_spot", "spot", HERE)
    assert (candidate.action, candidate.mode, candidate.pool_id) == ("switch_spot", "spot", THERE)


def test_a_switch_to_on_demand_names_no_pool() -> None:
    advice = advised(
        replace(A_DECISION, decision_type=DecisionType.SWITCH_TO_ON_DEMAND),
        mode="spot",
        pool_id=HERE,
    )

    assert (advice.action, advice.mode, advice.pool_id) == ("switch_ondemand", "ondemand", None)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            ENGINE_UNAVAILABLE,
            "Decision engine unavailable - staying in current mode for safety",
        ),
        (AGENT_DISABLED, "Agent disabled"),
    ],
)
def test_without_a_judgement_everything_stays_as_it_is(reason: str, words: str) -> None:
    assert Advice.to_stay("on-demand", None, reason) == Advice(
        action=Action.STAY,
        mode="on-demand",
        pool_id=None,
        risk_score=0.0,
        expected_savings=0.0,
        allowed=False,
        reason=words,
    )


def test_the_recommendation_without_engine() -> None:
    assert recommendation_without_engine(asked(SPOT, "0.0125", "0.0416")) == Decision(
        decision_type=DecisionType.STAY_SPOT,
        recommended_pool_id=HERE,
        risk_score=0.3,
        expected_savings=0.0291,
        confidence=0.6,
        reason="Current configuration optimal (70.0% savings)",
    )


@pytest.mark.parametrize(
    ("spot", "on_demand"), [(None, "0.0416"), ("0.0125", None), ("0", "0.0416"), ("0.0125", "0")]
)
def test_the_recommendation_without_engine_and_prices(
    spot: str | None, on_demand: str | None
) -> None:
    decision = recommendation_without_engine(asked(ON_DEMAND, spot, on_demand))

    assert decision.decision_type is DecisionType.STAY_ON_DEMAND
    assert decision.recommended_pool_id == HERE
    assert decision.expected_savings == 0.0
    assert decision.reason == "Current configuration optimal (0.0% savings)"


def asked(mode: Mode, spot: str | None, on_demand: str | None) -> DecisionInput:
    return DecisionInput(
        agent_id=AgentId("agent-1"),
        current_mode=mode,
        current_pool_id=HERE,
        spot_price=None if spot is None else Decimal(spot),
        ondemand_price=None if on_demand is None else Decimal(on_demand),
    )


def a_pool(pool_id: PoolId, price: str) -> PricedPool:
    return PricedPool(pool_id=pool_id, zone="us-east-1b", price=Decimal(price), priced_at=NOON)


def advised(decision: Decision, mode: str | None, pool_id: str | None) -> Advice:
    return Advice.of(
        decision,
        Ruling(allowed=True, reason="the ruling"),
        mode=mode,
        pool_id=pool_id,
        candidate_pool_id=THERE,
    )
