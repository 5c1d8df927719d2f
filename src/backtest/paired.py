"""How sure a mean difference is."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy

_RESAMPLES: Final = 4000
_SEED: Final = 1
_OUTSIDE_PERCENT: Final = 5.0


class Interval(NamedTuple):
    mean: float
    low: float
    high: float


def paired_interval(differences: Sequence[float]) -> Interval:
    """The mean with its 95 % percentile interval, from 4000 resamples of the pairs (Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13); the same for the same pairs."""
    values = numpy.asarray(differences, float)
    chance = numpy.random.default_rng(_SEED)
    drawn = chance.integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = numpy.percentile(
        values[drawn].mean(axis=1), [_OUTSIDE_PERCENT / 2, 100 - _OUTSIDE_PERCENT / 2]
    )
    return Interval(float(values.mean()), float(low), float(high))
