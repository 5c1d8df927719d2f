"""Which decision engine answers (contract/admin-ml-and-jobs.md 3.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from spot_optimizer.application.ports.decision_engine import DecisionEngine, EngineIdentity
from spot_optimizer.domain.decisions import rule_based
from spot_optimizer.domain.decisions.contract import Decision, DecisionInput

_VERSION: Final = "1.0.0"
ML_BASED: Final = "MLBasedDecisionEngine"
RULE_BASED: Final = "RuleBasedEngine"

# By the names under which the former server imported them; nothing else is ever imported.
_ENGINES: Final[Mapping[tuple[str, str], str]] = {
    ("decision_engines.ml_based_engine", ML_BASED): ML_BASED,
    ("decision_engines.ml_based_engine", "MLBasedEngine"): ML_BASED,
    ("decision_engines.rule_based_engine", RULE_BASED): RULE_BASED,
}


@dataclass(frozen=True, slots=True)
class RuleBasedDecisionEngine:
    """The four rules as an engine. Without models the model-based one is the same."""

    identity: EngineIdentity
    missing_spot_price_is_free: bool = False

    def decide(self, question: DecisionInput) -> Decision:
        return rule_based.decide(
            question, missing_spot_price_is_free=self.missing_spot_price_is_free
        )


@dataclass(frozen=True, slots=True)
class LoadedEngine:
    """The engine that the settings name; another name than ours loads none."""

    module: str
    class_name: str
    missing_spot_price_is_free: bool = False

    @property
    def current(self) -> DecisionEngine | None:
        name = _ENGINES.get((self.module, self.class_name))
        if name is None:
            return None
        return RuleBasedDecisionEngine(
            EngineIdentity(name=name, version=_VERSION), self.missing_spot_price_is_free
        )
