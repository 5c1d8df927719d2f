"""Counting instead of a model: how often pools were lost that had been up for so long."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import expm1, isnan
from typing import Final

from spot_optimizer.backtest.forecasts import HORIZONS_H, Labelled
from spot_optimizer.domain.placement.features import FEATURES, Vector
from spot_optimizer.domain.placement.outlook import Risk, risk_of_band

_AGE: Final = FEATURES.index("log_hours_up")
_AGES_H: Final = (0.5, 1.0, 3.0, 6.0, 12.0, 24.0, 72.0)
_PRIOR_WEIGHT: Final = 5.0
"""The advisor's band counts for so many observations."""


@dataclass(frozen=True, slots=True)
class CountTable:
    """By age: (observations, lost within 1 h, lost within 6 h)."""

    rows: tuple[tuple[float, float, float], ...] = ((0.0, 0.0, 0.0),) * (len(_AGES_H) + 2)

    @classmethod
    def of(cls, past: Sequence[Labelled]) -> "CountTable":
        counts = [[0.0, 0.0, 0.0] for _ in range(len(_AGES_H) + 2)]
        for one in past:
            row = counts[_row(one.features)]
            row[0] += 1
            for column, came in enumerate(one.came, start=1):
                row[column] += came
        return cls(tuple((row[0], row[1], row[2]) for row in counts))

    def risk(self, features: Vector, band: int) -> Risk:
        n, *lost = self.rows[_row(features)]
        said = [
            (count + _PRIOR_WEIGHT * risk_of_band(band, hours)) / (n + _PRIOR_WEIGHT)
            for count, hours in zip(lost, HORIZONS_H, strict=True)
        ]
        return Risk(said[0], said[1])


def _row(features: Vector) -> int:
    age = features[_AGE]
    if isnan(age):
        return len(_AGES_H) + 1
    return bisect_right(_AGES_H, expm1(age))
