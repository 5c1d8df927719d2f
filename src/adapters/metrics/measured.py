"""Use cases with a look at what they answer. They do not know of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from spot_optimizer.adapters.metrics.instruments import Instruments
from spot_optimizer.application.decisions.decide import Advised, Decide, Situation
from spot_optimizer.application.interruptions.ensure_emergency_replica import (
    EmergencyAnswer,
    EnsureEmergencyReplica,
    ReceivedEmergency,
)
from spot_optimizer.application.interruptions.fail_over import FailOver
from spot_optimizer.application.interruptions.failover import FailedOver
from spot_optimizer.application.interruptions.termination_notices import (
    AlreadyMoved,
    Answer,
    NobodyReady,
    ReceivedNotice,
)
from spot_optimizer.domain.decisions.answers import AGENT_DISABLED, ENGINE_UNAVAILABLE, Advice
from spot_optimizer.domain.decisions.policy import Gate
from spot_optimizer.domain.errors import DomainError
from spot_optimizer.domain.interruptions import SignalType
from spot_optimizer.domain.journal import SystemEvent

_REASONS: Final[Mapping[str, str]] = {
    AGENT_DISABLED: "agent_disabled",
    ENGINE_UNAVAILABLE: "engine_unavailable",
    **{gate.value: gate.name.lower() for gate in Gate},
}


@dataclass(frozen=True, slots=True)
class MeasuredDecide:
    decide: Decide
    instruments: Instruments

    def __call__(self, situations: Sequence[Situation]) -> Sequence[Advised]:
        began = perf_counter()
        answers = self.decide(situations)
        self.instruments.decision_seconds.observe(perf_counter() - began)
        for answer in answers:
            advice = answer.advice
            self.instruments.decisions.labels(advice.action.value, reason_of(advice)).inc()
        return answers


def reason_of(advice: Advice) -> str:
    """Why somebody may move or not, in few words: those of an engine hold figures."""
    if advice.allowed:
        return "allowed"
    return _REASONS.get(advice.reason, "engine_says_stay")


@dataclass(frozen=True, slots=True)
class MeasuredFailOver:
    fail_over: FailOver
    instruments: Instruments

    def __call__(self, received: Sequence[ReceivedNotice]) -> Sequence[Answer | DomainError]:
        began = perf_counter()
        answers = self.fail_over(received)
        took_s = perf_counter() - began
        for answer in answers:
            self.instruments.notice_seconds.observe(took_s)
            self.instruments.signals.labels(SignalType.TERMINATION_NOTICE.value).inc()
            if isinstance(answer, FailedOver):
                self.instruments.failover_seconds.observe(answer.took_ms / 1000)
            self.instruments.answers.labels(_outcome_of(answer)).inc()
        return answers


def _outcome_of(answer: Answer | DomainError) -> str:
    match answer:
        case FailedOver():
            return "failed_over"
        case AlreadyMoved():
            return "already_moved"
        case NobodyReady():
            return "nobody_ready"
        case _:
            return "refused"


@dataclass(frozen=True, slots=True)
class MeasuredEmergencies:
    ensure: EnsureEmergencyReplica
    instruments: Instruments

    def __call__(
        self, received: Sequence[ReceivedEmergency]
    ) -> Sequence[EmergencyAnswer | DomainError]:
        for one in received:
            self.instruments.signals.labels(one.wanted.signal_type.value).inc()
        return self.ensure(received)


@dataclass(frozen=True, slots=True)
class CommittedEvents:
    """Counts what the event log has got."""

    instruments: Instruments

    def __call__(self, events: Iterable[SystemEvent]) -> None:
        for event in events:
            self.instruments.events.labels(event.event_type, event.severity.value).inc()
            if event.event_type == "switch_completed":
                self.instruments.switches.inc()
            elif event.event_type == "interruption_signal" and event.metadata is not None:
                signal = SignalType(str(event.metadata["signal_type"]))
                self.instruments.signals.labels(signal.value).inc()


def job_outcomes(instruments: Instruments) -> Callable[[str, str, float], None]:
    """For a timetable: the job, what became of it, and how many seconds it took."""

    def ended(job: str, outcome: str, seconds: float) -> None:
        instruments.job_runs.labels(job, outcome).inc()
        instruments.job_seconds.labels(job).observe(seconds)

    return ended
