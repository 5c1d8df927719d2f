"""What pools cost hour by hour, remembered, because the past does not change: by each process that
is asked, and in the shared cache for those that are asked for the first time."""

import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Final
from zlib import compress, decompress
from zlib import error as zlib_error

import msgspec
from msgspec import DecodeError, Struct
from sqlalchemy import Connection

from spot_optimizer.adapters.persistence.dashboard.hourly_sums import (
    FAR_FUTURE,
    HOUR,
    Hours,
    Sum,
    bucket,
    first_bucket_of,
    hour_of,
    hour_start,
    oldest_after,
    sums_between,
    sums_of_ticks,
)
from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable

logger = logging.getLogger(__name__)

# A late report can still settle a bucket anew for so long; older ones only come, or go.
_UNSETTLED: Final = 2 * HOUR
# How long it may take until a bucket that was settled anew shows.
LOOKS_AGAIN_AFTER: Final = timedelta(seconds=60)
_SLICE: Final = timedelta(days=10)
# Pools of so many types and regions are remembered.
_REMEMBERED: Final = 32
# What was deleted, but for the oldest of all, shows no longer than this. It is made anew a little
# before, and not while somebody waits for it.
LASTS: Final = timedelta(hours=24)
_MADE_ANEW_AFTER: Final = timedelta(hours=22)


class Mark(Struct, frozen=True, array_like=True):
    """Tells whether buckets came or went: the time of the oldest, the id of the newest."""

    oldest_bucket: datetime | None
    newest_bucket: int | None
    newest_tick: int | None
    """Counts only as long as there are no buckets."""
    pools: int


class _Memory(Struct):
    mark: Mark
    made_at: datetime
    looked_at: datetime
    since: datetime
    first_bucket: datetime
    hours: dict[int, dict[str, Sum]]
    witness: tuple[str, datetime] | None = None
    """Pool and time of the newest bucket: a database that has another under its id is another."""


_FASTEST: Final = 1
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Memory)


class HourlyPrices:
    def __init__(self, cache: Cache | None) -> None:
        self._cache = cache
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
            return sums_of_ticks(connection, pools, since)
        with self._lock:
            memory = self._up_to_date(connection, tuple(pools), hour_start(since), now, mark)
            first = hour_of(since)
            hours = {hour: sums for hour, sums in memory.hours.items() if hour > first}
            first_bucket = memory.first_bucket
        begun = sums_between(connection, pools, since, hour_start(since) + HOUR, first_bucket)
        return begun | hours

    def keep(
        self,
        connection: Connection,
        pools: Sequence[str],
        since: datetime,
        now: datetime,
        mark: Mark,
    ) -> None:
        """For all processes, so that no chart has to begin with the buckets."""
        if not pools or mark.newest_bucket is None:
            return
        known = self._kept(connection, tuple(pools))
        if known is not None and now - known.made_at >= _MADE_ANEW_AFTER:
            known = None
        memory = _brought_up(connection, tuple(pools), known, since, now, mark)
        self._put(connection, tuple(pools), memory)

    def _up_to_date(
        self,
        connection: Connection,
        pools: tuple[str, ...],
        since: datetime,
        now: datetime,
        mark: Mark,
    ) -> _Memory:
        known = self._memories.get(pools)
        if known is None or since < known.since or now - known.made_at >= LASTS:
            known = self._kept(connection, pools)
        memory = _brought_up(connection, pools, known, since, now, mark)
        if memory is not known:
            self._put(connection, pools, memory)
        self._memories[pools] = memory
        self._memories.move_to_end(pools)
        if len(self._memories) > _REMEMBERED:
            self._memories.popitem(last=False)
        return memory

    def _kept(self, connection: Connection, pools: tuple[str, ...]) -> _Memory | None:
        if self._cache is None:
            return None
        try:
            packed = self._cache.get(_key(pools))
            memory = None if packed is None else _DECODER.decode(decompress(packed))
        except (StoreUnavailable, DecodeError, zlib_error) as unusable:
            logger.warning("what pools have cost is read anew: %s", unusable)
            return None
        if memory is None or bucket(connection, memory.mark.newest_bucket) != memory.witness:
            return None
        return memory

    def _put(self, connection: Connection, pools: tuple[str, ...], memory: _Memory) -> None:
        if self._cache is None:
            return
        memory.witness = bucket(connection, memory.mark.newest_bucket)
        try:
            self._cache.put(_key(pools), compress(_ENCODER.encode(memory), _FASTEST), LASTS)
        except StoreUnavailable as unavailable:
            logger.warning("what pools have cost is not kept: %s", unavailable)


def _brought_up(
    connection: Connection,
    pools: tuple[str, ...],
    memory: _Memory | None,
    since: datetime,
    now: datetime,
    mark: Mark,
) -> _Memory:
    """That memory with what has come and gone since, or another one."""
    if memory is None or since < memory.since or now - memory.made_at >= LASTS:
        return _all(connection, pools, since, now, mark)
    if (mark.newest_bucket or 0) < (memory.mark.newest_bucket or 0):  # of another database
        return _all(connection, pools, since, now, mark)
    if (mark.oldest_bucket or FAR_FUTURE) > (memory.mark.oldest_bucket or FAR_FUTURE):
        _forget(connection, pools, memory)
    if memory.mark != mark or now - memory.looked_at >= LOOKS_AGAIN_AFTER:
        _look_again(connection, pools, memory, now, mark)
    return memory


def _key(pools: tuple[str, ...]) -> str:
    return f"hourly-prices:{sha256(_ENCODER.encode(pools)).hexdigest()}"


def _forget(connection: Connection, pools: tuple[str, ...], memory: _Memory) -> None:
    """The oldest were deleted, as they are from time to time."""
    memory.first_bucket = first_bucket_of(connection, pools)
    until = min(hour_start(memory.first_bucket) + HOUR, memory.looked_at + HOUR)
    last = hour_of(until)
    for hour in [hour for hour in memory.hours if hour < last]:
        del memory.hours[hour]
    if memory.since < until:
        memory.hours |= sums_between(connection, pools, memory.since, until, memory.first_bucket)


def _all(
    connection: Connection, pools: tuple[str, ...], since: datetime, now: datetime, mark: Mark
) -> _Memory:
    first = first_bucket_of(connection, pools)
    hours: dict[int, dict[str, Sum]] = {}
    for start, end in _slices(since, now):
        hours |= sums_between(connection, pools, start, end, first)
    return _Memory(mark, now, now, since, first, hours)


def _slices(since: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """So that each is grouped in the memory of the database, and answered before patience ends."""
    while now - since > _SLICE:
        yield since, since + _SLICE
        since += _SLICE
    yield since, FAR_FUTURE


def _look_again(
    connection: Connection, pools: tuple[str, ...], memory: _Memory, now: datetime, mark: Mark
) -> None:
    news = oldest_after(connection, pools, memory.mark.newest_bucket)
    unsettled = memory.looked_at - _UNSETTLED
    since = hour_start(max(memory.since, min(unsettled, news or unsettled)))
    memory.first_bucket = min(memory.first_bucket, news or memory.first_bucket)
    first = hour_of(since)
    for hour in [hour for hour in memory.hours if hour >= first]:
        del memory.hours[hour]
    memory.hours |= sums_between(connection, pools, since, FAR_FUTURE, memory.first_bucket)
    memory.mark, memory.looked_at = mark, now
