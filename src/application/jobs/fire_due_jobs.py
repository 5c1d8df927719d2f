import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.application.jobs.job import Job
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.exclusion import Busy, Exclusion
from spot_optimizer.application.ports.jobs import (
    JobExclusions,
    JobQueue,
    JobRunQueries,
    Schedule,
)
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.jobs import JobRun, RunId, RunStatus, brought_up_to_date

logger = logging.getLogger(__name__)

# Runs that last longer are asked whether they are still alive.
_SURELY_ALIVE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class FireDueJobs:
    """Sends what is due to the workers. The record of runs in the database is the lease: of any
    number of schedulers that look at it, one sends a slot."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    jobs: Sequence[Job]
    queries: JobRunQueries
    queue: JobQueue
    one_at_a_time: JobExclusions
    first_entry: Exclusion
    """Held while the first run of a job is put on record."""

    def at_start(self) -> None:
        """What runs at each start of a scheduler."""
        for job in self.jobs:
            if job.at_start or job.schedule is None:
                now = self.clock.now()
                slot = now if job.schedule is None else None
                self._send(job.name, self._add(JobRun(job=job.name, slot=slot).send(now)))

    def __call__(self) -> datetime | None:
        """Returns when the next slot is, as far as that is known."""
        newest = self._newest()
        slots = []
        for job in self.jobs:
            if job.schedule is None:
                continue
            run = self._look_after(job, job.schedule, newest.get(job.name))
            if run.status is RunStatus.WAITING and run.slot is not None:
                slots.append(run.slot)
        return min(slots, default=None)

    @repeated_when_lost
    def _newest(self) -> dict[str, JobRun]:
        return dict(self.queries.newest())

    def _look_after(self, job: Job, schedule: Schedule, seen: JobRun | None) -> JobRun:
        now = self.clock.now()
        if seen is not None and seen.status is RunStatus.RUNNING:
            wanted = self._lost(seen, now)
        else:
            wanted = brought_up_to_date(
                job.name, seen, schedule.next_after, now, job.pause_after_failure
            )
        if wanted == seen:
            return seen
        kept = self._add_first(wanted) if seen is None else self._exchange(seen, wanted)
        if kept is not None and kept.status is RunStatus.QUEUED and kept.id is not None:
            self._send(job.name, kept.id)
        return wanted

    def _lost(self, run: JobRun, now: datetime) -> JobRun:
        """The run, or what becomes of it when its worker is no more."""
        if run.started_at is not None and abs(now - run.started_at) < _SURELY_ALIVE:
            return run
        try:
            with self.one_at_a_time(run.job)():
                logger.warning("the worker that ran %s died", run.job)
                return run.lose(now)
        except Busy:
            return run

    @repeated_when_lost
    def _add(self, run: JobRun) -> RunId:
        with self.unit_of_work() as work:
            run_id = work.job_runs.add(run)
            work.commit()
        return run_id

    @repeated_when_lost
    def _add_first(self, run: JobRun) -> JobRun | None:
        with self.first_entry(), self.unit_of_work() as work:
            if work.job_runs.newest_of(run.job) is not None:
                return None
            kept = run.kept_as(work.job_runs.add(run))
            work.commit()
        return kept

    @repeated_when_lost
    def _exchange(self, seen: JobRun, wanted: JobRun) -> JobRun | None:
        """None when another scheduler was faster."""
        with self.unit_of_work() as work:
            if seen.id is None or work.job_runs.hold(seen.id) != seen:
                return None
            if wanted.id is None:
                newest = work.job_runs.newest_of(seen.job)
                if newest is not None and newest.id != seen.id:
                    return None
                wanted = wanted.kept_as(work.job_runs.add(wanted))
            else:
                work.job_runs.save(wanted)
            work.commit()
        return wanted

    def _send(self, job: str, run_id: RunId) -> None:
        try:
            self.queue.send(job, run_id)
        except StoreUnavailable as unavailable:  # it is sent again in a minute
            logger.warning("%s could not be sent to a worker: %s", job, unavailable)
