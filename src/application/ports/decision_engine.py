from dataclasses import dataclass, field
from typing import Protocol

from spot_optimizer.domain.decisions.contract import Decision, DecisionInput


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineIdentity:
    """Which engine answers, as dashboards and logs name it."""

    name: str
    version: str
    models_used: tuple[str, ...] = field(default=())


class DecisionEngine(Protocol):
    """Gives advice; may raise anything, since it may be somebody else's code."""

    @property
    def identity(self) -> EngineIdentity: ...

    def decide(self, question: DecisionInput) -> Decision: ...


class EngineInService(Protocol):
    """The engine that this process asks."""

    @property
    def current(self) -> DecisionEngine | None:
        """None while no engine is loaded."""
        ...
