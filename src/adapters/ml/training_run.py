"""One training: what is held back to measure on, what comes out, and the card that says both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import numpy

from spot_optimizer.adapters.ml import measuring
from spot_optimizer.adapters.ml.feature_matrix import Floats
from spot_optimizer.adapters.ml.placement_model import (
    PRICE_FEATURES,
    PRICE_HOURS,
    PlacementModel,
)
from spot_optimizer.adapters.ml.training import (
    RISK_HOURS,
    Estimators,
    Recording,
    Report,
    Samples,
    fitted,
    joined,
    linear_of_moves,
    linear_of_risk,
    price_samples,
    risk_samples,
)
from spot_optimizer.domain.placement.count_table import CountTable
from spot_optimizer.domain.placement.features import FEATURES

LEARNT_SHARE: Final = 2 / 3
"""Of the time of each recording; the model is measured on the rest, then made from all of it."""

_HOUR_S: Final = 3600.0


@dataclass(frozen=True, eq=False)
class Trained:
    model: PlacementModel
    estimators: Estimators
    counts: CountTable


def train(recordings: Sequence[Recording], report: Report) -> Trained:
    """Raises:
    TooLittleToLearn: the recordings hold too few losses, or too short prices.
    """
    report("features")
    risks = {hours: [risk_samples(one, hours) for one in recordings] for hours in RISK_HOURS}
    moves = {hours: [price_samples(one, hours) for one in recordings] for hours in PRICE_HOURS}
    ends = [one.times[0] + LEARNT_SHARE * (one.times[-1] - one.times[0]) for one in recordings]

    def early(samples: Sequence[Samples], hours: int) -> Sequence[Samples]:
        """Whose answers were known before the end."""
        return [
            _where(part, part.asked_at + hours * _HOUR_S < end)
            for part, end in zip(samples, ends, strict=True)
        ]

    def late(samples: Sequence[Samples]) -> Sequence[Samples]:
        return [_where(part, part.asked_at >= end) for part, end in zip(samples, ends, strict=True)]

    trial = fitted(
        {hours: joined(early(parts, hours), len(FEATURES)) for hours, parts in risks.items()},
        {hours: joined(early(parts, hours), len(PRICE_FEATURES)) for hours, parts in moves.items()},
        lambda step: report(f"to measure: {step}"),
    )
    metrics = {
        **{
            f"risk_{hours}h": measuring.of_risk(
                trial.risks[hours], joined(late(parts), len(FEATURES))
            )
            for hours, parts in risks.items()
        },
        **{
            f"price_{hours}h": measuring.of_moves(
                trial.moves[hours], joined(late(parts), len(PRICE_FEATURES))
            )
            for hours, parts in moves.items()
        },
    }
    every_risk = {hours: joined(parts, len(FEATURES)) for hours, parts in risks.items()}
    every_move = {hours: joined(parts, len(PRICE_FEATURES)) for hours, parts in moves.items()}
    final = fitted(every_risk, every_move, report)
    card = {
        "data": _described(recordings),
        "data_sha256": _digest([*every_risk.values(), *every_move.values()]),
        "features": list(FEATURES),
        "price_features": list(PRICE_FEATURES),
        "learnt_share": LEARNT_SHARE,
        "features_chosen_within": LEARNT_SHARE,
        "samples": {
            **{f"risk_{hours}h": len(part.answers) for hours, part in every_risk.items()},
            **{f"price_{hours}h": len(part.answers) for hours, part in every_move.items()},
        },
        "metrics_on_later_time": metrics,
    }
    return Trained(model_of(final, card), final, counted(every_risk))


def model_of(estimators: Estimators, card: dict[str, object]) -> PlacementModel:
    """The same as plain figures."""
    moves = {}
    for hours, regressors in estimators.moves.items():
        low, median, high = (linear_of_moves(one) for one in regressors)
        moves[hours] = (low, median, high)
    near, far = (linear_of_risk(estimators.risks[hours], hours) for hours in RISK_HOURS)
    return PlacementModel(near, far, moves, card)


def counted(risks: dict[int, Samples]) -> CountTable:
    """What to go by where no model can be read."""
    return CountTable.of(
        (tuple(row), [bool(lost) if hours == asked else None for asked in RISK_HOURS])
        for hours, samples in risks.items()
        for row, lost in zip(samples.figures.tolist(), samples.answers, strict=True)
    )


def _where(samples: Samples, kept: Floats) -> Samples:
    return Samples(samples.figures[kept], samples.answers[kept], samples.asked_at[kept])


def _described(recordings: Sequence[Recording]) -> list[dict[str, object]]:
    """Those that tell of the same period in the same way in one entry."""
    entries: dict[tuple[str, str, int, tuple[str, ...]], list[str]] = {}
    for one in recordings:
        tells = [
            word for word, told in (("up", one.up), ("prices", one.prices)) if told is not None
        ]
        period = _iso(one.times[0]), _iso(one.times[-1]), len(one.times), tuple(tells)
        entries.setdefault(period, []).append(one.name)
    return [
        {"names": names, "from": start, "to": end, "steps": steps, "tells": list(tells)}
        for (start, end, steps, tells), names in entries.items()
    ]


def _iso(at: float) -> str:
    return datetime.fromtimestamp(float(at), UTC).isoformat()


def _digest(samples: Sequence[Samples]) -> str:
    digest = sha256()
    for part in samples:
        for figures in (part.figures, part.answers, part.asked_at):
            digest.update(numpy.ascontiguousarray(figures).tobytes())
    return digest.hexdigest()
