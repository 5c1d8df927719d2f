"""A decision as it is kept (contract/domain.md 4.5.8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from spot_optimizer.domain.decisions.answers import Advice
from spot_optimizer.domain.identifiers import AgentId, ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAnswer:
    """What the engine was asked and said, when one answered."""

    engine: str
    version: str
    models_used: tuple[str, ...]
    question: Mapping[str, object]
    decision: Mapping[str, object]
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
