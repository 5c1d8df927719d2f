"""Decision engines that answer as they are told."""

from dataclasses import dataclass, field
from typing import Any, Final, cast

from spot_optimizer.application.ports.decision_engine import DecisionEngine, EngineIdentity
from spot_optimizer.domain.decisions.contract import Decision, DecisionInput

FAKE: Final = EngineIdentity(name="FakeEngine", version="9.9", models_used=("risk", "price"))


@dataclass
class FakeDecisionEngine:
    """Gives the answer, which may be anything, or raises it when it is an exception."""

    answer: Any
    identity: EngineIdentity = FAKE
    asked: list[DecisionInput] = field(default_factory=list)

    def decide(self, question: DecisionInput) -> Decision:
        self.asked.append(question)
        if isinstance(self.answer, Exception):
            raise self.answer
        return cast(Decision, self.answer)


@dataclass
class FixedEngine:
    """The engine in service, if any."""

    current: DecisionEngine | None = None
