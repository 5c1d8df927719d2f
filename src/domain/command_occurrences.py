"""What decisions, orders and the switches made of them leave behind (contract/domain.md 4.9.3).

Which calls write an event or a notification is part of the contract, and so is every text here.
"""

from datetime import datetime
from decimal import Decimal

from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.identifiers import InstanceId
from spot_optimizer.domain.journal import (
    AuditEntry,
    Notification,
    Occurrence,
    SystemEvent,
    changes,
)
from spot_optimizer.domain.switching import Switch
from spot_optimizer.domain.values import Severity


def decision_failed(instance_id: str | None, error: str, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="decision_error",
            severity=Severity.ERROR,
            message=error,
            instance_id=InstanceId(instance_id) if instance_id else None,
        ),
    )


def switch_command_issued(agent: Agent, command: Command, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        notification=Notification(
            client_id=agent.client_id,
            message=f"Switch command issued to {agent.name}: {command.target_mode}",
            severity=Severity.INFO,
        ),
        audit=_issued(command),
    )


def emergency_ordered(command: Command, now: datetime) -> Occurrence:
    return Occurrence(at=now, audit=_issued(command))


def _issued(command: Command) -> AuditEntry:
    return AuditEntry(
        entity_type="command",
        entity_id=command.id,
        action="command_issued",
        details={"agent_id": command.agent_id, "priority": command.priority},
        changes=changes(
            target_mode=(None, command.target_mode),
            target_pool_id=(None, command.target_pool_id),
            status=(None, command.status),
        ),
    )


def command_changed(before: Command, after: Command, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(
            entity_type="command",
            entity_id=after.id,
            action=f"command_{after.status}",
            details={"agent_id": after.agent_id, "message": after.message},
            changes=changes(
                status=(before.status, after.status),
                priority=(before.priority, after.priority),
            ),
        ),
    )


def switch_recorded(switch: Switch, agent: Agent, before: Agent, now: datetime) -> Occurrence:
    report = switch.report
    impact = report.savings_impact
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="switch_completed",
            severity=Severity.INFO,
            message=f"Switch from {report.old.instance_id} to {report.new_instance_id}",
            client_id=agent.client_id,
            agent_id=agent.id,
            instance_id=report.new_instance_id,
            metadata={"savings_impact": float(impact)},
        ),
        notification=Notification(
            client_id=agent.client_id,
            message=f"Instance switched: {report.new_instance_id} - "
            f"Saved ${_four_decimals(impact)}/hr",
            severity=Severity.INFO,
        ),
        audit=AuditEntry(
            entity_type="switch",
            entity_id=switch.id,
            action="switch_recorded",
            details={"agent_id": agent.id, "savings_impact": float(impact)},
            changes=changes(
                instance_id=(before.primary_instance_id, agent.primary_instance_id),
                mode=(before.placement.mode, agent.placement.mode),
                pool_id=(before.placement.pool_id, agent.placement.pool_id),
            ),
        ),
    )


def _four_decimals(amount: Decimal) -> str:
    return f"{amount:.4f}"
