"""How good probabilities are: of a reclaim within some hours, against what then happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy

from spot_optimizer.backtest.traces import Figures, Flags, Trace
from spot_optimizer.domain.placement.count_table import HORIZONS_H, CountTable
from spot_optimizer.domain.placement.features import Vector, features_of
from spot_optimizer.domain.placement.forecasts import RiskModel
from spot_optimizer.domain.placement.history import UpHistory

BINS: Final = 10
_ASKED_EVERY_S: Final = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One model's probabilities on one trace, and whether the reclaim came."""

    model: str
    track: str
    horizon_h: int
    probabilities: Figures
    came: Flags


class Labelled(NamedTuple):
    """A pool that was up at a tick, and what became of it within each horizon."""

    tick: int
    features: Vector
    band: int
    came: tuple[bool, ...]


def labelled(trace: Trace, *, first: int, last: int) -> Sequence[Labelled]:
    """Every half hour from the tick `first` to before `last`, every pool that is up; those whose
    horizons end after `last` are left out."""
    every = max(1, round(_ASKED_EVERY_S / trace.tick_s))
    ahead = [round(hours * 3600 / trace.tick_s) for hours in HORIZONS_H]
    histories = [UpHistory() for _ in trace.pools]
    bands: list[int] = trace.bands.tolist()
    ups = trace.ups_before
    found = []
    for tick in range(min(last, trace.ticks) - max(ahead)):
        now = float(trace.second_of[tick])
        for history, is_up in zip(histories, trace.up_rows[tick], strict=True):
            history.observe(now, is_up)
        if tick < first or (tick - first) % every:
            continue
        for pool, vector in enumerate(features_of(histories, now)):
            if trace.up_rows[tick][pool]:
                came = tuple(
                    bool(ups[tick + 1 + length, pool] - ups[tick + 1, pool] < length)
                    for length in ahead
                )
                found.append(Labelled(tick, vector, bands[pool], came))
    return found


def counted(past: Sequence[Labelled]) -> CountTable:
    return CountTable.of((one.features, one.came) for one in past)


def asked(name: str, model: RiskModel, trace: Trace) -> Sequence[Forecast]:
    """The model's risks of all pools that are up, every half hour of the judged time."""
    questions = labelled(trace, first=trace.start, last=trace.ticks)
    return answered(name, model, trace.track, questions)


def answered(
    name: str, model: RiskModel, track: str, questions: Sequence[Labelled]
) -> Sequence[Forecast]:
    """What the model says to these questions, one forecast for each horizon."""
    risks = [model.risk(one.features, one.band) for one in questions]
    said = ([risk.within_1h for risk in risks], [risk.within_6h for risk in risks])
    return [
        Forecast(
            model=name,
            track=track,
            horizon_h=hours,
            probabilities=numpy.array(said[column], float),
            came=numpy.array([one.came[column] for one in questions], bool),
        )
        for column, hours in enumerate(HORIZONS_H)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Of all forecasts of one model and horizon. NaN where nothing can be said."""

    model: str
    track: str
    horizon_h: int
    n: int
    base_rate: float
    brier: float
    brier_skill: float
    """Over always saying the base rate."""
    calibration_error: float
    """Mean distance of said and come in ten bins of equal width, weighted by n."""
    auc: float


@dataclass(frozen=True, slots=True)
class Bin:
    said: float
    came: float
    n: int


def joined(forecasts: Sequence[Forecast]) -> Sequence[Forecast]:
    """One for each track, model and horizon, over all traces; none where nothing was asked."""
    groups: dict[tuple[str, str, int], list[Forecast]] = {}
    for one in forecasts:
        if not len(one.came):
            continue
        groups.setdefault((one.track, one.model, one.horizon_h), []).append(one)
    return [
        Forecast(
            model=model,
            track=track,
            horizon_h=hours,
            probabilities=numpy.concatenate([one.probabilities for one in group]),
            came=numpy.concatenate([one.came for one in group]),
        )
        for (track, model, hours), group in groups.items()
    ]


def score(forecast: Forecast) -> Score:
    said, came = forecast.probabilities, forecast.came
    n = len(said)
    rate = float(came.mean()) if n else float("nan")
    brier = float(((said - came) ** 2).mean()) if n else float("nan")
    blind = rate * (1 - rate)
    bins = reliability(forecast)
    return Score(
        model=forecast.model,
        track=forecast.track,
        horizon_h=forecast.horizon_h,
        n=n,
        base_rate=rate,
        brier=brier,
        brier_skill=1 - brier / blind if blind else float("nan"),
        calibration_error=sum(abs(one.said - one.came) * one.n for one in bins) / max(n, 1),
        auc=_auc(forecast),
    )


def reliability(forecast: Forecast) -> Sequence[Bin]:
    """What was said and what came, in those of ten bins of equal width that hold something."""
    index = numpy.minimum((forecast.probabilities * BINS).astype(int), BINS - 1)
    bins = []
    for number in range(BINS):
        chosen = index == number
        if n := int(chosen.sum()):
            said, came = forecast.probabilities[chosen], forecast.came[chosen]
            bins.append(Bin(float(said.mean()), float(came.mean()), n))
    return bins


def roc(forecast: Forecast) -> tuple[Figures, Figures]:
    """False and true positive rates, from (0, 0) to (1, 1), one point per probability said."""
    order = numpy.argsort(-forecast.probabilities, kind="stable")
    said, came = forecast.probabilities[order], forecast.came[order]
    ends = numpy.append(numpy.flatnonzero(numpy.diff(said)), len(said) - 1)
    true, false = numpy.cumsum(came)[ends], numpy.cumsum(~came)[ends]
    return (
        numpy.append(0.0, false / max(1, int((~came).sum()))),
        numpy.append(0.0, true / max(1, int(came.sum()))),
    )


def _auc(forecast: Forecast) -> float:
    if forecast.came.all() or not forecast.came.any():
        return float("nan")
    false, true = roc(forecast)
    return float(numpy.trapezoid(true, false))
