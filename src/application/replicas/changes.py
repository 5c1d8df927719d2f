from collections.abc import Sequence
from datetime import datetime

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.occurrences import replica_changed, replica_created
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.replicas.standbys import recounted


def save_replicas(
    work: UnitOfWork,
    agent: Agent,
    known: Sequence[Replica],
    changed: Sequence[Replica],
    now: datetime,
    by: Caller,
    compatibility: Compatibility,
    reason: str | None = None,
) -> Agent:
    """Save what became of replicas of the agent, and tell about it.

    `known` are its replicas as they were. Returns the agent counted anew (INV-6), not saved yet.
    """
    before = {replica.id: replica for replica in known}
    for replica in changed:
        if replica.id not in before:
            work.replicas.add(replica)
            record(work, replica_created(replica), by)
    saved = [one for one in changed if one.id in before and before[one.id] != one]
    work.replicas.save_all(saved)
    for replica in saved:
        record(work, replica_changed(before[replica.id], replica, reason, now), by)
    if not compatibility.replica_changes_touch_little:
        _close_instances(work, agent, saved, now)
    after = {**before, **{replica.id: replica for replica in changed}}
    return recounted(agent, after.values())


def save_if_changed(work: UnitOfWork, before: Agent, after: Agent, now: datetime) -> None:
    if after != before:
        work.agents.save(after, now)


def _close_instances(
    work: UnitOfWork, agent: Agent, replicas: Sequence[Replica], now: datetime
) -> None:
    """The machines of ended replicas have ended with them, unless one carries the workload."""
    ended = [
        replica.instance_id
        for replica in replicas
        if replica.status is ReplicaStatus.TERMINATED
        and replica.has_machine
        and replica.instance_id != agent.primary_instance_id
    ]
    for instance in work.instances.of(ended).values():
        if instance.agent_id == agent.id and instance.is_active:
            work.instances.save(instance.close(now), now)
