"""What the life of replicas leaves behind: audit entries, and no more (ruling R7).

Dashboards show every event and notification, and the endpoints name none of these
(contract/agents-and-replicas.md 1.5).
"""

from datetime import datetime

from spot_optimizer.domain.journal import AuditEntry, Occurrence, changes
from spot_optimizer.domain.replicas.promotion import Promotion
from spot_optimizer.domain.replicas.replica import Replica


def replica_created(replica: Replica) -> Occurrence:
    return Occurrence(
        at=replica.created_at,
        audit=AuditEntry(
            entity_type="replica",
            entity_id=replica.id,
            action="replica_created",
            details={"agent_id": replica.agent_id, "type": replica.replica_type},
            changes=changes(
                status=(None, replica.status),
                pool_id=(None, replica.pool_id),
                instance_id=(None, replica.instance_id),
            ),
        ),
    )


def replica_changed(
    before: Replica, after: Replica, reason: str | None, now: datetime
) -> Occurrence | None:
    """None where only its progress has changed."""
    changed = changes(
        status=(before.status, after.status), instance_id=(before.instance_id, after.instance_id)
    )
    if not changed:
        return None
    return Occurrence(
        at=now,
        audit=AuditEntry(
            entity_type="replica",
            entity_id=after.id,
            action=f"replica_{after.status}",
            details={"agent_id": after.agent_id, **({"reason": reason} if reason else {})},
            changes=changed,
        ),
    )


def primary_changed(promotion: Promotion) -> Occurrence:
    change = promotion.change
    return Occurrence(
        at=change.at,
        audit=AuditEntry(
            entity_type="agent",
            entity_id=change.agent_id,
            action=change.reason.replace("-", "_"),
            details={"replica_id": promotion.replica.id},
            changes=changes(
                instance_id=(change.old_instance_id, change.new_instance_id),
            ),
        ),
    )
