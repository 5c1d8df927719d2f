"""Four rules that need no model (contract/agents-and-replicas.md 1.11, rules 0 - 3).

They serve when no model is in service, and stand in for one that fails. Prices are compared as
floats, and 100 x (od - spot) / od is computed in this order, because the figures are shown
unrounded and agents have always seen them so (contract/admin-ml-and-jobs.md 3.9).
"""

from typing import Final

from spot_optimizer.domain.decisions.contract import Decision, DecisionInput, DecisionType

# Spot that costs a larger share of on-demand than this is not worth its risk.
TOO_DEAR_SHARE: Final = 0.8
# Savings above this are worth a switch.
GOOD_SAVINGS_PERCENT: Final = 30


def decide(question: DecisionInput, *, missing_spot_price_is_free: bool = False) -> Decision:
    """The first rule that applies.

    `missing_spot_price_is_free` counts a spot price that stays unknown as 0 USD, as the former
    server does, instead of refusing to judge.
    """
    price = question.quote.price
    spot = 0.0 if price is None else float(price)
    on_demand = float(question.known_ondemand_price or 0)
    if on_demand <= 0 or (spot <= 0 and not missing_spot_price_is_free):
        return _insufficient_prices(question)

    saving = on_demand - spot
    savings_percent = 100 * saving / on_demand
    if question.is_on_spot and spot / on_demand > TOO_DEAR_SHARE:
        return _too_dear(savings_percent)
    if not question.is_on_spot and savings_percent > GOOD_SAVINGS_PERCENT:
        return _good_opportunity(question, saving, savings_percent)
    return _optimal(question, saving, savings_percent)


def _insufficient_prices(question: DecisionInput) -> Decision:
    return Decision(
        decision_type=DecisionType.stay(question.current_mode),
        recommended_pool_id=None,
        risk_score=0.0,
        expected_savings=0.0,
        confidence=0.5,
        reason="Insufficient pricing data",
    )


def _too_dear(savings_percent: float) -> Decision:
    return Decision(
        decision_type=DecisionType.SWITCH_TO_ON_DEMAND,
        recommended_pool_id=None,
        risk_score=0.6,
        expected_savings=0.0,
        confidence=0.7,
        reason=f"Spot price too high ({savings_percent:.1f}% savings only)",
    )


def _good_opportunity(question: DecisionInput, saving: float, savings_percent: float) -> Decision:
    return Decision(
        decision_type=DecisionType.SWITCH_TO_SPOT,
        recommended_pool_id=question.quote.pool_id,
        risk_score=0.2,
        expected_savings=saving,
        confidence=0.8,
        reason=f"Good savings opportunity ({savings_percent:.1f}% cheaper than on-demand)",
    )


def _optimal(question: DecisionInput, saving: float, savings_percent: float) -> Decision:
    return Decision(
        decision_type=DecisionType.stay(question.current_mode),
        recommended_pool_id=question.current_pool_id if question.is_on_spot else None,
        risk_score=0.3,
        expected_savings=max(0.0, saving),
        confidence=0.6,
        reason=f"Current mode is optimal ({savings_percent:.1f}% savings)",
    )
