"""How long a pool is expected to stay up, from what is thought of its next hours."""

from math import exp, expm1, log1p
from typing import Final, NamedTuple

from spot_optimizer.domain.placement.outlook import Risk

_NEAR_H: Final = 1.0
_FAR_H: Final = 6.0
_TAIL: Final = 0.5
"""Beyond six hours the hazard is this share of its mean before that: it falls with age. Chosen on
recorded launch probes, where anything from 0.4 to 0.8 does about as well."""

_CERTAIN: Final = 0.9999
_HARDLY_ANY: Final = 1e-9


class UpTime(NamedTuple):
    hours: float
    """Expected before a reclaim, within the horizon."""
    risk: float
    """Probability of a reclaim within the horizon."""


def up_time(risk: Risk, horizon_h: float, caution: float = 1.0) -> UpTime:
    """Over so many hours at one hazard up to 1 h, one from 1 to 6 h, and one beyond; `caution`
    multiplies them. More risk within either time never means more time up."""
    within_1h = _cumulative_hazard(risk.within_1h)
    within_6h = max(_cumulative_hazard(risk.within_6h), within_1h)
    hours, alive = 0.0, 1.0
    for start, end, hazard in (
        (0.0, _NEAR_H, within_1h / _NEAR_H),
        (_NEAR_H, _FAR_H, (within_6h - within_1h) / (_FAR_H - _NEAR_H)),
        (_FAR_H, horizon_h, _TAIL * within_6h / _FAR_H),
    ):
        length = min(end, horizon_h) - start
        if length <= 0:
            break
        expected = caution * hazard * length
        if expected < _HARDLY_ANY:
            hours += alive * length
        else:
            hours += alive * length * -expm1(-expected) / expected
            alive *= exp(-expected)
    return UpTime(hours, 1.0 - alive)


def _cumulative_hazard(probability: float) -> float:
    return -log1p(-min(max(probability, 0.0), _CERTAIN))
