"""Asking whichever engine is in service, safely (contract/domain.md 4.5.3)."""

import logging
from dataclasses import dataclass

from spot_optimizer.application.ports.decision_engine import DecisionEngine, EngineInService
from spot_optimizer.domain.decisions import rule_based
from spot_optimizer.domain.decisions.contract import Decision, DecisionInput, violations

logger = logging.getLogger(__name__)


class EngineFailed(Exception):
    """The engine raised; its words are for the event log."""


@dataclass(frozen=True, slots=True)
class AskEngine:
    """An engine's answer, or that of the rules in place of an unusable one.

    Raises:
        EngineFailed: the engine raised an exception.
    """

    engines: EngineInService

    @property
    def engine(self) -> DecisionEngine | None:
        return self.engines.current

    def __call__(self, engine: DecisionEngine, question: DecisionInput) -> Decision:
        try:
            decision = engine.decide(question)
        except Exception as error:  # an engine may be anybody's code
            raise EngineFailed(str(error) or type(error).__name__) from error
        broken = violations(decision)
        if not broken:
            return decision
        logger.warning("%s broke the contract: %s", engine.identity.name, "; ".join(broken))
        return rule_based.decide(question)
