"""What other systems have not been told yet: notifications, and what happens to interruptions.

Of notifications a column says so, of interruptions their metadata.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Select,
    String,
    false,
    func,
    or_,
    select,
    true,
    type_coerce,
    update,
)

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import (
    agents,
    notifications,
    spot_interruption_events,
)
from spot_optimizer.adapters.persistence.tables.types import JSON_VALUE
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.webhooks import Message, MessageType

_READ_AT_ONCE: Final = 200

_NOTE: Final = notifications.c
_EVENT: Final = spot_interruption_events.c

# In the metadata of an interruption: since when it has been told.
_TOLD: Final = {
    MessageType.INTERRUPTION_RECEIVED: "receipt_told_at",
    MessageType.INTERRUPTION_COMPLETED: "completion_told_at",
}
_RECEIPT_TOLD: Final = _EVENT.metadata["receipt_told_at"].as_string()
_COMPLETION_TOLD: Final = _EVENT.metadata["completion_told_at"].as_string()
_IS_COMPLETE: Final = or_(
    _EVENT.failover_completed.is_(true()),
    _EVENT.metadata["emergency_complete"].as_string().is_not(None),
)

_NOTIFICATIONS: Final = (
    select(_NOTE.id, _NOTE.client_id, _NOTE.message, _NOTE.severity, _NOTE.created_at)
    .where(or_(_NOTE.sent_webhook.is_(false()), _NOTE.sent_webhook.is_(None)))
    .order_by(_NOTE.created_at, _NOTE.id)
)
_INTERRUPTIONS: Final = (
    select(
        _EVENT.id,
        _EVENT.agent_id,
        _EVENT.instance_id,
        _EVENT.pool_id,
        _EVENT.signal_type,
        _EVENT.detected_at,
        _EVENT.created_at,
        _EVENT.replica_id,
        _EVENT.failover_completed,
        _EVENT.success,
        _RECEIPT_TOLD.label("receipt_told"),
        _COMPLETION_TOLD.label("completion_told"),
        _IS_COMPLETE.label("is_complete"),
        agents.c.client_id,
    )
    .outerjoin(agents, agents.c.id == _EVENT.agent_id)
    .where(or_(_RECEIPT_TOLD.is_(None), (_COMPLETION_TOLD.is_(None)) & _IS_COMPLETE))
    .order_by(_EVENT.id)
)


class SqlUndeliveredMessages:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def undelivered(self, since: datetime) -> Iterator[Message]:
        """Interruptions first: they do not wait for notifications."""
        events: Sequence[Row[Any]] = self._page(_INTERRUPTIONS.where(_EVENT.detected_at >= since))
        while events:
            for event in events:
                yield from _of_interruption(event)
            further = _INTERRUPTIONS.where(_EVENT.detected_at >= since)
            events = self._page(further.where(_EVENT.id > events[-1].id))
        notes: Sequence[Row[Any]] = self._page(_NOTIFICATIONS.where(_NOTE.created_at >= since))
        while notes:
            yield from map(_of_notification, notes)
            last = notes[-1]
            is_later = or_(
                _NOTE.created_at > last.created_at,
                (_NOTE.created_at == last.created_at) & (_NOTE.id > last.id),
            )
            notes = self._page(
                _NOTIFICATIONS.where(_NOTE.created_at >= last.created_at).where(is_later)
            )

    @repeated_when_lost
    def _page(self, wanted: Select[*tuple[Any, ...]]) -> Sequence[Row[Any]]:
        with reading(self._engine) as connection:
            return connection.execute(wanted.limit(_READ_AT_ONCE)).all()


class SqlMessageLog:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def delivered(self, message: Message, at: datetime) -> None:
        """One field of the metadata, whatever else becomes of the interruption meanwhile."""
        if message.type is MessageType.NOTIFICATION:
            self._connection.execute(
                update(notifications).where(_NOTE.id == message.row).values(sent_webhook=True)
            )
            return
        known = func.coalesce(type_coerce(_EVENT.metadata, String), "{}")
        told = func.json_set(known, f"$.{_TOLD[message.type]}", at.isoformat(), type_=JSON_VALUE)
        self._connection.execute(
            update(spot_interruption_events).where(_EVENT.id == message.row).values(metadata=told)
        )


def _of_notification(row: Row[*tuple[Any, ...]]) -> Message:
    return Message(
        id=f"notification-{row.id}",
        type=MessageType.NOTIFICATION,
        at=row.created_at,
        text=row.message,
        data={
            "id": row.id,
            "client_id": row.client_id,
            "message": row.message,
            "severity": row.severity,
        },
        row=row.id,
    )


def _of_interruption(row: Row[*tuple[Any, ...]]) -> Iterator[Message]:
    data = {
        "id": row.id,
        "client_id": row.client_id,
        "agent_id": row.agent_id,
        "instance_id": row.instance_id,
        "pool_id": row.pool_id,
        "signal_type": row.signal_type,
        "detected_at": row.detected_at.isoformat(),
    }
    what = row.signal_type.replace("-", " ")
    if row.receipt_told is None:
        yield Message(
            id=f"interruption-{row.id}-received",
            type=MessageType.INTERRUPTION_RECEIVED,
            at=row.detected_at,
            text=f"Instance {row.instance_id} of agent {row.agent_id}: {what}",
            data=data,
            row=row.id,
        )
    if row.is_complete and row.completion_told is None:
        how = "failed over" if row.failover_completed else "over"
        yield Message(
            id=f"interruption-{row.id}-completed",
            type=MessageType.INTERRUPTION_COMPLETED,
            at=row.detected_at,
            text=f"Instance {row.instance_id} of agent {row.agent_id}: {what} {how}",
            data={
                **data,
                "failover_completed": bool(row.failover_completed),
                "success": bool(row.success),
                "replica_id": row.replica_id,
            },
            row=row.id,
        )
