from collections.abc import Mapping
from datetime import datetime
from typing import Final, Self

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.application.jobs.list_jobs import JobLine, ListJobs
from spot_optimizer.domain.jobs import JobRun

_RUNS: Final = 50
_MOST_RUNS: Final = 500


class RunItem(Struct, rename="camel"):
    job: str
    slot: str | None
    started_at: str | None
    ended_at: str | None
    duration_seconds: float | None
    outcome: str
    error: str | None
    processed: int
    inserted: int
    updated: int
    deleted: int
    details: Mapping[str, int]

    @classmethod
    def of(cls, run: JobRun) -> Self:
        return cls(
            job=run.job,
            slot=_text(run.slot),
            started_at=_text(run.started_at),
            ended_at=_text(run.ended_at),
            duration_seconds=None if run.duration is None else run.duration.total_seconds(),
            outcome=run.status,
            error=run.error,
            processed=run.result.processed,
            inserted=run.result.inserted,
            updated=run.result.updated,
            deleted=run.result.deleted,
            details=run.result.details,
        )


class JobItem(Struct, rename="camel"):
    name: str
    schedule: str
    status: str
    next_run: str | None
    last_run: RunItem | None

    @classmethod
    def of(cls, line: JobLine) -> Self:
        return cls(
            name=line.name,
            schedule=line.schedule,
            status=line.status,
            next_run=_text(line.next_at),
            last_run=RunItem.of(line.last) if line.last else None,
        )


class JobPage(Struct):
    jobs: list[JobItem]


class RunPage(Struct):
    runs: list[RunItem]


def admin_job_handlers(*, gatekeeper: Gatekeeper, list_jobs: ListJobs) -> list[HTTPRouteHandler]:
    """What runs in the background, for operators."""

    @get("/api/admin/jobs")
    async def jobs(request: AnyRequest) -> JobPage:
        await gatekeeper.operator_only(request)
        return JobPage([JobItem.of(line) for line in await in_thread(list_jobs)])

    @get("/api/admin/jobs/{name:str}/history")
    async def history(request: AnyRequest, name: FromPath[str]) -> RunPage:
        await gatekeeper.operator_only(request)
        limit = _limit(request.query_params.get("limit"))
        return RunPage([RunItem.of(run) for run in await in_thread(list_jobs.history, name, limit)])

    return [jobs, history]


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _limit(given: str | None) -> int:
    try:
        return max(1, min(_MOST_RUNS, int(given or _RUNS)))
    except ValueError:
        return _RUNS
