"""The placement policy as an engine's decision."""

from spot_optimizer.domain.decisions.contract import (
    Decision,
    DecisionInput,
    DecisionType,
    SwitchLimits,
)
from spot_optimizer.domain.placement.choice import Choice, MoveLimits, Option, Position, Target
from spot_optimizer.domain.placement.forecasts import RiskModel
from spot_optimizer.domain.placement.history import HOUR_S
from spot_optimizer.domain.placement.outlook import PoolOutlook
from spot_optimizer.domain.placement.policy import decide as place


def decide(question: DecisionInput, model: RiskModel | None) -> Decision | None:
    """None where there is nothing to compare: no market, no time, or no price of on demand."""
    on_demand, market, at = question.known_ondemand_price, question.market, question.asked_at
    if on_demand is None or market is None or at is None or not market.pools:
        return None
    now = at.timestamp()
    pools = market.outlooks(at, float(on_demand), model)
    current = question.current_pool_id if question.is_on_spot else None
    choice = place(
        Position(pool_id=current), pools, float(on_demand), market.costs, _limits(question), now
    )
    outlook = next((pool for pool in pools if pool.pool_id == choice.pool_id), None)
    decision_type = _decision_type(choice, question)
    return Decision(
        decision_type=decision_type,
        recommended_pool_id=choice.pool_id,
        risk_score=0.0 if outlook is None else outlook.known_risk.within_1h,
        expected_savings=0.0 if decision_type.is_stay else _savings(choice, current),
        confidence=_confidence(outlook),
        reason=f"{choice.reason} {choice.flip}",
    )


def _decision_type(choice: Choice, question: DecisionInput) -> DecisionType:
    match choice.target:
        case Target.STAY:
            return DecisionType.stay(question.current_mode)
        case Target.ON_DEMAND:
            return DecisionType.SWITCH_TO_ON_DEMAND
        case Target.POOL:
            return DecisionType.SWITCH_TO_SPOT


def _savings(choice: Choice, current: str | None) -> float:
    """USD per hour against staying, over the horizon; what the risk is worth is counted."""
    stay: Option | None = next((one for one in choice.others if one.pool_id == current), None)
    if stay is None:
        return 0.0
    return max(0.0, stay.total - choice.chosen.total) / choice.horizon_h


def _confidence(outlook: PoolOutlook | None) -> float:
    """How much is known: 0.5 of a pool by its band only, 1 with a model of its past."""
    return 0.5 if outlook is not None and outlook.risk is None else 1.0


def _limits(question: DecisionInput) -> MoveLimits:
    limits: SwitchLimits = question.limits
    last = question.last_switch_at
    return MoveLimits(
        moves_24h=question.recent_switches_24h,
        moves_7d=question.recent_switches_7d,
        most_24h=limits.max_switches_per_day,
        most_7d=limits.max_switches_per_week,
        moved_at=None if last is None else last.timestamp(),
        least_stay_s=limits.min_pool_duration_hours * HOUR_S,
    )
