from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.application.jobs.job import Job
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.jobs import JobRunQueries
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.jobs import JobNotFound, JobRun, RunStatus

_AT_START = "at each start"


@dataclass(frozen=True, slots=True)
class JobLine:
    name: str
    schedule: str
    """A cron expression in UTC, or words."""
    status: RunStatus
    last: JobRun | None
    """The last run that has ended."""
    next_at: datetime | None
    """In the past when nobody has taken a run that was due."""


@dataclass(frozen=True, slots=True)
class ListJobs:
    """What runs in the background here, when it ran last and when it runs next."""

    jobs: Sequence[Job]
    queries: JobRunQueries
    clock: Clock

    @repeated_when_lost
    def __call__(self) -> Sequence[JobLine]:
        newest, ended = self.queries.newest(), self.queries.last_ended()
        return [self._line(job, newest.get(job.name), ended.get(job.name)) for job in self.jobs]

    @repeated_when_lost
    def history(self, name: str | None, limit: int) -> Sequence[JobRun]:
        """The newest first.

        Raises:
            JobNotFound: there is no such job.
        """
        runs = self.queries.ended(name, limit)
        if name is not None and name not in {job.name for job in self.jobs}:
            raise JobNotFound(name)
        return runs

    def _line(self, job: Job, newest: JobRun | None, last: JobRun | None) -> JobLine:
        next_at = job.schedule.next_after(self.clock.now()) if job.schedule else None
        if newest is not None and not newest.has_ended and job.schedule is not None:
            next_at = newest.slot if newest.status is not RunStatus.RUNNING else next_at
        return JobLine(
            name=job.name,
            schedule=job.schedule.text if job.schedule else _AT_START,
            status=RunStatus.WAITING if newest is None or newest.has_ended else newest.status,
            last=last,
            next_at=next_at,
        )
