"""What pools cost hour by hour, remembered, because the past does not change.

Charts read the settled five-minute buckets, one price each however many agents reported it. Before
the first of them only raw ticks are there, which the former server left.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from threading import Lock
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Integer, Select, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from spot_optimizer.adapters.persistence.tables import (
    pricing_snapshots_clean,
    spot_price_snapshots,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.domain.pricing.buckets import DataSource

HOUR: Final = timedelta(hours=1)

# A late report can still settle a bucket anew for so long; older ones only come, or go.
_UNSETTLED: Final = 2 * HOUR
# How long it may take until a bucket that was settled anew shows.
LOOKS_AGAIN_AFTER: Final = timedelta(seconds=60)
# Pools of so many types and regions are remembered.
_REMEMBERED: Final = 32
_TEN_DECIMALS: Final = Decimal("0.0000000001")


@dataclass(slots=True)
class Sum:
    """Of so many prices in USD per hour."""

    total: Decimal
    count: int
    _average: float | None = None

    def plus(self, other: "Sum") -> "Sum":
        return Sum(self.total + other.total, self.count + other.count)

    @property
    def average(self) -> float:
        """To ten decimals, half up (contract/clients-and-notifications.md 1.3)."""
        if self._average is None:
            exact = self.total / self.count
            self._average = float(exact.quantize(_TEN_DECIMALS, ROUND_HALF_UP))
        return self._average


# By hours since 1970, then by pool.
Hours = Mapping[int, Mapping[str, Sum]]


@dataclass(frozen=True, slots=True)
class Mark:
    """Tells whether buckets came or went."""

    oldest_bucket: int | None
    newest_bucket: int | None
    newest_tick: int | None
    """Counts only as long as there are no buckets."""
    pools: int


class _EpochHour(FunctionElement[int]):
    type = Integer()
    inherit_cache = True


@compiles(_EpochHour)
def _epoch_hour(element: _EpochHour, compiler: SQLCompiler, **options: Any) -> str:
    return f"UNIX_TIMESTAMP({compiler.process(element.clauses, **options)}) DIV 3600"


@compiles(_EpochHour, "sqlite")
def _epoch_hour_on_sqlite(element: _EpochHour, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(strftime('%s', {compiler.process(element.clauses, **options)}) AS INTEGER) / 3600"


def _sums(
    pool: Column[Any], price: Column[Any], at: Column[Any], *conditions: ColumnElement[bool]
) -> Select[Any]:
    hour: ColumnElement[int] = _EpochHour(at)
    return (
        select(pool, hour.label("hour"), func.sum(price).label("total"), func.count().label("n"))
        .where(pool.in_(bindparam("pools", expanding=True)), *conditions)
        .where(at >= bindparam("since", type_=UtcInstant))
        .where(at < bindparam("until", type_=UtcInstant))
        .group_by(pool, hour)
    )


_CLEAN, _TICKS = pricing_snapshots_clean.c, spot_price_snapshots.c
_BUCKET_SUMS: Final = _sums(
    _CLEAN.pool_id,
    _CLEAN.spot_price,
    _CLEAN.time_bucket,
    _CLEAN.data_source == DataSource.MEASURED,
)
_TICK_SUMS: Final = _sums(_TICKS.pool_id, _TICKS.price, _TICKS.captured_at)
_FIRST_BUCKET: Final = select(func.min(_CLEAN.time_bucket)).where(
    _CLEAN.pool_id.in_(bindparam("pools", expanding=True))
)
_OLDEST_NEWS: Final = (
    select(func.min(_CLEAN.time_bucket))
    .where(_CLEAN.id > bindparam("newest_bucket"))
    .where(_CLEAN.pool_id.in_(bindparam("pools", expanding=True)))
)
_FAR_FUTURE: Final = datetime(2038, 1, 18, tzinfo=UTC)
"""What a TIMESTAMP column can still be compared with."""


@dataclass(slots=True)
class _Memory:
    mark: Mark
    looked_at: datetime
    since: datetime
    first_bucket: datetime
    hours: dict[int, dict[str, Sum]] = field(default_factory=dict)


class HourlyPrices:
    def __init__(self) -> None:
        self._memories: OrderedDict[tuple[str, ...], _Memory] = OrderedDict()
        self._lock = Lock()

    def of(
        self,
        connection: Connection,
        pools: Sequence[str],
        since: datetime,
        now: datetime,
        mark: Mark,
    ) -> Hours:
        """All prices from that moment on; the first hour may be a part of one."""
        if not pools:
            return {}
        if mark.newest_bucket is None:
            return _read(connection, _TICK_SUMS, pools, since, _FAR_FUTURE)
        with self._lock:
            memory = self._up_to_date(connection, tuple(pools), _hour_start(since), now, mark)
            first = _hour_of(since)
            hours = {hour: sums for hour, sums in memory.hours.items() if hour > first}
            first_bucket = memory.first_bucket
        begun = _between(connection, pools, since, _hour_start(since) + HOUR, first_bucket)
        return begun | hours

    def _up_to_date(
        self,
        connection: Connection,
        pools: tuple[str, ...],
        since: datetime,
        now: datetime,
        mark: Mark,
    ) -> _Memory:
        memory = self._memories.get(pools)
        if memory is None or since < memory.since or _went(memory.mark, mark):
            memory = _all(connection, pools, since, now, mark)
        elif memory.mark != mark or now - memory.looked_at >= LOOKS_AGAIN_AFTER:
            _look_again(connection, pools, memory, now, mark)
        self._memories[pools] = memory
        self._memories.move_to_end(pools)
        if len(self._memories) > _REMEMBERED:
            self._memories.popitem(last=False)
        return memory


def _went(before: Mark, after: Mark) -> bool:
    return before.oldest_bucket != after.oldest_bucket or (after.newest_bucket or 0) < (
        before.newest_bucket or 0
    )


def _all(
    connection: Connection, pools: tuple[str, ...], since: datetime, now: datetime, mark: Mark
) -> _Memory:
    first = connection.execute(_FIRST_BUCKET, {"pools": list(pools)}).scalar_one()
    memory = _Memory(mark, now, since, first or _FAR_FUTURE)
    memory.hours = _between(connection, pools, since, _FAR_FUTURE, memory.first_bucket)
    return memory


def _look_again(
    connection: Connection, pools: tuple[str, ...], memory: _Memory, now: datetime, mark: Mark
) -> None:
    asked = {"pools": list(pools), "newest_bucket": memory.mark.newest_bucket}
    news = connection.execute(_OLDEST_NEWS, asked).scalar_one()
    unsettled = memory.looked_at - _UNSETTLED
    since = _hour_start(max(memory.since, min(unsettled, news or unsettled)))
    memory.first_bucket = min(memory.first_bucket, news or memory.first_bucket)
    first = _hour_of(since)
    for hour in [hour for hour in memory.hours if hour >= first]:
        del memory.hours[hour]
    memory.hours |= _between(connection, pools, since, _FAR_FUTURE, memory.first_bucket)
    memory.mark, memory.looked_at = mark, now


def _between(
    connection: Connection,
    pools: Sequence[str],
    since: datetime,
    until: datetime,
    first_bucket: datetime,
) -> dict[int, dict[str, Sum]]:
    """Ticks before the first bucket, buckets from there on."""
    hours = _read(connection, _BUCKET_SUMS, pools, since, until)
    if since < first_bucket:
        before = _read(connection, _TICK_SUMS, pools, since, min(until, first_bucket))
        for hour, sums in before.items():
            for pool, one in sums.items():
                known = hours.setdefault(hour, {}).get(pool)
                hours[hour][pool] = one if known is None else known.plus(one)
    return hours


def _read(
    connection: Connection,
    statement: Select[Any],
    pools: Sequence[str],
    since: datetime,
    until: datetime,
) -> dict[int, dict[str, Sum]]:
    asked = {"pools": list(pools), "since": since, "until": until}
    hours: dict[int, dict[str, Sum]] = {}
    for pool, hour, total, count in connection.execute(statement, asked):
        hours.setdefault(hour, {})[pool] = Sum(total, count)
    return hours


def _hour_of(moment: datetime) -> int:
    return int(moment.timestamp()) // 3600


def _hour_start(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
