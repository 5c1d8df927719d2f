from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from spot_optimizer.application.decisions.questions import AskEngine
from spot_optimizer.application.ports.decision_engine import (
    DecisionEngine,
    EngineIdentity,
    FormerEngines,
)
from spot_optimizer.domain.decisions.answers import Advice
from spot_optimizer.domain.decisions.contract import Decision
from spot_optimizer.domain.decisions.record import Flight
from spot_optimizer.domain.errors import NotFound


class DecisionNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("There is no such decision, or nothing that it was made of")


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    engine: EngineIdentity
    flight: Flight
    scores: Mapping[str, float]
    output: bytes
    """What came out, in the one form that equal outputs share."""


class DecisionRecords(Protocol):
    def recorded(self, decision_id: int) -> RecordedDecision:
        """Raises:
        DecisionNotFound: it is not on record with all that it was made of.
        """
        ...

    def output_of(self, decision: Decision, advice: Advice) -> bytes:
        """In the form of `RecordedDecision.output`."""
        ...


@dataclass(frozen=True, slots=True)
class Replayed:
    output: bytes
    recorded: bytes

    @property
    def is_same(self) -> bool:
        return self.output == self.recorded


@dataclass(frozen=True, slots=True)
class _One:
    current: DecisionEngine | None


@dataclass(frozen=True, slots=True)
class ReplayDecision:
    """A decision is made again: the same engine, with the same models, is asked the same question.

    Where models had failed and the rules stood in for them, the rules are asked.

    Raises:
        DecisionNotFound: it is not on record with all that it was made of.
        EngineNotLoaded: its engine or models are not there any more.
    """

    records: DecisionRecords
    engines: FormerEngines

    def __call__(self, decision_id: int) -> Replayed:
        recorded = self.records.recorded(decision_id)
        engine = self.engines.rebuild(recorded.engine, with_models=bool(recorded.scores))
        decision = AskEngine(_One(engine))(engine, recorded.flight.question)
        advice = recorded.flight.advice_on(decision)
        return Replayed(self.records.output_of(decision, advice), recorded.output)
