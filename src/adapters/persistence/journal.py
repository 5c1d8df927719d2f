import logging
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Table, insert
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from spot_optimizer.adapters.persistence.tables import audit_logs, notifications, system_events
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.journal import AuditEntry, Notification, SystemEvent

logger = logging.getLogger(__name__)


class SqlEventLog:
    """Rows wait until the commit and never make it fail: a statement that the database refuses
    takes back nothing but itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[dict[str, Any]] = []
        self.added: list[SystemEvent] = []

    def add(self, event: SystemEvent, at: datetime) -> None:
        self.added.append(event)
        self._waiting.append(
            {
                "event_type": event.event_type,
                "severity": event.severity,
                "client_id": event.client_id,
                "agent_id": event.agent_id,
                "instance_id": event.instance_id and event.instance_id[:64],
                "message": event.message,
                "metadata": dict(event.metadata) if event.metadata else None,
                "created_at": at,
            }
        )

    def flush(self) -> None:
        _write_if_possible(self._connection, system_events, self._waiting)
        self._waiting = []


class SqlNotificationSink:
    """As the event log."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[dict[str, Any]] = []

    def add(self, notification: Notification, at: datetime) -> None:
        self._waiting.append(
            {
                "id": str(uuid4()),
                "client_id": notification.client_id,
                "message": notification.message,
                "severity": notification.severity,
                "is_read": False,
                "created_at": at,
            }
        )

    def flush(self) -> None:
        _write_if_possible(self._connection, notifications, self._waiting)
        self._waiting = []


class SqlAuditTrail:
    """Rows wait until the commit and fail it when they cannot be written."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[dict[str, Any]] = []

    def add(self, entry: AuditEntry, by: Caller, at: datetime) -> None:
        self._waiting.append(
            {
                "id": str(uuid4()),
                "entity_type": entry.entity_type,
                "entity_id": entry.entity_id[:36],
                "action": entry.action,
                "actor_type": by.kind,
                "actor_id": by.client_id or by.address,
                "details": dict(entry.details) if entry.details else None,
                "changes": {name: list(pair) for name, pair in entry.changes.items()} or None,
                "ip_address": by.address,
                "user_agent": by.user_agent,
                "created_at": at,
            }
        )

    def flush(self) -> None:
        if self._waiting:
            self._connection.execute(insert(audit_logs), self._waiting)
            self._waiting = []


def _write_if_possible(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    try:
        connection.execute(insert(table), rows)
    except OperationalError:
        raise  # the connection or the whole transaction is gone, not just these rows
    except SQLAlchemyError:
        logger.exception("could not write %d rows of %s", len(rows), table.name)
