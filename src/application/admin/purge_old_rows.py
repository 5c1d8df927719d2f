from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.application.jobs.one_by_one import one_by_one
from spot_optimizer.application.ports.clock import Clock, Stopwatch
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import job_occurrences
from spot_optimizer.domain.jobs import JobResult
from spot_optimizer.domain.retention import MOST_AT_ONCE, Deletion, Record

# After a batch the database belongs to everybody else for this many times as long.
_REST: Final = 1.0
_LONGEST_REST_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class PurgeOldRows:
    """Deletes what has been kept for long enough, a few rows at a time, and rests in between, so
    that nobody waits for it. Whatever ends it, the next run goes on where it ended."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    stopwatch: Stopwatch
    rest: Callable[[float], None]
    days_kept: Mapping[Record, int]
    at_once: int = MOST_AT_ONCE

    def __call__(self) -> JobResult:
        now = self.clock.now()
        deleted: dict[str, int] = {}

        def purge(record: Record) -> None:
            if rows := self._purge(record, now - timedelta(days=self.days_kept[record])):
                deleted[record] = rows

        _, left_out = one_by_one(self.days_kept, purge, "table")
        return JobResult(
            deleted=sum(deleted.values()),
            details={**deleted, "left_out": left_out},
            occurrences=job_occurrences.old_rows_deleted(deleted, now),
        )

    def _purge(self, record: Record, before: datetime) -> int:
        rows, position = 0, None
        while True:
            began = self.stopwatch.seconds()
            batch = self._delete(record, before, position)
            rows += batch.rows
            if batch.position is None:
                return rows
            position = batch.position
            self.rest(min(_LONGEST_REST_S, _REST * (self.stopwatch.seconds() - began)))

    @repeated_when_lost
    def _delete(self, record: Record, before: datetime, position: object) -> Deletion:
        with self.unit_of_work() as work:
            batch = work.old_rows.delete(record, before, position, self.at_once)
            work.commit()
        return batch
