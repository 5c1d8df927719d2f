"""What the risk of a pool is judged by: figures of its last seven days and of its neighbours."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import cos, log1p, nan, pi, sin
from typing import Final, TypeAlias

from spot_optimizer.domain.placement.history import HOUR_S, UpHistory

SHARE_HOURS: Final = (1, 3, 6, 24, 72, 168)
DROP_HOURS: Final = (1, 6, 24, 72, 168)
NEIGHBOUR_HOURS: Final = (1, 6, 24)
SAME_TIME_HOURS: Final = (1, 6)
LONGEST_HOURS: Final = 168
DAYS: Final = 7

FEATURES: Final = (
    "log_hours_up",
    *(f"share_up_{hours}h" for hours in SHARE_HOURS),
    *(f"drops_{hours}h" for hours in DROP_HOURS),
    "others_up_now",
    *(f"others_up_{hours}h" for hours in NEIGHBOUR_HOURS),
    "others_change_1h",
    *(f"same_time_{figure}_{hours}h" for hours in SAME_TIME_HOURS for figure in ("up", "lost")),
    "hour_sin",
    "hour_cos",
    "weekend",
    "log_hours_known",
)
"""In the order of the vector. NaN is not known: how long a pool is up that never was down, what
others do where there are none, and how the coming hours went on the days before the first: the
share that the pool was up then, and the share of days on which it was not up all the time."""

WHOLLY_UP: Final = 0.999

Vector: TypeAlias = tuple[float, ...]

_SATURDAY: Final = 5
DAY_S: Final = 24 * HOUR_S


def features_of(pools: Sequence[UpHistory], now: float) -> tuple[Vector, ...]:
    """One vector for each pool; `now` in seconds since the epoch."""
    at = datetime.fromtimestamp(now, UTC)
    angle = 2 * pi * (at.hour + at.minute / 60) / 24
    calendar = (sin(angle), cos(angle), float(at.weekday() >= _SATURDAY))
    shares = [tuple(pool.share_up(now, hours) for hours in SHARE_HOURS) for pool in pools]
    up_now = [float(pool.is_up) for pool in pools]
    neighbours = [
        (up, shares_of[0], shares_of[2], shares_of[3])
        for up, shares_of in zip(up_now, shares, strict=True)
    ]
    totals = [sum(column) for column in zip(*neighbours, strict=True)]
    count = len(pools) - 1
    vectors = []
    for pool, shares_of, own in zip(pools, shares, neighbours, strict=True):
        if count:
            others = [(total - mine) / count for total, mine in zip(totals, own, strict=True)]
            change = others[0] - others[1]
        else:
            others, change = [nan] * len(own), nan
        hours_up = pool.hours_up(now)
        vectors.append(
            (
                nan if hours_up is None else log1p(hours_up),
                *shares_of,
                *(float(pool.drops(now, hours)) for hours in DROP_HOURS),
                *others,
                change,
                *_same_time(pool, now),
                *calendar,
                log1p(pool.hours_known(now)),
            )
        )
    return tuple(vectors)


def _same_time(pool: UpHistory, now: float) -> tuple[float, ...]:
    known_s = pool.hours_known(now) * HOUR_S
    starts = [now - day * DAY_S for day in range(1, DAYS + 1) if day * DAY_S <= known_s]
    figures: list[float] = []
    for hours in SAME_TIME_HOURS:
        shares = [pool.share_between(start, start + hours * HOUR_S) for start in starts]
        if not shares:
            figures += (nan, nan)
            continue
        lost = sum(share < WHOLLY_UP for share in shares)
        figures += (sum(shares) / len(shares), lost / len(shares))
    return tuple(figures)
