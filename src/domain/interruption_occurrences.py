"""What notices leave behind, and the advice on them (contract/domain.md 4.9.3).

Which calls write an event or a notification is part of the contract, and so is every text here.
"""

from datetime import datetime

from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.identifiers import InstanceId
from spot_optimizer.domain.interruptions import Interruption
from spot_optimizer.domain.journal import (
    AuditEntry,
    Occurrence,
    SystemEvent,
)
from spot_optimizer.domain.pricing.pool_choice import RebalanceAdvice
from spot_optimizer.domain.values import Severity


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
