"""The features of whole recordings at once, for training: the same figures as
`domain.placement.features`, which looks at one moment."""

from typing import Final, TypeAlias

import numpy
from numpy.typing import NDArray

from spot_optimizer.domain.placement.features import (
    DAYS,
    DROP_HOURS,
    DROPS_MORE,
    FEATURES,
    HOURS_MORE,
    NEIGHBOUR_HOURS,
    PER_DROP_HOURS,
    SAME_TIME_LOST_HOURS,
    SAME_TIME_UP_HOURS,
    SHARE_HOURS,
    WHOLLY_UP,
)

Floats: TypeAlias = NDArray[numpy.float64]

_HOUR_S: Final = 3600.0
_DAY_S: Final = 86400.0
_THURSDAY: Final = 3  # 1970-01-01
_SATURDAY: Final = 5


def feature_matrix(at: Floats, up: NDArray[numpy.bool_]) -> Floats:
    """(steps, pools, len(FEATURES)) of `at`, seconds since the epoch and ascending, and `up`,
    (steps, pools). A step knows itself and what was before it."""
    steps, pools = up.shape
    known_s = at - at[0]
    up_s = numpy.zeros((steps, pools))
    up_s[1:] = numpy.cumsum(numpy.diff(at)[:, None] * up[:-1], axis=0)
    drops = numpy.zeros((steps, pools))
    drops[1:] = numpy.cumsum(up[:-1] & ~up[1:], axis=0)

    weekday = (at // _DAY_S + _THURSDAY) % 7
    columns = {
        "log_hours_up": _log_hours_up(at, up),
        **{f"share_up_{hours}h": _shares(at, up, up_s, hours) for hours in SHARE_HOURS},
        f"drops_{DROP_HOURS}h": _drops(at, drops, DROP_HOURS),
        **{
            f"log_hours_per_drop_{hours}h": numpy.log(
                (_hours_up(at, up_s, up, hours) + HOURS_MORE)
                / (_drops(at, drops, hours) + DROPS_MORE)
            )
            for hours in PER_DROP_HOURS
        },
        "others_up_now": _of_others(up.astype(float)),
        f"others_up_{NEIGHBOUR_HOURS}h": _of_others(_shares(at, up, up_s, NEIGHBOUR_HOURS)),
        **_same_time(at, up, up_s),
        "weekend": _each((weekday >= _SATURDAY).astype(float), pools),
        "log_hours_known": _each(numpy.log1p(known_s / _HOUR_S), pools),
    }
    return numpy.stack([columns[name] for name in FEATURES], axis=2)


def _each(column: Floats, pools: int) -> Floats:
    return numpy.repeat(column[:, None], pools, axis=1)


def _up_s_until(moment: Floats, at: Floats, up: NDArray[numpy.bool_], up_s: Floats) -> Floats:
    before = numpy.maximum(numpy.searchsorted(at, moment, side="right") - 1, 0)
    return numpy.asarray(up_s[before] + (moment - at[before])[:, None] * up[before])


def _same_time(at: Floats, up: NDArray[numpy.bool_], up_s: Floats) -> dict[str, Floats]:
    shares, lost = numpy.zeros(up.shape), numpy.zeros(up.shape)
    days = numpy.zeros((len(at), 1))
    for day in range(1, DAYS + 1):
        start = at - day * _DAY_S
        known = (start >= at[0])[:, None]

        def share(hours: int, start: Floats = start) -> Floats:
            end = start + hours * _HOUR_S
            up_in_time = _up_s_until(end, at, up, up_s) - _up_s_until(start, at, up, up_s)
            return up_in_time / (hours * _HOUR_S)

        shares += numpy.where(known, share(SAME_TIME_UP_HOURS), 0.0)
        lost += known & (share(SAME_TIME_LOST_HOURS) < WHOLLY_UP)
        days += known
    unknown = numpy.full(up.shape, numpy.nan)
    return {
        name: numpy.divide(total, days, out=unknown.copy(), where=days > 0)
        for name, total in (
            (f"same_time_up_{SAME_TIME_UP_HOURS}h", shares),
            (f"same_time_lost_{SAME_TIME_LOST_HOURS}h", lost),
        )
    }


def _shares(at: Floats, up: NDArray[numpy.bool_], up_s: Floats, hours: int) -> Floats:
    length = (at - numpy.maximum(at - hours * _HOUR_S, at[0]))[:, None] / _HOUR_S
    out = up.astype(float)
    numpy.divide(_hours_up(at, up_s, up, hours), length, out=out, where=length > 0)
    return out


def _hours_up(at: Floats, up_s: Floats, up: NDArray[numpy.bool_], hours: int) -> Floats:
    start = numpy.maximum(at - hours * _HOUR_S, at[0])
    return (up_s - _up_s_until(start, at, up, up_s)) / _HOUR_S


def _drops(at: Floats, drops: Floats, hours: int) -> Floats:
    before = numpy.searchsorted(at, at - hours * _HOUR_S, side="right") - 1
    earlier = numpy.where(before[:, None] >= 0, drops[numpy.maximum(before, 0)], 0.0)
    return numpy.asarray(drops - earlier)


def _log_hours_up(at: Floats, up: NDArray[numpy.bool_]) -> Floats:
    down_at = numpy.where(up, -numpy.inf, at[:, None])
    last_down_at = numpy.maximum.accumulate(down_at, axis=0)
    hours = (at[:, None] - last_down_at) / _HOUR_S
    return numpy.where(numpy.isinf(hours), numpy.nan, numpy.log1p(hours))


def _of_others(figures: Floats) -> Floats:
    count = figures.shape[1] - 1
    if not count:
        return numpy.full_like(figures, numpy.nan)
    return numpy.asarray((figures.sum(axis=1, keepdims=True) - figures) / count)
