"""A run of a background job, from the moment it is due to its outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType, Self

from spot_optimizer.domain.errors import NotFound
from spot_optimizer.domain.journal import Occurrence
from spot_optimizer.domain.state_machine import Arrow, transitions

RunId = NewType("RunId", int)

# A run that nobody has taken so long is sent again: what was sent may be lost with a broker.
SENT_AGAIN_AFTER: Final = timedelta(seconds=60)
# Workers that die of a job are not sacrificed to it for ever.
MOST_STARTS: Final = 4

_LONGEST_ERROR: Final = 2000


class JobNotFound(NotFound):
    def __init__(self, name: str) -> None:
        super().__init__(f"There is no job {name}")


class RunStatus(StrEnum):
    WAITING = "waiting"
    """For its slot."""
    QUEUED = "queued"
    """For a worker."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class RunEvent(StrEnum):
    SEND = "send"
    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"


_WAITING, _QUEUED, _RUNNING = RunStatus.WAITING, RunStatus.QUEUED, RunStatus.RUNNING
_COMPLETED, _FAILED = RunStatus.COMPLETED, RunStatus.FAILED

# Every arrow of a run. What is not drawn here does not happen.
ARROWS: Final = (
    Arrow((_WAITING,), RunEvent.SEND, _QUEUED, "its slot has come"),
    Arrow((_QUEUED,), RunEvent.SEND, _QUEUED, "no worker has taken it for a minute"),
    Arrow((_RUNNING,), RunEvent.SEND, _QUEUED, "its worker died, fewer than 4 starts"),
    Arrow((_QUEUED,), RunEvent.START, _RUNNING, effect="counts as a start"),
    Arrow((_FAILED,), RunEvent.START, _RUNNING, "the broker tries again"),
    Arrow((_RUNNING,), RunEvent.START, _RUNNING, "its worker died, and the broker knew first"),
    Arrow((_RUNNING,), RunEvent.COMPLETE, _COMPLETED, effect="counts, events and audit are kept"),
    Arrow((_RUNNING,), RunEvent.FAIL, _FAILED, effect="the error is kept"),
)
TRANSITIONS: Final = transitions(ARROWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What a run has done, in rows, and what is told of it."""

    processed: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    details: Mapping[str, int] = field(default_factory=dict)
    occurrences: tuple[Occurrence, ...] = ()
    """Told in the transaction that completes the run, so once."""

    def plus(self, other: Self) -> Self:
        names = [*self.details, *(name for name in other.details if name not in self.details)]
        return replace(
            self,
            processed=self.processed + other.processed,
            inserted=self.inserted + other.inserted,
            updated=self.updated + other.updated,
            deleted=self.deleted + other.deleted,
            details={it: self.details.get(it, 0) + other.details.get(it, 0) for it in names},
            occurrences=self.occurrences + other.occurrences,
        )


NOTHING_DONE: Final = JobResult()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    job: str
    id: RunId | None = None
    """Given by the store."""
    slot: datetime | None = None
    """When it was due; None was asked for by hand."""
    status: RunStatus = RunStatus.WAITING
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    starts: int = 0
    error: str | None = None
    result: JobResult = NOTHING_DONE

    @property
    def may_start(self) -> bool:
        return (self.status, RunEvent.START) in TRANSITIONS

    @property
    def has_ended(self) -> bool:
        return self.status in (RunStatus.COMPLETED, RunStatus.FAILED)

    @property
    def duration(self) -> timedelta | None:
        """Never negative, whatever the clock did meanwhile."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(timedelta(0), self.ended_at - self.started_at)

    def kept_as(self, run_id: RunId) -> Self:
        return replace(self, id=run_id)

    def send(self, now: datetime) -> Self:
        return replace(self._enter(RunEvent.SEND), queued_at=now)

    def start(self, now: datetime) -> Self:
        """Or failed, when it has cost enough workers."""
        if self.starts >= MOST_STARTS:
            return self.give_up(now)
        started = self._enter(RunEvent.START)
        return replace(started, started_at=now, ended_at=None, starts=self.starts + 1, error=None)

    def complete(self, result: JobResult, now: datetime) -> Self:
        return replace(self._enter(RunEvent.COMPLETE), ended_at=now, result=result)

    def fail(self, error: str, now: datetime) -> Self:
        return replace(self._enter(RunEvent.FAIL), ended_at=now, error=error[:_LONGEST_ERROR])

    def lose(self, now: datetime) -> Self:
        """Its worker died."""
        return self.give_up(now) if self.starts >= MOST_STARTS else self.send(now)

    def give_up(self, now: datetime) -> Self:
        error = f"its worker died {self.starts} times"
        return replace(self, status=RunStatus.FAILED, ended_at=now, error=error)

    def _enter(self, event: RunEvent) -> Self:
        return replace(self, status=TRANSITIONS[self.status, event])


def brought_up_to_date(
    job: str,
    newest: JobRun | None,
    next_after: Callable[[datetime], datetime],
    now: datetime,
    pause_after_failure: timedelta | None = None,
) -> JobRun:
    """The job's newest run as it has to be now, or its next one.

    Of several slots that have gone by, be it while everything was down or while the job took
    longer than its period, one is run. A clock that is set back by less than a period runs no
    slot twice; one that had been far ahead keeps no job waiting for longer than two slots.
    After a failure the pause counts, where there is one, and not the slots.
    """
    pause = pause_after_failure or timedelta(0)
    if newest is None:
        return JobRun(job=job, slot=next_after(now))
    match newest.status:
        case RunStatus.WAITING if newest.slot is not None and newest.slot <= now:
            return newest.send(now)
        case RunStatus.WAITING if newest.slot is not None and newest.slot > max(
            _second(next_after, now), now + pause
        ):
            return replace(newest, slot=next_after(now))
        case RunStatus.QUEUED if not _is_fresh(newest.queued_at, now):
            return newest.send(now)
        case RunStatus.FAILED if pause and newest.ended_at is not None:
            return JobRun(job=job, slot=newest.ended_at + pause)
        case RunStatus.COMPLETED | RunStatus.FAILED:
            reached = max(filter(None, (newest.slot, newest.started_at)), default=now)
            return JobRun(job=job, slot=next_after(reached))
        case _:
            return newest


def _second(next_after: Callable[[datetime], datetime], now: datetime) -> datetime:
    return next_after(next_after(now))


def _is_fresh(queued_at: datetime | None, now: datetime) -> bool:
    return queued_at is not None and abs(now - queued_at) < SENT_AGAIN_AFTER
