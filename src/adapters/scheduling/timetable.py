"""Background work inside the server's own process, which is the embedded default."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A use case without arguments, and how often it is due."""

    name: str
    run: Callable[[], object]
    every: timedelta
    needs_lease: bool = True
    """Whether it is left out while nobody can say that no other process runs it."""
    at_start: bool = False
    """Whether it is due at once, too."""


class Timetable:
    """Runs jobs when they are due. Of several processes with one cache, one runs each slot."""

    def __init__(self, jobs: Sequence[Job], cache: Cache, clock: Clock) -> None:
        self._jobs = jobs
        self._cache = cache
        self._clock = clock
        self._scheduler = BackgroundScheduler(timezone="UTC", daemon=True)

    def start(self) -> None:
        for job in self._jobs:
            self._scheduler.add_job(
                self.run_slot,
                IntervalTrigger(seconds=int(job.every.total_seconds())),
                args=(job,),
                id=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
                **({"next_run_time": self._clock.now()} if job.at_start else {}),
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Waits for what is running."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def run_slot(self, job: Job) -> None:
        """Run it unless another process has the slot; after a failure the next slot comes."""
        try:
            if self._has_slot(job):
                job.run()
        except StoreUnavailable as unavailable:
            logger.warning("%s was left out: %s", job.name, unavailable)
        except Exception:  # one failing job must not end the others
            logger.exception("%s failed", job.name)

    def _has_slot(self, job: Job) -> bool:
        slot = int(self._clock.now().timestamp() // job.every.total_seconds())
        try:
            return self._cache.add(f"job:{job.name}:{slot}", b"", 2 * job.every)
        except StoreUnavailable:
            if job.needs_lease:
                raise
            return True
