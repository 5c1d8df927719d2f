"""The catalogue, continued: what clients and operators do at a dashboard leaves this behind
(contract/clients-and-notifications.md 5, 6.6, 8.4)."""

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime

from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.commands.manual_switch import ManualSwitch
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.identifiers import ClientId, InstanceId, NotificationId, ReplicaId
from spot_optimizer.domain.journal import (
    AuditEntry,
    Notification,
    Occurrence,
    SystemEvent,
    changes,
)
from spot_optimizer.domain.values import Severity


def agent_toggled(before: Agent, after: Agent, word: str, now: datetime) -> Occurrence:
    """`word` is `enabled` or `disabled`."""
    audit = _settings_audit("agent_toggled", before, after)
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="agent_toggled",
            severity=Severity.INFO,
            message=f"Agent {after.id} {word}",
            agent_id=after.id,
        ),
        audit=audit if audit.changes else None,
    )


def agent_configured(
    before: Agent, after: Agent, ended: Collection[ReplicaId], now: datetime
) -> Occurrence | None:
    audit = _settings_audit("agent_configured", before, after, ended)
    return Occurrence(at=now, audit=audit) if audit.changes or ended else None


def limits_changed(
    agent: Agent, before: SwitchLimits, after: SwitchLimits, now: datetime
) -> Occurrence | None:
    was, is_now = asdict(before), asdict(after)
    changed = {name: (was[name], is_now[name]) for name in was if was[name] != is_now[name]}
    if not changed:
        return None
    return Occurrence(
        at=now,
        audit=AuditEntry(
            entity_type="agent",
            entity_id=agent.id,
            action="agent_limits_changed",
            changes=changed,
        ),
    )


def agent_deleted(
    before: Agent, after: Agent, ended: Collection[ReplicaId], now: datetime
) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="agent_deleted",
            severity=Severity.INFO,
            message=f"Agent {after.id} deleted by user",
            client_id=after.client_id,
        ),
        notification=Notification(
            client_id=after.client_id,
            message=f"Agent {after.id} has been deleted",
            severity=Severity.INFO,
        ),
        audit=_settings_audit("agent_deleted", before, after, ended),
    )


def manual_switch_requested(
    command: Command, instance_id: InstanceId, wanted: ManualSwitch, now: datetime
) -> Occurrence:
    to_type = {} if wanted.new_type is None else {"new_instance_type": wanted.new_type}
    suffix = "" if wanted.new_type is None else f" (type: {wanted.new_type})"
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="manual_switch_requested",
            severity=Severity.INFO,
            message=f"Manual switch requested for {instance_id} to {wanted.target}",
            client_id=command.client_id,
            agent_id=command.agent_id,
            instance_id=instance_id,
            metadata={"target": wanted.target, "pool_id": wanted.pool_id, **to_type},
        ),
        notification=Notification(
            client_id=command.client_id,
            message=f"Manual switch queued for {instance_id}{suffix}",
            severity=Severity.WARNING,
        ),
        audit=AuditEntry(
            entity_type="command",
            entity_id=command.id,
            action="manual_switch_requested",
            details={"agent_id": command.agent_id, "priority": command.priority, **to_type},
            changes=changes(
                target_mode=(None, command.target_mode),
                target_pool_id=(None, command.target_pool_id),
                status=(None, command.status),
            ),
        ),
    )


def notification_read(notification_id: NotificationId, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(
            entity_type="notification",
            entity_id=notification_id,
            action="notification_read",
            changes=changes(is_read=(False, True)),
        ),
    )


def all_notifications_read(client_id: ClientId | None, count: int, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(
            entity_type="client",
            entity_id=client_id or "all",
            action="notifications_read",
            details={"count": count},
            changes=changes(is_read=(False, True)),
        ),
    )


def _settings_audit(
    action: str, before: Agent, after: Agent, ended: Iterable[ReplicaId] = ()
) -> AuditEntry:
    was, is_now = asdict(before.settings), asdict(after.settings)
    terminated = list(ended)
    return AuditEntry(
        entity_type="agent",
        entity_id=after.id,
        action=action,
        details={"terminated_replicas": terminated} if terminated else None,
        changes=changes(
            status=(before.status, after.status),
            current_replica_id=(before.current_replica_id, after.current_replica_id),
            **{name: (was[name], is_now[name]) for name in was},
        ),
    )
