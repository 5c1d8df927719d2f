"""A decision as it is kept (contract/domain.md 4.5.8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from spot_optimizer.domain.decisions.answers import Advice
from spot_optimizer.domain.decisions.contract import Decision, DecisionInput
from spot_optimizer.domain.decisions.policy import rule_on
from spot_optimizer.domain.identifiers import AgentId, ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """All that a decision was made of: whoever has this can make it again."""

    question: DecisionInput
    asked_at: datetime
    mode: str | None
    """As the caller named it."""
    pool_id: str | None
    """As the caller named it."""
    session_id: str | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 in hex of each model file that was used."""
    missing_spot_price_is_free: bool = False

    def advice_on(self, decision: Decision) -> Advice:
        """What the caller is told of the decision."""
        return Advice.of(
            decision,
            rule_on(decision, self.question, self.asked_at),
            mode=self.mode,
            pool_id=self.pool_id,
            candidate_pool_id=self.question.candidate_pool_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAnswer:
    """What the engine was asked and said, when one answered."""

    engine: str
    version: str
    models_used: tuple[str, ...]
    said: Mapping[str, object]
    """What the caller said, and the settings it was judged under."""
    flight: Flight
    decision: Decision
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    client_id: ClientId
    agent_id: AgentId
    instance_id: str | None
    advice: Advice
    current_mode: str | None
    current_pool_id: str | None
    current_price: Decimal
    decided_at: datetime
    model_version: str | None
    answer: EngineAnswer | None
