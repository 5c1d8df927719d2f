"""May a recommended switch be carried out? (contract/domain.md 4.5.7)"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.decisions.contract import Decision, DecisionInput, DecisionType

# How far back switches count towards the limits.
WEEKLY_WINDOW: Final = timedelta(days=7)
DAILY_WINDOW: Final = timedelta(hours=24)


class Gate(StrEnum):
    """What can keep a switch from being allowed, in the words for the caller (A12)."""

    WEEKLY_LIMIT = "Weekly switch limit reached"
    DAILY_LIMIT = "Daily switch limit reached"
    POOL_DURATION = "Minimum pool duration not reached"
    SAVINGS = "Savings below minimum"
    RISK = "Risk above threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Whether an agent may carry out what the engine recommends, and why."""

    allowed: bool
    reason: str


def rule_on(
    decision: Decision, question: DecisionInput, now: datetime, *, daily_limit: bool = False
) -> Ruling:
    """A switch is allowed unless a gate is closed, whose words then replace the engine's. A stay
    is never allowed: there is nothing to carry out."""
    if decision.decision_type.is_stay:
        return Ruling(allowed=False, reason=decision.reason)
    gate = closed_gate(decision, question, now, daily_limit=daily_limit)
    return Ruling(allowed=gate is None, reason=decision.reason if gate is None else gate.value)


def closed_gate(
    decision: Decision, question: DecisionInput, now: datetime, *, daily_limit: bool = False
) -> Gate | None:
    """The first gate that refuses a switch, in the fixed order; `daily_limit` is policy P-5.

    Savings and risk are asked for on the way to spot only: leaving spot because of its risk must
    not be refused because of that risk.
    """
    limits = question.limits
    if _is_weighed_way_back(decision, question):
        return _gate_of_spot(decision, question)
    if question.recent_switches_7d >= limits.max_switches_per_week:
        return Gate.WEEKLY_LIMIT
    if daily_limit and question.recent_switches_24h >= limits.max_switches_per_day:
        return Gate.DAILY_LIMIT
    least_stay = timedelta(hours=limits.min_pool_duration_hours)
    if question.last_switch_at is not None and now - question.last_switch_at < least_stay:
        return Gate.POOL_DURATION
    if decision.decision_type is DecisionType.SWITCH_TO_SPOT:
        return _gate_of_spot(decision, question)
    return None


def _is_weighed_way_back(decision: Decision, question: DecisionInput) -> bool:
    """Limits by day and week strand agents on demand exactly when capacity is scarce, so an engine
    that has weighed what the move costs is not held back on the way to spot."""
    to_spot = decision.decision_type is DecisionType.SWITCH_TO_SPOT
    return to_spot and question.market is not None and not question.is_on_spot


def _gate_of_spot(decision: Decision, question: DecisionInput) -> Gate | None:
    if _exact_savings_percent(question) < question.limits.min_savings_percent:
        return Gate.SAVINGS
    if decision.risk_score > float(question.limits.risk_threshold):
        return Gate.RISK
    return None


def _exact_savings_percent(question: DecisionInput) -> Decimal:
    """(od - spot) / od x 100, unrounded; what has no price saves nothing."""
    on_demand, spot = question.known_ondemand_price, question.quote.price
    if on_demand is None or spot is None:
        return Decimal(0)
    return (on_demand - spot) / on_demand * 100
