"""The rules with a model's figures in place of their own (contract/admin-ml-and-jobs.md 3.11)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from math import isfinite

from spot_optimizer.domain.decisions import rule_based
from spot_optimizer.domain.decisions.contract import (
    PRICE_COLUMN_LIMIT,
    Decision,
    DecisionInput,
    DecisionType,
)
from spot_optimizer.domain.decisions.policy import Gate
from spot_optimizer.domain.values import hourly_price


class Role(StrEnum):
    """What a model is for, which is the name of its file."""

    RISK = "risk_predictor"
    """Probability of an interruption, 0..1."""
    PRICE = "price_predictor"
    """Spot price in an hour, USD per hour."""


class UnusableFigure(Exception):
    """A model gave something that is no probability, or no price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Of whichever models there are.

    Raises:
        UnusableFigure: a figure is out of its range.
    """

    risk: float | None = None
    price: float | None = None

    def __post_init__(self) -> None:
        if self.risk is not None and not 0 <= self.risk <= 1:
            raise UnusableFigure(f"{Role.RISK} gave {self.risk}")
        limit = float(PRICE_COLUMN_LIMIT)
        if self.price is not None and not (isfinite(self.price) and 0 < self.price < limit):
            raise UnusableFigure(f"{Role.PRICE} gave {self.price}")

    @property
    def by_role(self) -> Mapping[str, float]:
        given = {Role.RISK.value: self.risk, Role.PRICE.value: self.price}
        return {role: figure for role, figure in given.items() if figure is not None}


def decide(
    question: DecisionInput, predictions: Predictions, *, missing_spot_price_is_free: bool = False
) -> Decision:
    """The first rule that applies to the predicted price, with the predicted risk; a switch to
    spot whose risk is above the agent's threshold becomes a stay."""
    foreseen = question if predictions.price is None else _at(question, predictions.price)
    decision = replace(
        rule_based.decide(foreseen, missing_spot_price_is_free=missing_spot_price_is_free),
        scores=predictions.by_role,
    )
    if predictions.risk is None:
        return decision
    decision = replace(decision, risk_score=predictions.risk)
    is_switch = decision.decision_type is DecisionType.SWITCH_TO_SPOT
    if is_switch and predictions.risk > question.limits.risk_threshold:
        return replace(
            decision,
            decision_type=DecisionType.stay(question.current_mode),
            recommended_pool_id=None,
            reason=Gate.RISK,
        )
    return decision


def _at(question: DecisionInput, price: float) -> DecisionInput:
    """The same question at another spot price, in the pool that it was asked for."""
    quote = question.quote
    if quote.price is None:
        return question  # nothing is foreseen of a pool that nobody knows the price of
    return replace(
        question, spot_price=hourly_price(Decimal(str(price))), candidate_pool_id=quote.pool_id
    )
