"""Models against models, on stretches of time that none of them has seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy

from spot_optimizer.backtest.forecasts import Labelled, answered, counted, labelled
from spot_optimizer.backtest.made_up import made_up_markets
from spot_optimizer.backtest.paired import paired_interval
from spot_optimizer.backtest.placing import MarketSeen, Models, PlacementDecider
from spot_optimizer.backtest.profiles import HEAVY, LIGHT
from spot_optimizer.backtest.replaying import Replay
from spot_optimizer.backtest.traces import Trace
from spot_optimizer.domain.models.gate import Comparison, Drift, Evidence, Figure, Rival, Verdict
from spot_optimizer.domain.placement.count_table import CountTable
from spot_optimizer.domain.placement.forecasts import RiskModel

FEWEST_STRETCHES: Final = 20
"""On fewer, the server's record is not judged on."""
_MOST_STRETCHES: Final = 40
"""About a minute of computing: a server knows of many more types than tell much of risk."""
FEWEST_LOSSES: Final = 20
"""With fewer of them on record there is nothing to learn risk from."""
_STRETCH_S: Final = 2 * 86400
_LIVE_STRETCH_S: Final = 86400
_BRIER: Final = (Figure.BRIER_1H, Figure.BRIER_6H)


@dataclass(frozen=True, slots=True)
class _Measured:
    """Of one stretch: cost with downtime in percent of on demand, and squared errors."""

    cost: float
    errors: tuple[float, ...] | None
    """The mean of each horizon; None where nothing was asked."""


def judged(
    candidate: Models,
    champion: Models | None,
    recorded: Sequence[Trace],
    scenarios: Callable[[], Sequence[Trace]] = made_up_markets,
) -> Verdict:
    """On the record where it holds enough that both were not made of, else on the scenarios. A
    champion of None is none but counting."""
    evidence, held_out = evidence_for(candidate, champion, recorded, scenarios)
    courses = [_Course.of(trace) for trace in held_out]
    rivals = {Rival.COUNT_TABLE: Models(risk=counted(_past(held_out)))}
    if champion is not None:
        rivals = {Rival.CHAMPION: champion, **rivals}
    ours = _measured(candidate, courses)
    comparisons = [
        comparison
        for rival, models in rivals.items()
        for comparison in _compared(rival, ours, _measured(models, courses))
    ]
    return Verdict(evidence=evidence, stretches=len(ours), comparisons=comparisons)


def evidence_for(
    candidate: Models,
    champion: Models | None,
    recorded: Sequence[Trace],
    scenarios: Callable[[], Sequence[Trace]],
) -> tuple[Evidence, Sequence[Trace]]:
    """What both have not seen: the record where it holds enough of that, else the scenarios."""
    held_out = _held_out(recorded, candidate, champion)
    if is_enough(held_out):
        return Evidence.RECORD, _most_telling(held_out)
    return Evidence.SCENARIOS, scenarios()


def _most_telling(traces: Sequence[Trace]) -> Sequence[Trace]:
    """Those with the most losses in the judged time, as many as a trial has time for."""
    chosen: list[Trace] = []
    stretches = 0
    for trace in sorted(traces, key=lambda one: (-_losses_judged(one), one.agent)):
        stretches += len(_beginnings(trace))
        if chosen and stretches > _MOST_STRETCHES:
            break
        chosen.append(trace)
    return chosen


def _losses_judged(trace: Trace) -> int:
    if trace.start >= trace.ticks:
        return 0
    return int((trace.drops_until[-1] - trace.drops_until[trace.start]).sum())


def _held_out(
    recorded: Sequence[Trace], candidate: Models, champion: Models | None
) -> Sequence[Trace]:
    """What was on record before a model was made counts as history. A model that does not say what
    it was made of may have seen everything."""
    if candidate.made_until is None:
        return ()
    until = max(candidate.made_until, (champion and champion.made_until) or 0.0)
    return [
        replace(trace, start=max(trace.start, int(numpy.searchsorted(trace.times, until))))
        for trace in recorded
    ]


def is_enough(recorded: Sequence[Trace]) -> bool:
    """Enough stretches, and enough losses before them and in them."""
    stretches = sum(len(_beginnings(trace)) for trace in recorded)
    losses = sum(int(trace.drops_until[-1].sum()) for trace in recorded)
    return stretches >= FEWEST_STRETCHES and losses >= FEWEST_LOSSES


def drift(live: Models, recorded: Sequence[Trace], since: float) -> Drift | None:
    """How the models did from `since` on (seconds since 1970) against counting what was known
    before; None with fewer than FEWEST_LOSSES forecasts of a loss that came."""
    model: RiskModel = live.risk or CountTable()
    counting = counted(_past(recorded, since))
    differences: list[float] = []
    questions: list[Labelled] = []
    for trace in recorded:
        first = int(numpy.searchsorted(trace.times, since))
        asked = labelled(trace, first=first, last=trace.ticks)
        questions += asked
        for part in _by_stretch(asked, first, int(_LIVE_STRETCH_S / trace.tick_s)).values():
            differences.append(_errors(model, part)[-1] - _errors(counting, part)[-1])
    if sum(one.came[-1] for one in questions) < FEWEST_LOSSES:
        return None
    found = paired_interval(differences)
    return Drift(n=len(questions), difference=found.mean, low=found.low)


def _errors(model: RiskModel, questions: Sequence[Labelled]) -> tuple[float, ...]:
    return tuple(
        float(((one.probabilities - one.came) ** 2).mean())
        for one in answered("", model, "", questions)
    )


def _past(traces: Sequence[Trace], until: float | None = None) -> Sequence[Labelled]:
    """What was known before the judged time."""
    return [
        one
        for trace in traces
        for one in labelled(
            trace,
            first=0,
            last=trace.start if until is None else int(numpy.searchsorted(trace.times, until)),
        )
    ]


@dataclass(frozen=True, slots=True)
class _Course:
    """A trace in stretches of two days, whole ones only: what happens in one says little of
    another. Each is a trace of its own, with all that came before it as history."""

    trace: Trace
    parts: Sequence[tuple[Trace, Sequence[Labelled]]]

    @classmethod
    def of(cls, trace: Trace) -> "_Course":
        length = int(_STRETCH_S / trace.tick_s)
        asked = labelled(trace, first=trace.start, last=trace.ticks)
        questions = _by_stretch(asked, trace.start, length)
        return cls(
            trace,
            [
                (trace.until_tick(begin + length, begin), questions.get(number, ()))
                for number, begin in enumerate(_beginnings(trace))
            ],
        )


def _beginnings(trace: Trace) -> Sequence[int]:
    length = int(_STRETCH_S / trace.tick_s)
    return range(trace.start, trace.ticks - length + 1, length)


def _by_stretch(
    questions: Sequence[Labelled], first: int, length: int
) -> Mapping[int, Sequence[Labelled]]:
    found: dict[int, list[Labelled]] = {}
    for one in questions:
        found.setdefault((one.tick - first) // length, []).append(one)
    return found


def _measured(models: Models, courses: Sequence[_Course]) -> Sequence[_Measured]:
    return [one for course in courses for one in _of_course(models, course)]


def _of_course(models: Models, course: _Course) -> Sequence[_Measured]:
    market = MarketSeen(course.trace, models)
    measured = []
    for part, questions in course.parts:
        bills = [
            Replay(part, profile, PlacementDecider(market)).run() for profile in (LIGHT, HEAVY)
        ]
        cost = sum(bill.objective / bill.on_demand_cost for bill in bills) / len(bills) * 100
        errors = _errors(models.risk or CountTable(), questions) if questions else None
        measured.append(_Measured(cost, errors))
    return measured


def _compared(
    rival: Rival, ours: Sequence[_Measured], theirs: Sequence[_Measured]
) -> Sequence[Comparison]:
    pairs = list(zip(ours, theirs, strict=True))
    differences: Mapping[Figure, list[float]] = {
        Figure.COST: [one.cost - other.cost for one, other in pairs],
        **{
            figure: [
                one.errors[number] - other.errors[number]
                for one, other in pairs
                if one.errors is not None and other.errors is not None
            ]
            for number, figure in enumerate(_BRIER)
        },
    }
    return [_comparison(figure, rival, values) for figure, values in differences.items() if values]


def _comparison(figure: Figure, rival: Rival, differences: Sequence[float]) -> Comparison:
    mean, low, high = paired_interval(differences)
    return Comparison(figure=figure, rival=rival, difference=mean, low=low, high=high)
