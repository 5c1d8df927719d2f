"""What pools have cost in each hour, out of the database.

Settled five-minute buckets are summed up, one price each however many agents reported it. Before
the first of them only raw ticks are there, which the former server left.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Connection, Integer, Select, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from spot_optimizer.adapters.persistence.tables import (
    pricing_snapshots_clean,
    spot_pools,
    spot_price_snapshots,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.domain.pricing.buckets import DataSource

HOUR: Final = timedelta(hours=1)
FAR_FUTURE: Final = datetime(2038, 1, 18, tzinfo=UTC)
"""What a TIMESTAMP column can still be compared with."""

_TEN_DECIMALS: Final = 10**10
_PER_MILLIONTH: Final = 10**4


class Sum(Struct, array_like=True, gc=False):
    """Of so many prices."""

    millionths: int
    """USD per hour."""
    count: int

    @classmethod
    def of(cls, total: Decimal, count: int) -> "Sum":
        """Of prices in USD per hour; price columns have six decimals."""
        return cls(int(total.scaleb(6)), count)

    def plus(self, other: "Sum") -> "Sum":
        return Sum(self.millionths + other.millionths, self.count + other.count)

    @property
    def average(self) -> float:
        """To ten decimals, half up (contract/clients-and-notifications.md 1.3)."""
        doubled = 2 * abs(self.millionths) * _PER_MILLIONTH + self.count
        rounded = doubled // (2 * self.count) / _TEN_DECIMALS
        return rounded if self.millionths >= 0 else -rounded


# By hours since 1970, then by pool.
Hours = Mapping[int, Mapping[str, Sum]]


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
# One look into the index for each pool: together they would be read from end to end.
_FIRST_BUCKETS: Final = select(
    select(func.min(_CLEAN.time_bucket))
    .where(_CLEAN.pool_id == spot_pools.c.id)
    .correlate(spot_pools)
    .scalar_subquery()
).where(spot_pools.c.id.in_(bindparam("pools", expanding=True)))
_BUCKET: Final = select(_CLEAN.pool_id, _CLEAN.time_bucket).where(
    _CLEAN.id == bindparam("bucket_id")
)
_OLDEST_AFTER: Final = (
    select(func.min(_CLEAN.time_bucket))
    .where(_CLEAN.id > bindparam("bucket_id"))
    .where(_CLEAN.pool_id.in_(bindparam("pools", expanding=True)))
)


def first_bucket_of(connection: Connection, pools: Sequence[str]) -> datetime:
    """The far future where there is none."""
    found = connection.execute(_FIRST_BUCKETS, {"pools": list(pools)}).scalars()
    return min((one for one in found if one is not None), default=FAR_FUTURE)


def oldest_after(
    connection: Connection, pools: Sequence[str], bucket_id: int | None
) -> datetime | None:
    """Of what has been settled since that bucket was, the time of the oldest."""
    asked = {"pools": list(pools), "bucket_id": bucket_id}
    oldest: datetime | None = connection.execute(_OLDEST_AFTER, asked).scalar_one()
    return oldest


def bucket(connection: Connection, bucket_id: int | None) -> tuple[str, datetime] | None:
    """Its pool and its time."""
    row = connection.execute(_BUCKET, {"bucket_id": bucket_id}).one_or_none()
    return None if row is None else (row.pool_id, row.time_bucket)


def sums_of_ticks(connection: Connection, pools: Sequence[str], since: datetime) -> Hours:
    return _read(connection, _TICK_SUMS, pools, since, FAR_FUTURE)


def sums_between(
    connection: Connection,
    pools: Sequence[str],
    since: datetime,
    until: datetime,
    first_bucket: datetime,
) -> dict[int, dict[str, Sum]]:
    """Ticks before the first bucket, buckets from there on."""
    hours: dict[int, dict[str, Sum]] = {}
    if until > first_bucket:
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
        hours.setdefault(hour, {})[pool] = Sum.of(total, count)
    return hours


def hour_of(moment: datetime) -> int:
    return int(moment.timestamp()) // 3600


def hour_start(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
