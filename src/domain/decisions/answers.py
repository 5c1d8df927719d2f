"""What a caller of the engine is told, whether or not there is an engine
(contract/agents-and-replicas.md A12, A13; contract/admin-ml-and-jobs.md 3.9, 3.10)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.decisions.contract import Decision, DecisionInput, DecisionType
from spot_optimizer.domain.decisions.policy import Ruling
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.values import Mode

ENGINE_UNAVAILABLE: Final = "Decision engine unavailable - staying in current mode for safety"
AGENT_DISABLED: Final = "Agent disabled"


class Action(StrEnum):
    """The vocabulary of `/decide`, the risk scores and the decision history."""

    STAY = "stay"
    SWITCH_SPOT = "switch_spot"
    SWITCH_ON_DEMAND = "switch_ondemand"


ACTIONS: Final[Mapping[DecisionType, Action]] = {
    DecisionType.STAY_SPOT: Action.STAY,
    DecisionType.STAY_ON_DEMAND: Action.STAY,
    DecisionType.SWITCH_TO_SPOT: Action.SWITCH_SPOT,
    DecisionType.SWITCH_TO_ON_DEMAND: Action.SWITCH_ON_DEMAND,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The answer of `/decide`; a stay repeats the mode and pool that the caller named."""

    action: Action
    mode: str | None
    pool_id: str | None
    risk_score: float
    expected_savings: float
    allowed: bool
    reason: str

    @classmethod
    def to_stay(cls, mode: str | None, pool_id: str | None, reason: str) -> "Advice":
        """The safe answer, and that of a disabled agent: nothing was judged."""
        return cls(
            action=Action.STAY,
            mode=mode,
            pool_id=pool_id,
            risk_score=0.0,
            expected_savings=0.0,
            allowed=False,
            reason=reason,
        )

    @classmethod
    def of(
        cls,
        decision: Decision,
        ruling: Ruling,
        *,
        mode: str | None,
        pool_id: str | None,
        candidate_pool_id: PoolId | None,
    ) -> "Advice":
        """An engine's decision in the words of `/decide`; `mode` and `pool_id` are those that the
        caller named, the candidate serves a switch whose pool the engine left open."""
        match ACTIONS[decision.decision_type]:
            case Action.SWITCH_SPOT as action:
                mode, pool_id = Mode.SPOT, decision.recommended_pool_id or candidate_pool_id
            case Action.SWITCH_ON_DEMAND as action:
                mode, pool_id = Mode.ON_DEMAND, None
            case action:
                pass
        return cls(
            action=action,
            mode=mode,
            pool_id=pool_id,
            risk_score=decision.risk_score,
            expected_savings=decision.expected_savings,
            allowed=ruling.allowed,
            reason=ruling.reason,
        )


def recommendation_without_engine(question: DecisionInput) -> Decision:
    """The fixed recommendation while no engine is loaded: all is well as it is (A13)."""
    on_demand, spot = question.known_ondemand_price, question.known_spot_price
    saving, savings_percent = 0.0, 0.0
    if on_demand is not None and spot is not None:
        saving = float(on_demand - spot)
        savings_percent = float((on_demand - spot) / on_demand * 100)
    return Decision(
        decision_type=DecisionType.stay(question.current_mode),
        recommended_pool_id=question.current_pool_id,
        risk_score=0.3,
        expected_savings=saving,
        confidence=0.6,
        reason=f"Current configuration optimal ({savings_percent:.1f}% savings)",
    )
