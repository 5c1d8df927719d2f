"""What the risk of a pool is judged by: figures of its last days and of its neighbours."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import log, log1p, nan
from typing import Final, TypeAlias

from spot_optimizer.domain.placement.history import HOUR_S, UpHistory

SHARE_HOURS: Final = (1, 6)
DROP_HOURS: Final = 1
PER_DROP_HOURS: Final = (24, 72)
NEIGHBOUR_HOURS: Final = 24
SAME_TIME_UP_HOURS: Final = 6
SAME_TIME_LOST_HOURS: Final = 1
LONGEST_HOURS: Final = 168
DAYS: Final = 7

FEATURES: Final = (
    "log_hours_up",
    *(f"share_up_{hours}h" for hours in SHARE_HOURS),
    f"drops_{DROP_HOURS}h",
    *(f"log_hours_per_drop_{hours}h" for hours in PER_DROP_HOURS),
    "others_up_now",
    f"others_up_{NEIGHBOUR_HOURS}h",
    f"same_time_up_{SAME_TIME_UP_HOURS}h",
    f"same_time_lost_{SAME_TIME_LOST_HOURS}h",
    "weekend",
    "log_hours_known",
)
"""In the order of the vector. NaN is not known: how long a pool is up that never was down, what
others do where there are none, and how the coming hours went on the days before the first: the
share that the pool was up then, and the share of days on which it was not up all the time.

Hours per drop are what the pool was up within the window, and one, over its drops there, and a
half: how long it is used to last. They tell far more of the coming hours than either figure alone.
"""

WHOLLY_UP: Final = 0.999
HOURS_MORE: Final = 1.0
DROPS_MORE: Final = 0.5

Vector: TypeAlias = tuple[float, ...]

_SATURDAY: Final = 5
DAY_S: Final = 24 * HOUR_S


def features_of(pools: Sequence[UpHistory], now: float) -> tuple[Vector, ...]:
    """One vector for each pool; `now` in seconds since the epoch."""
    weekend = float(datetime.fromtimestamp(now, UTC).weekday() >= _SATURDAY)
    neighbours = [(float(pool.is_up), pool.share_up(now, NEIGHBOUR_HOURS)) for pool in pools]
    totals = [sum(column) for column in zip(*neighbours, strict=True)]
    count = len(pools) - 1
    vectors = []
    for pool, own in zip(pools, neighbours, strict=True):
        others = [
            (total - mine) / count if count else nan
            for total, mine in zip(totals, own, strict=True)
        ]
        hours_up = pool.hours_up(now)
        vectors.append(
            (
                nan if hours_up is None else log1p(hours_up),
                *(pool.share_up(now, hours) for hours in SHARE_HOURS),
                float(pool.drops(now, DROP_HOURS)),
                *(_log_hours_per_drop(pool, now, hours) for hours in PER_DROP_HOURS),
                *others,
                *_same_time(pool, now),
                weekend,
                log1p(pool.hours_known(now)),
            )
        )
    return tuple(vectors)


def _log_hours_per_drop(pool: UpHistory, now: float, hours: float) -> float:
    hours_up = pool.share_up(now, hours) * min(hours, pool.hours_known(now))
    return log((hours_up + HOURS_MORE) / (pool.drops(now, hours) + DROPS_MORE))


def _same_time(pool: UpHistory, now: float) -> tuple[float, float]:
    known_s = pool.hours_known(now) * HOUR_S
    starts = [now - day * DAY_S for day in range(1, DAYS + 1) if day * DAY_S <= known_s]
    if not starts:
        return nan, nan

    def shares(hours: int) -> Sequence[float]:
        return [pool.share_between(start, start + hours * HOUR_S) for start in starts]

    lost = sum(share < WHOLLY_UP for share in shares(SAME_TIME_LOST_HOURS))
    return sum(shares(SAME_TIME_UP_HOURS)) / len(starts), lost / len(starts)
