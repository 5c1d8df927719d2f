from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaChanges:
    """What became of replicas of one agent."""

    agent: Agent
    known: Sequence[Replica]
    """Its replicas as they were."""
    changed: Sequence[Replica]
    by: Caller
    reason: str | None = None

    def new(self) -> Sequence[Replica]:
        before = {replica.id for replica in self.known}
        return [one for one in self.changed if one.id not in before]

    def altered(self) -> Sequence[tuple[Replica, Replica]]:
        """Each as it was and as it is."""
        before = {replica.id: replica for replica in self.known}
        pairs = [(before[one.id], one) for one in self.changed if one.id in before]
        return [(was, now) for was, now in pairs if was != now]

    def counted(self) -> Agent:
        """The agent counted anew (INV-6)."""
        return recounted(self.agent, {one.id: one for one in (*self.known, *self.changed)}.values())


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
    """As `save_replicas_of_all`, of one agent."""
    changes = ReplicaChanges(agent=agent, known=known, changed=changed, by=by, reason=reason)
    (counted,) = save_replicas_of_all(work, [changes], now, compatibility)
    return counted


def save_replicas_of_all(
    work: UnitOfWork,
    together: Sequence[ReplicaChanges],
    now: datetime,
    compatibility: Compatibility,
) -> Sequence[Agent]:
    """Save what became of replicas of different agents, and tell about it.

    Returns the agents counted anew, not saved yet.
    """
    work.replicas.add_all([replica for one in together for replica in one.new()])
    work.replicas.save_all([after for one in together for _, after in one.altered()])
    for one in together:
        for replica in one.new():
            record(work, replica_created(replica), one.by)
        for before, after in one.altered():
            record(work, replica_changed(before, after, one.reason, now), one.by)
    if not compatibility.replica_changes_touch_little:
        _close_instances(work, together, now)
    return [one.counted() for one in together]


def save_if_changed(work: UnitOfWork, before: Agent, after: Agent, now: datetime) -> None:
    if after != before:
        work.agents.save(after, now)


def _close_instances(work: UnitOfWork, together: Sequence[ReplicaChanges], now: datetime) -> None:
    """The machines of ended replicas have ended with them, unless one carries the workload."""
    ended = {
        (one.agent.id, replica.instance_id.casefold()): replica.instance_id
        for one in together
        for _, replica in one.altered()
        if replica.status is ReplicaStatus.TERMINATED
        and replica.has_machine
        and replica.instance_id != one.agent.primary_instance_id
    }
    known = work.instances.of(set(ended.values())).values()
    theirs = [one for one in known if (one.agent_id, one.id.casefold()) in ended]
    work.instances.save_all([one.close(now) for one in theirs if one.is_active], now)
