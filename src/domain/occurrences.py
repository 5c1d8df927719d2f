"""The catalogue: what each thing that happens leaves for its readers (contract/domain.md 4.9.3).

Which calls write an event or a notification is part of the contract, and so is every text here.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from spot_optimizer.domain.agents.agent import Agent, AgentStatus
from spot_optimizer.domain.agents.registration import Registered, RegistrationOutcome
from spot_optimizer.domain.cleanups import TidiedAway
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.identifiers import ClientId, InstanceId
from spot_optimizer.domain.interruptions import Interruption
from spot_optimizer.domain.journal import (
    AuditEntry,
    Notification,
    Occurrence,
    SystemEvent,
    changes,
)
from spot_optimizer.domain.pricing.pool_choice import RebalanceAdvice
from spot_optimizer.domain.switching import Switch
from spot_optimizer.domain.values import Severity


def unknown_token(path: str, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="auth_failed",
            severity=Severity.WARNING,
            message=f"Invalid client token attempt for endpoint {path}",
        ),
    )


def inactive_client(client_id: ClientId, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="auth_failed",
            severity=Severity.WARNING,
            message=f"Inactive client {client_id} attempted access",
            client_id=client_id,
        ),
    )


def logged_in(session_id: str, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(entity_type="session", entity_id=session_id, action="logged_in"),
    )


def logged_out(session_id: str, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(entity_type="session", entity_id=session_id, action="logged_out"),
    )


def client_created(client: Client, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="client_created",
            severity=Severity.INFO,
            message=f"Client {client.name} created",
            client_id=client.id,
            metadata={"client_name": client.name},
        ),
        notification=Notification(
            client_id=client.id,
            message=f"New client created: {client.name}",
            severity=Severity.INFO,
        ),
        audit=AuditEntry(
            entity_type="client",
            entity_id=client.id,
            action="client_created",
            changes=changes(name=(None, client.name), email=(None, client.email)),
        ),
    )


def client_deleted(client: Client, now: datetime) -> Occurrence:
    """Told without the client's id as a key: the event must outlive its client."""
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="client_deleted",
            severity=Severity.WARNING,
            message=f"Client {client.name} ({client.id}) deleted permanently",
            metadata={"deleted_client_id": client.id, "deleted_client_name": client.name},
        ),
        audit=AuditEntry(
            entity_type="client",
            entity_id=client.id,
            action="client_deleted",
            changes=changes(name=(client.name, None), email=(client.email, None)),
        ),
    )


def token_regenerated(client: Client, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="token_regenerated",
            severity=Severity.WARNING,
            message=f"Token regenerated for {client.name}",
            client_id=client.id,
        ),
        notification=Notification(
            client_id=client.id,
            message=f"API token regenerated for client: {client.name}. All agents need new token.",
            severity=Severity.WARNING,
        ),
        audit=AuditEntry(entity_type="client", entity_id=client.id, action="token_regenerated"),
    )


def token_shown(client_id: ClientId, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        audit=AuditEntry(entity_type="client", entity_id=client_id, action="token_shown"),
    )


def registration_refused(
    client_id: ClientId | None, details: Mapping[str, object], now: datetime
) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="validation_error",
            severity=Severity.WARNING,
            message=f"Agent registration validation failed: {dict(details)}",
            client_id=client_id,
        ),
    )


def registration_failed(client_id: ClientId | None, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="agent_registration_failed",
            severity=Severity.ERROR,
            message="Agent registration failed unexpectedly",
            client_id=client_id,
        ),
    )


def agent_registered(
    registered: Registered, before: Agent | None, instance_id: InstanceId, now: datetime
) -> Occurrence:
    agent = registered.agent
    is_new = registered.outcome is RegistrationOutcome.MINTED
    audit = _agent_audit(f"agent_{registered.outcome}", before, agent)
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="agent_registered",
            severity=Severity.INFO,
            message=f"Agent {agent.logical_agent_id} registered successfully",
            client_id=agent.client_id,
            agent_id=agent.id,
            instance_id=instance_id,
        ),
        notification=Notification(
            client_id=agent.client_id,
            message=f"New agent registered: {agent.logical_agent_id}",
            severity=Severity.INFO,
        )
        if is_new
        else None,
        audit=audit if audit.changes else None,
    )


def agent_heard(before: Agent, after: Agent, now: datetime) -> Occurrence | None:
    """None when only the time of the heartbeat changed: telemetry leaves no trace."""
    notification = None
    if before.status != after.status:
        if after.status is AgentStatus.OFFLINE:
            notification = Notification(
                client_id=after.client_id,
                message=f"Agent {after.id} went offline",
                severity=Severity.WARNING,
            )
        elif (before.status, after.status) == (AgentStatus.OFFLINE, AgentStatus.ONLINE):
            notification = Notification(
                client_id=after.client_id,
                message=f"Agent {after.id} is back online",
                severity=Severity.INFO,
            )
    audit = _agent_audit("agent_changed", before, after)
    if not audit.changes:
        return None
    return Occurrence(at=now, notification=notification, audit=audit)


def agent_fell_silent(before: Agent, after: Agent, timeout_s: int, now: datetime) -> Occurrence:
    last = before.last_heartbeat_at
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="agent_marked_offline",
            severity=Severity.WARNING,
            message=f"Agent {after.name} marked offline due to heartbeat timeout ({timeout_s}s)",
            client_id=after.client_id,
            agent_id=after.id,
            instance_id=after.primary_instance_id,
            metadata={
                "timeout_seconds": timeout_s,
                "last_heartbeat_at": last and last.replace(tzinfo=None).isoformat(),
            },
        ),
        notification=Notification(
            client_id=after.client_id,
            message=f"Agent {after.name} marked offline (heartbeat timeout)",
            severity=Severity.WARNING,
        ),
        audit=_agent_audit("agent_marked_offline", before, after),
    )


def agent_terminated(
    before: Agent,
    after: Agent,
    reason: str | None,
    report: Mapping[str, object],
    now: datetime,
) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="instance_terminated",
            severity=Severity.WARNING,
            message=reason,
            client_id=after.client_id,
            agent_id=after.id,
            metadata=report,
        ),
        notification=Notification(
            client_id=after.client_id,
            message=f"Agent {after.id} terminated: {reason}",
            severity=Severity.WARNING,
        ),
        audit=_agent_audit("agent_terminated", before, after),
    )


def cleanup_completed(agent: Agent, tidied: TidiedAway, now: datetime) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="cleanup_completed",
            severity=Severity.INFO,
            message=f"Cleaned {tidied.snapshots} snapshots, {tidied.amis} AMIs. "
            f"Failed: {tidied.failed}",
            client_id=agent.client_id,
            agent_id=agent.id,
            metadata=tidied.as_received,
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


def interruption_accepted(agent: Agent, interruption: Interruption, now: datetime) -> Occurrence:
    severity, message = Severity.WARNING, "Rebalance recommendation detected for instance"
    if interruption.is_termination:
        severity, message = Severity.CRITICAL, "Two-minute termination notice for instance"
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="interruption_signal",
            severity=severity,
            message=f"{message} {interruption.instance_id}",
            client_id=agent.client_id,
            agent_id=agent.id,
            instance_id=interruption.instance_id,
            metadata={"signal_type": interruption.signal_type},
        ),
        audit=_interruption_audit(agent, interruption),
    )


def notice_accepted(agent: Agent, interruption: Interruption, now: datetime) -> Occurrence:
    """On the replica endpoints, which write no event (contract/agents-and-replicas.md 1.5)."""
    return Occurrence(at=now, audit=_interruption_audit(agent, interruption))


def rebalance_advised(
    agent: Agent, instance_id: InstanceId, advice: RebalanceAdvice, now: datetime
) -> Occurrence:
    return Occurrence(
        at=now,
        event=SystemEvent(
            event_type="rebalance_recommendation",
            severity=Severity.WARNING,
            message=f"Rebalance recommendation for {instance_id}. "
            f"Risk: {advice.risk_text}. Action: {advice.action}",
            client_id=agent.client_id,
            agent_id=agent.id,
            metadata={"risk_score": advice.risk_score, "action": advice.action},
        ),
    )


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


def _interruption_audit(agent: Agent, interruption: Interruption) -> AuditEntry:
    return AuditEntry(
        entity_type="agent",
        entity_id=agent.id,
        action="interruption_accepted",
        details={
            "instance_id": interruption.instance_id,
            "pool_id": interruption.pool_id,
            "signal_type": interruption.signal_type,
        },
    )


def _agent_audit(action: str, before: Agent | None, after: Agent) -> AuditEntry:
    at, was = after.placement, before and before.placement
    return AuditEntry(
        entity_type="agent",
        entity_id=after.id,
        action=action,
        changes=changes(
            status=(before and before.status, after.status),
            instance_id=(before and before.primary_instance_id, after.primary_instance_id),
            instance_type=(was and was.instance_type, at.instance_type),
            zone=(was and was.zone, at.zone),
            mode=(was and was.mode, at.mode),
            pool_id=(was and was.pool_id, at.pool_id),
        ),
    )


def _four_decimals(amount: Decimal) -> str:
    return f"{amount:.4f}"
