"""The engines that there are."""

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from typing import Final

from spot_optimizer.adapters.ml.predictors import Predictor
from spot_optimizer.application.ports.decision_engine import EngineIdentity
from spot_optimizer.domain.decisions import model_based, rule_based
from spot_optimizer.domain.decisions.contract import TIME_TO_DECIDE, Decision, DecisionInput
from spot_optimizer.domain.decisions.features import features_of
from spot_optimizer.domain.decisions.model_based import Predictions, Role

logger = logging.getLogger(__name__)

# More calls than this that never came back, and the models are not asked any more.
_MOST_LOST: Final = 4


@dataclass(frozen=True, slots=True)
class RuleBasedDecisionEngine:
    """The four rules as an engine. Without models the model-based one is the same."""

    identity: EngineIdentity

    def decide(self, question: DecisionInput) -> Decision:
        return rule_based.decide(
            question, missing_spot_price_is_free=self.identity.missing_spot_price_is_free
        )


class ModelBackedEngine:
    """Asks models, and falls back to the rules when one fails, takes longer than TIME_TO_DECIDE or
    gives a figure that cannot be."""

    def __init__(
        self,
        rules: RuleBasedDecisionEngine,
        predictors: Mapping[Role, Predictor],
        time_limit_s: float = TIME_TO_DECIDE.total_seconds(),
    ) -> None:
        self.identity: Final = rules.identity
        self._rules = rules
        self._predictors = predictors
        self._time_limit_s = time_limit_s
        self._threads = ThreadPoolExecutor(_MOST_LOST + 1, thread_name_prefix="models")
        self._lost = 0

    def decide(self, question: DecisionInput) -> Decision:
        if self._lost > _MOST_LOST:
            return self._rules.decide(question)
        try:
            predictions = self._predictions(features_of(question))
        except TooSlow:
            self._lost += 1
            logger.warning("the models took longer than %s s", self._time_limit_s)
        except Exception as error:  # a model may fail in any way
            logger.warning("the models failed: %s", error)
        else:
            return model_based.decide(
                question,
                predictions,
                missing_spot_price_is_free=self.identity.missing_spot_price_is_free,
            )
        return self._rules.decide(question)

    def _predictions(self, features: tuple[float, ...]) -> Predictions:
        return self._threads.submit(self._asked, features).result(self._time_limit_s)

    def _asked(self, features: tuple[float, ...]) -> Predictions:
        figures = {role: predict(features) for role, predict in self._predictors.items()}
        return Predictions(risk=figures.get(Role.RISK), price=figures.get(Role.PRICE))
