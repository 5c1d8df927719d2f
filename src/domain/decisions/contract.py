"""The question and the answer that every decision engine shares (contract/domain.md 4.5.2,
4.5.3; contract/admin-ml-and-jobs.md 3.11)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import Final

from spot_optimizer.domain.decisions.trend import PriceTrend
from spot_optimizer.domain.identifiers import AgentId, PoolId
from spot_optimizer.domain.placement.past import MarketPast
from spot_optimizer.domain.pricing.history import PriceHistory
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.values import Mode

# An engine that takes longer has failed.
TIME_TO_DECIDE: Final = timedelta(seconds=2)

# USD per hour; the price columns are DECIMAL(10,6).
PRICE_COLUMN_LIMIT: Final = Decimal(10_000)

PRICE_HISTORY_WINDOW: Final = timedelta(days=7)
INTERRUPTION_HISTORY_WINDOW: Final = timedelta(days=30)

# The newest of a pool. All of them are kept with every decision, and a storm brings hundreds.
INTERRUPTIONS_TOLD: Final = 50


class DecisionType(StrEnum):
    STAY_SPOT = "stay_spot"
    STAY_ON_DEMAND = "stay_ondemand"
    SWITCH_TO_SPOT = "switch_to_spot"
    SWITCH_TO_ON_DEMAND = "switch_to_ondemand"

    @classmethod
    def stay(cls, mode: Mode) -> "DecisionType":
        """A mode that nobody knows is treated as on-demand."""
        return cls.STAY_SPOT if mode is Mode.SPOT else cls.STAY_ON_DEMAND

    @property
    def is_stay(self) -> bool:
        return self in (DecisionType.STAY_SPOT, DecisionType.STAY_ON_DEMAND)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchLimits:
    """What a client tolerates from automatic switching; of one agent."""

    min_savings_percent: Decimal = Decimal("15.00")
    risk_threshold: Decimal = Decimal("0.30")
    max_switches_per_week: int = 10
    max_switches_per_day: int = 3
    min_pool_duration_hours: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PastInterruption:
    pool_id: PoolId | None
    detected_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotQuote:
    """A spot price, None when unknown, and the pool that it is asked in."""

    price: Decimal | None
    pool_id: PoolId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionInput:
    """All that an engine may know about an agent when it is asked; it looks nothing up itself."""

    agent_id: AgentId
    current_mode: Mode
    instance_type: str | None = None
    region: str | None = None
    current_pool_id: PoolId | None = None
    spot_price: Decimal | None = None
    ondemand_price: Decimal | None = None
    candidate_pool_id: PoolId | None = None
    """Where a switch to spot would lead; unless named, the current pool."""
    alternative_pools: tuple[PricedPool, ...] = ()
    """Cheapest first, all of them priced."""
    price_history_7d: PriceHistory = field(default_factory=PriceHistory)
    """Of the pool that `quote` is about."""
    interruption_history: tuple[PastInterruption, ...] = ()
    """Thirty days of the pools concerned, at most INTERRUPTIONS_TOLD of each, the newest first."""
    limits: SwitchLimits = field(default_factory=SwitchLimits)
    recent_switches_7d: int = 0
    recent_switches_24h: int = 0
    last_switch_at: datetime | None = None
    asked_at: datetime | None = None
    trend: PriceTrend = field(default_factory=PriceTrend)
    """Of the same prices."""
    market: MarketPast | None = None
    """Only where the engine looks at markets."""

    @property
    def is_on_spot(self) -> bool:
        return self.current_mode is Mode.SPOT

    @property
    def known_spot_price(self) -> Decimal | None:
        return _known(self.spot_price)

    @property
    def known_ondemand_price(self) -> Decimal | None:
        return _known(self.ondemand_price)

    @property
    def quote(self) -> SpotQuote:
        """What spot costs this agent: one that is not on spot and knows no price looks at the
        cheapest alternative (contract/domain.md 4.5.6 rule 1)."""
        cheapest = self.alternative_pools[0] if self.alternative_pools else None
        price = self.known_spot_price
        if price is None and cheapest is not None and not self.is_on_spot:
            return SpotQuote(price=_known(cheapest.price), pool_id=cheapest.pool_id)
        pool_id = self.candidate_pool_id or self.current_pool_id
        if pool_id is None and cheapest is not None:
            pool_id = cheapest.pool_id
        return SpotQuote(price=price, pool_id=pool_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An engine's answer. Its figures are floats, unrounded, as the former server shows them."""

    decision_type: DecisionType
    recommended_pool_id: PoolId | None
    risk_score: float
    """Probability of an interruption, 0..1."""
    expected_savings: float
    """USD per hour, never negative."""
    confidence: float
    """0..1."""
    reason: str
    scores: Mapping[str, float] = field(default_factory=dict)
    """What models said, by their names; nothing where the rules alone decided."""


def violations(decision: object) -> tuple[str, ...]:
    """What an answer breaks of the contract, in words; nothing when it may be used.

    Engines are strangers' code, so anything may come in. A switch to spot may leave its pool
    open: the former server answers so for an agent without a pool.
    """
    if not isinstance(decision, Decision):
        return ("not a decision",)
    broken = []
    if not isinstance(decision.decision_type, DecisionType):
        broken.append("decision_type is unknown")
    if not isinstance(decision.recommended_pool_id, str | None):
        broken.append("recommended_pool_id is neither text nor empty")
    if not _is_number_within(decision.risk_score, 0, 1):
        broken.append("risk_score is not within 0..1")
    if not _is_number_within(decision.expected_savings, 0, float("inf")):
        broken.append("expected_savings is not a finite amount of at least 0")
    if not _is_number_within(decision.confidence, 0, 1):
        broken.append("confidence is not within 0..1")
    if not _is_text(decision.reason):
        broken.append("reason is empty")
    return tuple(broken)


def _known(price: Decimal | None) -> Decimal | None:
    """A price that means something: 0 stands for an unknown one in many rows, and what no price
    column holds is none."""
    if price is None or not price.is_finite() or not 0 < price < PRICE_COLUMN_LIMIT:
        return None
    return price


def _is_text(words: object) -> bool:
    return isinstance(words, str) and bool(words.strip())


def _is_number_within(figure: object, lowest: float, highest: float) -> bool:
    return (
        isinstance(figure, int | float)
        and not isinstance(figure, bool)
        and isfinite(figure)
        and lowest <= figure <= highest
    )
