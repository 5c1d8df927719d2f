"""Deleting what has been kept for long enough."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, delete, select, true

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.domain.retention import Deletion, Record


@dataclass(frozen=True, slots=True)
class _Kept:
    """How to find the old rows of a table: in the order of a time that an index knows."""

    table: Table
    time: str
    also_over: str | None = None
    """A later time that has to be old, too."""
    only: ColumnElement[bool] | None = None


KEPT: Final[Mapping[Record, _Kept]] = {
    Record.SPOT_PRICES: _Kept(tables.spot_price_snapshots, "captured_at"),
    Record.ON_DEMAND_PRICES: _Kept(tables.ondemand_price_snapshots, "captured_at"),
    Record.ENGINE_LOG: _Kept(tables.decision_engine_log, "created_at"),
    Record.PRICING_REPORTS: _Kept(tables.pricing_reports, "received_at"),
    Record.PREDICTIONS: _Kept(tables.model_predictions, "created_at"),
    Record.SYSTEM_EVENTS: _Kept(tables.system_events, "created_at"),
    Record.AUDIT: _Kept(tables.audit_logs, "created_at"),
    Record.READ_NOTIFICATIONS: _Kept(
        tables.notifications, "created_at", only=tables.notifications.c.is_read.is_(true())
    ),
    Record.COMMANDS: _Kept(
        tables.commands,
        "created_at",
        also_over="completed_at",
        only=tables.commands.c.status.in_(("completed", "failed", "cancelled")),
    ),
    Record.LEGACY_COMMANDS: _Kept(
        tables.pending_switch_commands, "created_at", also_over="executed_at"
    ),
    Record.RAW_SUBMISSIONS: _Kept(tables.pricing_submissions_raw, "received_at"),
    Record.HEALTH_METRICS: _Kept(tables.agent_health_metrics, "metric_time"),
    Record.POOL_RISKS: _Kept(tables.pool_risk_analysis, "analysis_time"),
    Record.REPLICA_COSTS: _Kept(tables.replica_cost_log, "log_time"),
    Record.CLEANUPS: _Kept(tables.cleanup_logs, "executed_at"),
    Record.JOB_RUNS: _Kept(
        tables.data_processing_jobs,
        "created_at",
        only=tables.data_processing_jobs.c.status.in_(("completed", "failed")),
    ),
}


class SqlOldRowsRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def delete(self, record: Record, before: datetime, position: object, most: int) -> Deletion:
        if record is Record.RISK_SCORES:
            return self._in_order_of_ids(tables.risk_scores, before, position, most)
        return self._in_order_of_time(KEPT[record], before, position, most)

    def _in_order_of_time(
        self, kept: _Kept, before: datetime, position: Any, most: int
    ) -> Deletion:
        key, time = kept.table.c.id, kept.table.c[kept.time]
        old = select(key, time).where(time < before).order_by(time).limit(most)
        if position is not None:  # what the rows before it have been spared for, they still are
            old = old.where(time >= position)
        if kept.also_over is not None:
            old = old.where(kept.table.c[kept.also_over] < before)
        if kept.only is not None:
            old = old.where(kept.only)
        rows = self._connection.execute(old).all()
        self._delete(kept.table, [row[0] for row in rows])
        return Deletion(len(rows), rows[-1][1] if len(rows) == most else None)

    def _in_order_of_ids(
        self, table: Table, before: datetime, position: Any, most: int
    ) -> Deletion:
        """Where no index knows the time: rows come in its order, so the first that are all young
        are the end."""
        key, time = table.c.id, table.c.created_at
        next_rows = select(key, time).where(key > (position or 0)).order_by(key).limit(most)
        rows = self._connection.execute(next_rows).all()
        old = [row[0] for row in rows if row[1] is not None and row[1] < before]
        self._delete(table, old)
        return Deletion(len(old), rows[-1][0] if old and len(rows) == most else None)

    def _delete(self, table: Table, keys: list[Any]) -> None:
        if keys:
            self._connection.execute(delete(table).where(table.c.id.in_(keys)))
