"""What background jobs need of the world: when they are due, who runs them, what is on record."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from spot_optimizer.application.ports.exclusion import Exclusion
from spot_optimizer.domain.jobs import JobRun, RunId


class Schedule(Protocol):
    @property
    def text(self) -> str:
        """For people."""
        ...

    def next_after(self, instant: datetime) -> datetime:
        """The first slot after an instant, in UTC."""
        ...


class JobQueue(Protocol):
    def send(self, job: str, run_id: RunId) -> None:
        """To a worker, once or more often.

        Raises:
            StoreUnavailable: the broker cannot be reached.
        """
        ...


class JobExclusions(Protocol):
    def __call__(self, job: str) -> Exclusion:
        """At most one run of the job at a time anywhere; given up by whatever ends its worker."""
        ...


class JobRunRepository(Protocol):
    def hold(self, run_id: RunId) -> JobRun | None:
        """Nobody else changes it until the unit of work ends."""
        ...

    def newest_of(self, job: str) -> JobRun | None:
        """Those asked for by hand left out."""
        ...

    def add(self, run: JobRun) -> RunId: ...

    def save(self, run: JobRun) -> None: ...

    def forget_before(self, run: JobRun) -> None:
        """The earlier runs of the same job that have ended."""
        ...


class JobRunQueries(Protocol):
    def newest(self) -> Mapping[str, JobRun]:
        """Of each job, those asked for by hand left out."""
        ...

    def ended(self, job: str | None, limit: int) -> Sequence[JobRun]:
        """Of that job, or of all, the newest first."""
        ...

    def last_ended(self) -> Mapping[str, JobRun]:
        """Of each job."""
        ...
