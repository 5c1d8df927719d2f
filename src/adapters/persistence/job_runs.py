"""Runs of background jobs, in `data_processing_jobs`.

The table knows four kinds of jobs and has no column for their names, so the name is in the
metadata, and jobs that are of none of these kinds pass for clean-ups.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import data_processing_jobs
from spot_optimizer.domain.jobs import JobResult, JobRun, RunId, RunStatus

_KINDS: Final[Mapping[str, str]] = {
    "aggregate_pricing_hourly": "deduplication",
    "aggregate_pricing_daily": "gap-filling",
    "pricing_data_quality": "gap-filling",
}
_ANY_OTHER_KIND: Final = "cleanup"

_STATUSES: Final[Mapping[RunStatus, str]] = {
    RunStatus.WAITING: "pending",
    RunStatus.QUEUED: "pending",
    RunStatus.RUNNING: "running",
    RunStatus.COMPLETED: "completed",
    RunStatus.FAILED: "failed",
}

_ROW: Final = data_processing_jobs.c
_NAME: Final = _ROW.metadata["job"].as_string()
_SLOT: Final = _ROW.metadata["slot"].as_string()
_HAS_ENDED: Final = _ROW.status.in_(("completed", "failed"))

_ALL: Final = select(data_processing_jobs)
_NEWEST: Final = _ALL.where(
    _ROW.id.in_(select(func.max(_ROW.id)).where(_SLOT.is_not(None)).group_by(_NAME))
)
_LAST_ENDED: Final = _ALL.where(
    _ROW.id.in_(select(func.max(_ROW.id)).where(_NAME.is_not(None), _HAS_ENDED).group_by(_NAME))
)


class SqlJobRunRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hold(self, run_id: RunId) -> JobRun | None:
        row = self._connection.execute(_ALL.where(_ROW.id == run_id).with_for_update()).first()
        return None if row is None else _to_run(row)

    def newest_of(self, job: str) -> JobRun | None:
        row = self._connection.execute(
            _ALL.where(job == _NAME, _SLOT.is_not(None)).order_by(_ROW.id.desc()).limit(1)
        ).first()
        return None if row is None else _to_run(row)

    def add(self, run: JobRun) -> RunId:
        added = self._connection.execute(insert(data_processing_jobs).values(_to_row(run)))
        key = added.inserted_primary_key
        assert key is not None  # noqa: S101  # the table has one
        return RunId(key[0])

    def save(self, run: JobRun) -> None:
        self._connection.execute(
            update(data_processing_jobs).where(_ROW.id == run.id).values(_to_row(run))
        )

    def forget_before(self, run: JobRun) -> None:
        earlier = select(_ROW.id).where(run.job == _NAME, _ROW.id < run.id, _HAS_ENDED)
        ids = self._connection.execute(earlier).scalars().all()
        if ids:
            self._connection.execute(delete(data_processing_jobs).where(_ROW.id.in_(ids)))


class SqlJobRunQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self) -> Mapping[str, JobRun]:
        with reading(self._engine) as connection:
            return {run.job: run for run in map(_to_run, connection.execute(_NEWEST))}

    def last_ended(self) -> Mapping[str, JobRun]:
        with reading(self._engine) as connection:
            return {run.job: run for run in map(_to_run, connection.execute(_LAST_ENDED))}

    def ended(self, job: str | None, limit: int) -> Sequence[JobRun]:
        wanted = _ALL.where(_NAME.is_not(None) if job is None else job == _NAME, _HAS_ENDED)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_ROW.id.desc()).limit(limit))
            return [_to_run(row) for row in rows]


def _to_run(row: Row[Any]) -> JobRun:
    more: Mapping[str, Any] = row.metadata
    return JobRun(
        id=RunId(row.id),
        job=more["job"],
        slot=_instant(more.get("slot")),
        status=RunStatus(more["status"]),
        queued_at=_instant(more.get("queued_at")),
        started_at=_instant(more.get("started_at")),
        ended_at=_instant(more.get("ended_at")),
        starts=int(more.get("starts", 0)),
        error=row.error_message,
        result=JobResult(
            processed=row.records_processed or 0,
            inserted=row.records_inserted or 0,
            updated=row.records_updated or 0,
            deleted=row.records_deleted or 0,
            details={name: int(it) for name, it in more.get("details", {}).items()},
        ),
    )


def _to_row(run: JobRun) -> dict[str, Any]:
    """The columns hold whole seconds, so exact times are in the metadata."""
    times = {
        "slot": run.slot,
        "queued_at": run.queued_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
    }
    return {
        "job_type": _KINDS.get(run.job, _ANY_OTHER_KIND),
        "status": _STATUSES[run.status],
        "start_time": run.started_at or run.slot or run.queued_at,
        "end_time": run.ended_at,
        "completed_at": run.ended_at,
        "records_processed": run.result.processed,
        "records_inserted": run.result.inserted,
        "records_updated": run.result.updated,
        "records_deleted": run.result.deleted,
        "error_message": run.error,
        "metadata": {
            "job": run.job,
            "status": run.status,
            "starts": run.starts,
            **{name: at.isoformat() for name, at in times.items() if at is not None},
            "details": dict(run.result.details),
        },
    }


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
