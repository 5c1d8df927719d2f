import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.application.jobs.job import Job
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.exclusion import Busy
from spot_optimizer.application.ports.jobs import JobExclusions
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import SYSTEM
from spot_optimizer.domain.jobs import JobNotFound, JobResult, JobRun, RunId, RunStatus

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunJob:
    """Runs a job, and puts on record what came of it. A run that somebody else has in hand, or
    that is over, is left alone: it may be sent more than once."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    jobs: Mapping[str, Job]
    one_at_a_time: JobExclusions
    on_end: Callable[[str, str, float], None] = lambda *_: None
    """Is told of each run: the job, what became of it, and the seconds it took."""

    def __call__(self, name: str, run_id: RunId) -> JobRun | None:
        """Returns the run as it ended, None where there was nothing to do.

        Raises:
            JobNotFound: no such job here.
            Exception: what the job has failed with.
        """
        job = self._job(name)
        try:
            with self.one_at_a_time(name)():
                started = self._start(run_id)
                if started is None or started.status is not RunStatus.RUNNING:
                    return started
                return self._run(job, started)
        except Busy:
            logger.info("%s is running already", name)
            return None

    def by_hand(self, name: str) -> JobRun:
        """Now and here, whenever it is due.

        Raises:
            JobNotFound: no such job here.
            Busy: it is running already.
            Exception: what the job has failed with.
        """
        job = self._job(name)
        with self.one_at_a_time(name)():
            return self._run(job, self._started_by_hand(name))

    def _job(self, name: str) -> Job:
        if name not in self.jobs:
            raise JobNotFound(name)
        return self.jobs[name]

    def _run(self, job: Job, run: JobRun) -> JobRun:
        began = self.clock.now()
        try:
            result = job.work()
        except BaseException as error:  # a time limit is no Exception
            self._tell(job, "failed", began)
            self._fail(job, run, error)
            raise
        ended = self._complete(job, run, result)
        self._tell(job, "done", began)
        logger.debug("%s: %s", job.name, result)
        return ended

    def _tell(self, job: Job, outcome: str, began: datetime) -> None:
        self.on_end(job.name, outcome, (self.clock.now() - began).total_seconds())

    @repeated_when_lost
    def _start(self, run_id: RunId) -> JobRun | None:
        with self.unit_of_work() as work:
            run = work.job_runs.hold(run_id)
            if run is None or not run.may_start:
                return None
            started = run.start(self.clock.now())
            work.job_runs.save(started)
            work.commit()
        return started

    @repeated_when_lost
    def _started_by_hand(self, name: str) -> JobRun:
        now = self.clock.now()
        run = JobRun(job=name).send(now).start(now)
        with self.unit_of_work() as work:
            run = run.kept_as(work.job_runs.add(run))
            work.commit()
        return run

    @repeated_when_lost
    def _complete(self, job: Job, run: JobRun, result: JobResult) -> JobRun:
        with self.unit_of_work() as work:
            ended = run.complete(result, self.clock.now())
            work.job_runs.save(ended)
            for occurrence in result.occurrences:
                record(work, occurrence, SYSTEM)
            if not job.keeps_history:
                work.job_runs.forget_before(ended)
            work.commit()
        return ended

    def _fail(self, job: Job, run: JobRun, error: BaseException) -> None:
        try:
            self._put_on_record(job, run, f"{type(error).__name__}: {error}".rstrip(": "))
        except StoreUnavailable as unavailable:  # it stays running, and is found dead later
            logger.warning("the failure of %s was not put on record: %s", job.name, unavailable)

    @repeated_when_lost
    def _put_on_record(self, job: Job, run: JobRun, error: str) -> None:
        now = self.clock.now()
        with self.unit_of_work() as work:
            work.job_runs.save(run.fail(error, now))
            if job.tell_failure is not None:
                record(work, job.tell_failure(error, now), SYSTEM)
            work.commit()
