"""Recorded interruptions: when a pool lost its capacity, and what an instance there is told."""

import csv
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from spot_optimizer.simulation.pools import Pool, region_of
from spot_optimizer.simulation.trace_files import UnreadableTrace, instant, opened

NOTICE_BEFORE_RECLAIM: Final = timedelta(minutes=2)
REBALANCE_BEFORE_NOTICE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Interruption:
    """One loss of a pool's capacity, in simulated time since the fleet started."""

    notice_at: timedelta
    rebalance_at: timedelta | None
    """None when the pool had not been available long enough for an early hint."""

    @property
    def reclaim_at(self) -> timedelta:
        return self.notice_at + NOTICE_BEFORE_RECLAIM


@dataclass(frozen=True, slots=True)
class _Availability:
    """When a pool changed between available and not, as offsets from the start of the trace."""

    changes: tuple[timedelta, ...]
    states: tuple[bool, ...]
    losses: tuple[Interruption, ...]


class InterruptionTrace:
    """Availability of pools over time; it begins again when it ends."""

    def __init__(
        self,
        span: timedelta,
        availability: Mapping[Pool, _Availability],
        begin: timedelta = timedelta(0),
    ) -> None:
        """`begin`: how far into the recording the fleet starts."""
        self._span = span
        self._availability = availability
        self._begin = begin

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools that were watched, sorted."""
        return tuple(sorted(self._availability))

    def is_available(self, pool: Pool, at: timedelta) -> bool:
        """Whether an instance can be launched; a pool nobody watched always has room."""
        watched = self._availability.get(pool)
        if watched is None:
            return True
        recorded = (self._begin + at) % self._span
        return watched.states[bisect_right(watched.changes, recorded) - 1]

    def next_after(self, pool: Pool, at: timedelta) -> Interruption | None:
        """The first loss whose notice comes later than `at`; None when the pool never loses any."""
        watched = self._availability.get(pool)
        if watched is None or not watched.losses:
            return None
        round_start = at - (self._begin + at) % self._span
        for start in (round_start, round_start + self._span):
            for loss in watched.losses:
                if start + loss.notice_at > at:
                    hint = loss.rebalance_at
                    return Interruption(
                        start + loss.notice_at, None if hint is None else start + hint
                    )
        raise AssertionError("a loss within one round is always found within two")


def read_interruptions(path: Path, begin: datetime | None = None) -> InterruptionTrace:
    """Read a trace with a `timestamp` and one 0/1 column `zone|instance_type` per pool.

    The fleet starts at its instant `begin`, else at its first one. The column may tell whether a
    launch succeeded or whether an instance lived there: an edge from 1 to 0 is a notice in both.
    """
    times: list[datetime] = []
    columns: dict[Pool, list[bool]] = {}
    with opened(path) as text:
        reader = csv.reader(text)
        header = next(reader, [])
        pools = _pools(path, header)
        columns = {pool: [] for pool in pools}
        for row in reader:
            place = f"line {reader.line_num}"
            if len(row) != len(header):
                raise UnreadableTrace(path, f"{place}: {len(row)} values for {len(header)} columns")
            try:
                times.append(instant(row[0]))
            except ValueError as error:
                raise UnreadableTrace(path, f"{place}: {row[0]!r} is not a time") from error
            for pool, value in zip(pools, row[1:], strict=True):
                if value not in ("0", "1"):
                    raise UnreadableTrace(path, f"{place}: {value!r} is neither 0 nor 1")
                columns[pool].append(value == "1")
    if len(times) < 2 or times != sorted(times) or times[0] == times[-1]:
        raise UnreadableTrace(path, "needs two or more lines in order of time")
    begin = begin or times[0]
    if not times[0] <= begin < times[-1]:
        reason = f"{begin.isoformat()} is not between {times[0].isoformat()} and its end"
        raise UnreadableTrace(path, reason)
    offsets = [at - times[0] for at in times]
    return InterruptionTrace(
        offsets[-1],
        {pool: _availability(offsets, states) for pool, states in columns.items()},
        begin - times[0],
    )


def _pools(path: Path, header: list[str]) -> list[Pool]:
    if not header or header[0] != "timestamp" or len(header) < 2:
        raise UnreadableTrace(path, "does not begin with a column timestamp and pools after it")
    pools: list[Pool] = []
    for name in header[1:]:
        az, bar, instance_type = name.partition("|")
        if not (bar and instance_type and region_of(az)):
            raise UnreadableTrace(path, f"column {name!r} is not zone|instance_type")
        pools.append(Pool(region_of(az), instance_type, az))
    if len(set(pools)) != len(pools):
        raise UnreadableTrace(path, "names a pool twice")
    return pools


def _availability(offsets: Iterable[timedelta], states: Iterable[bool]) -> _Availability:
    changes: list[timedelta] = []
    kept: list[bool] = []
    losses: list[Interruption] = []
    for offset, available in zip(offsets, states, strict=True):
        if kept and kept[-1] == available:
            continue
        if kept and not available:
            hint = offset - REBALANCE_BEFORE_NOTICE
            losses.append(Interruption(offset, hint if hint >= changes[-1] else None))
        changes.append(offset)
        kept.append(available)
    return _Availability(tuple(changes), tuple(kept), tuple(losses))
