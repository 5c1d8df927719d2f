"""The engines that there are."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from threading import Thread
from typing import Final

from spot_optimizer.adapters.ml.predictors import Predictor
from spot_optimizer.application.ports.decision_engine import EngineIdentity
from spot_optimizer.domain.decisions import model_based, placement_based, rule_based
from spot_optimizer.domain.decisions.contract import TIME_TO_DECIDE, Decision, DecisionInput
from spot_optimizer.domain.decisions.features import features_of
from spot_optimizer.domain.decisions.model_based import Predictions, Role
from spot_optimizer.domain.placement.forecasts import RiskModel

logger = logging.getLogger(__name__)

# While more calls than this have not come back in time, the models are not asked.
_MOST_LATE: Final = 4


@dataclass(frozen=True, slots=True)
class RuleBasedDecisionEngine:
    """The four rules as an engine. Without models the model-based one is the same."""

    identity: EngineIdentity

    def decide(self, question: DecisionInput) -> Decision:
        return rule_based.decide(
            question, missing_spot_price_is_free=self.identity.missing_spot_price_is_free
        )


@dataclass(frozen=True, slots=True)
class PlacementEngine:
    """Weighs what every place comes to; where there is nothing to compare, the four rules."""

    identity: EngineIdentity
    model: RiskModel | None

    def decide(self, question: DecisionInput) -> Decision:
        decision = placement_based.decide(question, self.model)
        return rule_based.decide(question) if decision is None else decision


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
        self._late: frozenset[Future[Predictions]] = frozenset()

    def decide(self, question: DecisionInput) -> Decision:
        self._late = frozenset(call for call in self._late if not call.done())
        if len(self._late) > _MOST_LATE:
            return self._rules.decide(question)
        call = self._asked(features_of(question))
        try:
            predictions = call.result(self._time_limit_s)
        except TooSlow:
            self._late |= {call}
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

    def _asked(self, features: tuple[float, ...]) -> Future[Predictions]:
        """By a thread that keeps no process from ending."""
        call: Future[Predictions] = Future()

        def ask() -> None:
            try:
                given = {role: predict(features) for role, predict in self._predictors.items()}
                figures = Predictions(risk=given.get(Role.RISK), price=given.get(Role.PRICE))
            except BaseException as error:
                call.set_exception(error)
            else:
                call.set_result(figures)

        Thread(target=ask, name="models", daemon=True).start()
        return call
