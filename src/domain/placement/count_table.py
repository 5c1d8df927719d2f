"""Counting instead of a model: how often pools that last about as long were lost at this age."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, expm1, isnan
from typing import Final, TypeAlias

from spot_optimizer.domain.placement.features import FEATURES, Vector
from spot_optimizer.domain.placement.outlook import Risk, risk_of_band

HORIZONS_H: Final = (1, 6)

Cell: TypeAlias = tuple[float, float, float, float]
"""Observations of the next hour and how many of them ended in a loss, and of the next six."""

_AGE: Final = FEATURES.index("log_hours_up")
_LASTS: Final = FEATURES.index("log_hours_per_drop_72h")
_AGES_H: Final = (0.5, 1.0, 3.0, 6.0, 12.0, 24.0, 72.0)
_LASTS_H: Final = (2.0, 4.0, 8.0, 24.0)
_AGES: Final = len(_AGES_H) + 2
CELLS: Final = _AGES * (len(_LASTS_H) + 2)
"""One age after the other for each kind of pool; what is not known is the last of either."""

_PRIOR_WEIGHT: Final = 5.0
"""The advisor's band counts for so many observations of an age, and all pools of that age for so
many of one kind of pool."""
_NOTHING: Final[Cell] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class CountTable:
    """Pool x age: pools are told apart by how long they last between two drops, so that it says
    something of pools that it has not seen."""

    cells: tuple[Cell, ...] = (_NOTHING,) * CELLS

    @classmethod
    def of(cls, seen: Iterable[tuple[Vector, Sequence[bool | None]]]) -> "CountTable":
        """From features, and whether the pool was lost within each of HORIZONS_H; None: not
        known."""
        counts = [[0.0] * 4 for _ in range(CELLS)]
        for features, came in seen:
            cell = counts[_row(features)]
            for number, lost in enumerate(came):
                if lost is not None:
                    cell[2 * number] += 1
                    cell[2 * number + 1] += lost
        return cls(tuple((cell[0], cell[1], cell[2], cell[3]) for cell in counts))

    def risk(self, features: Vector, band: int) -> Risk:
        row = _row(features)
        cell, all_pools = self.cells[row], self.cells[row % _AGES :: _AGES]
        said = []
        for number, hours in enumerate(HORIZONS_H):
            n = sum(one[2 * number] for one in all_pools)
            lost = sum(one[2 * number + 1] for one in all_pools)
            of_age = _between(risk_of_band(band, hours), lost, n)
            said.append(_between(of_age, cell[2 * number + 1], cell[2 * number]))
        return Risk(said[0], max(said))


def _between(prior: float, lost: float, n: float) -> float:
    return (lost + _PRIOR_WEIGHT * prior) / (n + _PRIOR_WEIGHT)


def _row(features: Vector) -> int:
    age, lasts = features[_AGE], features[_LASTS]
    of_age = len(_AGES_H) + 1 if isnan(age) else bisect_right(_AGES_H, expm1(age))
    kind = len(_LASTS_H) + 1 if isnan(lasts) else bisect_right(_LASTS_H, exp(lasts))
    return kind * _AGES + of_age
