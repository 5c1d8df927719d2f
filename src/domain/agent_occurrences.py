"""What agents leave behind that come, go, fall silent and tidy up (contract/domain.md 4.9.3).

Which calls write an event or a notification is part of the contract, and so is every text here.
"""

from collections.abc import Mapping
from datetime import datetime

from spot_optimizer.domain.agents.agent import Agent, AgentStatus
from spot_optimizer.domain.agents.registration import Registered, RegistrationOutcome
from spot_optimizer.domain.cleanups import TidiedAway
from spot_optimizer.domain.identifiers import ClientId, InstanceId
from spot_optimizer.domain.journal import (
    AuditEntry,
    Notification,
    Occurrence,
    SystemEvent,
    changes,
)
from spot_optimizer.domain.values import Severity


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
