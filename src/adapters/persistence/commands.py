from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from spot_optimizer.adapters.persistence.tables import commands, pending_switch_commands
from spot_optimizer.adapters.persistence.upsert import update_rows
from spot_optimizer.domain.commands.command import OPEN, SWITCHES, Command, CommandStatus
from spot_optimizer.domain.identifiers import AgentId, CommandId, InstanceId

_OPEN: Final = (
    select(commands)
    .where(commands.c.agent_id.in_(bindparam("ids", expanding=True)))
    .where(commands.c.status.in_(sorted(OPEN)))
)
_OPEN_LEGACY: Final = (
    select(pending_switch_commands)
    .where(pending_switch_commands.c.agent_id.in_(bindparam("ids", expanding=True)))
    .where(pending_switch_commands.c.executed_at.is_(None))
)

# The older queue has no status; when an entry was handed out stands in its result until it is done.
_DELIVERED_AT: Final = "delivered_at"


def open_commands_of(
    connection: Connection, agent_ids: Collection[AgentId]
) -> dict[AgentId, list[Command]]:
    """Of both queues; agents without any are left out."""
    found: dict[AgentId, list[Command]] = defaultdict(list)
    if agent_ids:
        asked = {"ids": sorted(agent_ids)}
        for row in connection.execute(_OPEN, asked):
            found[AgentId(row.agent_id)].append(to_command(row))
        for row in connection.execute(_OPEN_LEGACY, asked):
            found[AgentId(row.agent_id)].append(to_legacy(row))
    return found


class SqlCommandRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, agent_id: AgentId, command_id: CommandId) -> Command | None:
        if command_id.isascii() and command_id.isdigit():
            return self._find_legacy(agent_id, command_id)
        row = self._connection.execute(
            select(commands)
            .where(commands.c.id == command_id)
            .where(commands.c.agent_id == agent_id)
            .with_for_update()
        ).one_or_none()
        return None if row is None or row.id != command_id else to_command(row)

    def open_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Sequence[Command]]:
        return open_commands_of(self._connection, agent_ids)

    def find_switch_of(self, agent_id: AgentId, old_instance_id: InstanceId) -> Command | None:
        row = self._connection.execute(
            select(commands)
            .where(commands.c.agent_id == agent_id)
            .where(commands.c.instance_id == old_instance_id)
            .where(commands.c.command_type.in_(sorted(SWITCHES)))
            .where(
                commands.c.status.in_(
                    [CommandStatus.PENDING, CommandStatus.EXECUTING, CommandStatus.COMPLETED]
                )
            )
            .where(commands.c.executed_at.is_not(None))
            .order_by(commands.c.executed_at.desc(), commands.c.id)
            .limit(1)
            .with_for_update()
        ).one_or_none()
        return None if row is None else to_command(row)

    def list_overdue(self, before: datetime) -> Sequence[Command]:
        rows = self._connection.execute(
            select(commands)
            .where(commands.c.status.in_(sorted(OPEN)))
            .where(commands.c.created_at < before)
            .order_by(commands.c.id)
            .with_for_update()
        )
        return [to_command(row) for row in rows]

    def add(self, command: Command) -> None:
        self._connection.execute(insert(commands).values(**_to_row(command)))

    def save_all(self, saved: Sequence[Command]) -> None:
        rows = [_to_row(command) for command in saved if not command.is_legacy]
        if rows:
            update_rows(self._connection, commands, rows, tuple(rows[0].keys() - {"id"}))
        legacy = [_to_legacy_row(command) for command in saved if command.is_legacy]
        update_rows(
            self._connection,
            pending_switch_commands,
            [row for row in legacy if row["execution_result"] is not None],
            ("executed_at", "execution_result"),
        )

    def keep_result(self, command: Command, report: Mapping[str, object]) -> None:
        self._connection.execute(
            update(commands)
            .where(commands.c.id == command.id)
            .values(execution_result=dict(report))
        )

    def close_legacy(self, command: Command, report: Mapping[str, object], at: datetime) -> None:
        self._connection.execute(
            update(pending_switch_commands)
            .where(pending_switch_commands.c.id == int(command.id))
            .values(executed_at=at, execution_result=dict(report))
        )

    def _find_legacy(self, agent_id: AgentId, command_id: CommandId) -> Command | None:
        if len(command_id) > len("9223372036854775807"):
            return None
        row = self._connection.execute(
            select(pending_switch_commands)
            .where(pending_switch_commands.c.id == min(int(command_id), 2**63 - 1))
            .where(pending_switch_commands.c.agent_id == agent_id)
            .with_for_update()
        ).one_or_none()
        return None if row is None else to_legacy(row)


def to_command(row: Row[*tuple[Any, ...]]) -> Command:
    return Command(
        id=row.id,
        client_id=row.client_id,
        agent_id=row.agent_id,
        command_type=row.command_type,
        target_mode=row.target_mode,
        target_pool_id=row.target_pool_id,
        instance_id=row.instance_id,
        priority=row.priority,
        terminate_wait_seconds=row.terminate_wait_seconds,
        status=CommandStatus(row.status),
        success=None if row.success is None else bool(row.success),
        message=row.message,
        created_by=row.created_by,
        trigger=row.trigger_type,
        created_at=row.created_at,
        executed_at=row.executed_at,
        completed_at=row.completed_at,
    )


def to_legacy(row: Row[*tuple[Any, ...]]) -> Command:
    result = row.execution_result if isinstance(row.execution_result, dict) else {}
    delivered = result.get(_DELIVERED_AT) if row.executed_at is None else None
    status = CommandStatus.PENDING
    if row.executed_at is not None:
        status = CommandStatus.COMPLETED
    elif delivered is not None:
        status = CommandStatus.EXECUTING
    return Command(
        id=CommandId(str(row.id)),
        client_id=row.client_id,
        agent_id=row.agent_id,
        target_mode=row.target_mode,
        target_pool_id=row.target_pool_id,
        instance_id=row.instance_id,
        priority=row.priority,
        terminate_wait_seconds=row.terminate_wait_seconds,
        status=status,
        created_at=row.created_at,
        executed_at=datetime.fromisoformat(delivered).astimezone(UTC)
        if delivered
        else row.executed_at,
        is_legacy=True,
    )


def _to_legacy_row(command: Command) -> dict[str, Any]:
    """Only its delivery and its end are kept; there is no place for more."""
    result: dict[str, object] | None = None
    if command.status is CommandStatus.EXECUTING and command.executed_at is not None:
        result = {_DELIVERED_AT: command.executed_at.isoformat()}
    elif not command.is_open:
        result = {"success": command.success, "message": command.message}
    return {
        "id": int(command.id),
        "client_id": command.client_id,
        "agent_id": command.agent_id,
        "instance_id": command.instance_id or "",
        "target_mode": command.target_mode,
        "executed_at": None if command.is_open else command.completed_at,
        "execution_result": result,
    }


def _to_row(command: Command) -> dict[str, Any]:
    return {
        "id": command.id,
        "client_id": command.client_id,
        "agent_id": command.agent_id,
        "command_type": command.command_type,
        "target_mode": command.target_mode,
        "target_pool_id": command.target_pool_id,
        "instance_id": command.instance_id,
        "priority": command.priority,
        "terminate_wait_seconds": command.terminate_wait_seconds,
        "status": command.status,
        "success": command.success,
        "message": command.message,
        "created_by": command.created_by,
        "trigger_type": command.trigger,
        "created_at": command.created_at,
        "executed_at": command.executed_at,
        "completed_at": command.completed_at,
    }
