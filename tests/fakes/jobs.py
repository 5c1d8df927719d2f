"""Runs of jobs in memory, and workers that are sent to."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from spot_optimizer.application.ports.exclusion import Busy, Exclusion
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from spot_optimizer.domain.jobs import JobRun, RunId
from tests.fakes.keeping import Keeping


class InMemoryJobRuns(Keeping):
    def __init__(self) -> None:
        self.kept: dict[RunId, JobRun] = {}
        self._last = 0

    def hold(self, run_id: RunId) -> JobRun | None:
        return self.kept.get(run_id)

    def newest_of(self, job: str) -> JobRun | None:
        return self.newest().get(job)

    def add(self, run: JobRun) -> RunId:
        self._last += 1
        run_id = RunId(self._last)
        self.kept[run_id] = run.kept_as(run_id)
        return run_id

    def save(self, run: JobRun) -> None:
        assert run.id in self.kept
        self.kept[run.id] = run

    def forget_before(self, run: JobRun) -> None:
        assert run.id is not None
        for one in [it for it in self.kept.values() if it.job == run.job and it.has_ended]:
            if one.id is not None and one.id < run.id:
                del self.kept[one.id]

    def newest(self) -> Mapping[str, JobRun]:
        return {run.job: run for _, run in sorted(self.kept.items()) if run.slot is not None}

    def last_ended(self) -> Mapping[str, JobRun]:
        return {run.job: run for _, run in sorted(self.kept.items()) if run.has_ended}

    def ended(self, job: str | None, limit: int) -> Sequence[JobRun]:
        runs = [run for run in self.kept.values() if run.has_ended and job in (None, run.job)]
        return sorted(runs, key=lambda run: run.id or 0, reverse=True)[:limit]


class InMemoryQueue:
    """What was sent and nobody has taken yet; may be away."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, RunId]] = []
        self.is_away = False

    def send(self, job: str, run_id: RunId) -> None:
        if self.is_away:
            raise StoreUnavailable("the broker is away")
        self.sent.append((job, run_id))


class OneAtATimeByName:
    """Who runs what."""

    def __init__(self) -> None:
        self.running: set[str] = set()

    def __call__(self, job: str) -> Exclusion:
        def exclusion() -> AbstractContextManager[None]:
            return self._held(job)

        return exclusion

    @contextmanager
    def _held(self, job: str) -> Iterator[None]:
        if job in self.running:
            raise Busy
        self.running.add(job)
        try:
            yield
        finally:
            self.running.discard(job)
