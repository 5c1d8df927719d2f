from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.application.commands.settle_former import cancel_for_notice
from spot_optimizer.application.interruptions.failover import FailedOver, Failover
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock, Stopwatch
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import save_if_changed, save_replicas
from spot_optimizer.application.replicas.promotions import primary_of
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import InstanceRole, role_of
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound, NotFound
from spot_optimizer.domain.identifiers import AgentId, InstanceId, ReplicaId
from spot_optimizer.domain.interruptions import (
    FAILOVER_IS_REMEMBERED,
    HORIZON,
    Interruption,
    Resolution,
    ResponseAction,
    SignalType,
    same_notice,
)
from spot_optimizer.domain.replicas.promotion import PromotionReason
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.replicas.standbys import live, newest


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationNotice:
    instance_id: InstanceId | None = None
    termination_at: datetime | None = None
    replica_id: ReplicaId | None = None
    """Which replica is to take over, if it can."""


@dataclass(frozen=True, slots=True)
class AlreadyMoved:
    """The notice is for an instance that does not carry the workload."""

    primary_instance_id: InstanceId | None


@dataclass(frozen=True, slots=True)
class NobodyReady:
    """No replica can take over now; one that gets ready in time does."""

    agent_may_launch_one: bool = False
    """Said once of a notice, while no machine is coming up: who heard it twice would launch two
    (contract/real-agents.md 2, termination-imminent)."""


@dataclass(frozen=True, slots=True)
class FailOver:
    """The two-minute notice: a replica takes over within this call if one can.

    The same notice again gets the first answer and changes nothing (ruling R8). Settings, status
    and engine play no part (INV-14).
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    stopwatch: Stopwatch
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(
        self, agent_id: AgentId, said: TerminationNotice, caller: Caller
    ) -> FailedOver | AlreadyMoved | NobodyReady:
        now, began_s = self.clock.now(), self.stopwatch.seconds()
        with self.unit_of_work() as work:
            failover = Failover(work, now, caller, self.stopwatch, self.compatibility, began_s)
            agent = work.agents.get_for_update(agent_id, caller.owner)
            if agent.is_deleted:
                raise AgentNotFound
            if said.replica_id and work.replicas.find(agent.id, said.replica_id) is None:
                raise NotFound("Replica instance_id not found")
            instance_id = said.instance_id or agent.primary_instance_id
            if instance_id is None:
                raise AgentNotFound
            if instance_id != agent.primary_instance_id:
                elsewhere = self._elsewhere(work, agent, instance_id, said, caller)
                if elsewhere is not None:
                    work.commit()
                    return elsewhere
            answer = self._meet(work, agent, instance_id, said, failover)
            work.commit()
        return answer

    def _meet(
        self,
        work: UnitOfWork,
        agent: Agent,
        instance_id: InstanceId,
        said: TerminationNotice,
        failover: Failover,
    ) -> FailedOver | NobodyReady:
        now = failover.now
        notice = self._notice(work, agent, instance_id, said, now)
        replicas = work.replicas.active_of(agent.id)
        knows_primary = instance_id == agent.primary_instance_id or not agent.primary_is_alive(now)
        moved = (
            failover.attempt(agent, replicas, notice, said.replica_id) if knows_primary else None
        )
        if not self.compatibility.notices_leave_little:
            failover.escalate(agent, notice)
            if notice.id is None:
                record(work, occurrences.notice_accepted(agent, notice, now), failover.by)
        if moved is not None:
            after, done = moved
            work.agents.save(after, now)
            return done
        self._note_unmet(work, agent, notice, said, replicas, failover)
        nobody_comes = not any(replica.has_machine for replica in live(replicas))
        return NobodyReady(knows_primary and notice.id is None and nobody_comes)

    def _notice(
        self,
        work: UnitOfWork,
        agent: Agent,
        instance_id: InstanceId,
        said: TerminationNotice,
        now: datetime,
    ) -> Interruption:
        """The notice as it stands on record, or a new one (INV-13)."""
        earlier = work.interruptions.list_of(agent.id, now - HORIZON)
        if self.compatibility.notices_leave_little:
            known = next((one for one in earlier if one.instance_id == instance_id), None)
        else:
            known = same_notice(earlier, SignalType.TERMINATION_NOTICE, instance_id, now)
        if known is not None:
            return known.standing() if instance_id == agent.primary_instance_id else known
        primary = primary_of(work, agent)
        return Interruption(
            agent_id=agent.id,
            instance_id=instance_id,
            pool_id=(primary and primary.pool_id) or agent.placement.pool_id,
            signal_type=SignalType.TERMINATION_NOTICE,
            detected_at=now,
            termination_at=said.termination_at,
        )

    def _note_unmet(
        self,
        work: UnitOfWork,
        agent: Agent,
        notice: Interruption,
        said: TerminationNotice,
        replicas: Sequence[Replica],
        failover: Failover,
    ) -> None:
        now = failover.now
        if self.compatibility.notices_leave_little:
            bare = Interruption(
                agent_id=agent.id,
                instance_id=notice.instance_id,
                pool_id=None,
                signal_type=SignalType.TERMINATION_NOTICE,
                detected_at=now,
                termination_at=said.termination_at,
                response_action=ResponseAction.EMERGENCY_SNAPSHOT,
            )
            work.interruptions.add(bare.unanswered(None), now)
            return
        coming = newest(live(replicas))
        unmet = notice.unanswered(coming.id if coming else None)
        if notice.id is None:
            work.interruptions.add(unmet, now)
        elif notice.is_open and unmet != notice:
            work.interruptions.save(unmet)
        cancel_for_notice(work, agent, notice.instance_id, now, failover.by)
        save_if_changed(work, agent, agent.note_termination_notice(now), now)

    def _first_answer(
        self, work: UnitOfWork, agent: Agent, instance_id: InstanceId, now: datetime
    ) -> FailedOver | None:
        """What the failover away from that instance was answered with, if it was lately."""
        change = work.switches.find_primary_change(
            agent.id, instance_id, PromotionReason.FAILOVER, now - FAILOVER_IS_REMEMBERED
        )
        if change is None:
            return None
        met = next(
            (
                notice
                for notice in work.interruptions.list_of(agent.id, now - 2 * HORIZON)
                if notice.failover_completed and notice.instance_id == instance_id
            ),
            None,
        )
        replica_id, took_ms = None, 0
        if met is not None:
            replica_id, took_ms = met.replica_id, met.failover_time_ms or 0
        return FailedOver(change.new_instance_id, replica_id, took_ms)

    def _elsewhere(
        self,
        work: UnitOfWork,
        agent: Agent,
        instance_id: InstanceId,
        said: TerminationNotice,
        caller: Caller,
    ) -> FailedOver | AlreadyMoved | None:
        """For an instance that is known not to be the primary (contract/domain.md 5.3): a standby
        protects nobody any longer, a former instance ends as announced. None: it is unknown."""
        now = self.clock.now()
        if repeated := self._first_answer(work, agent, instance_id, now):
            return repeated
        standby = work.standbys.on_instance(agent.client_id, instance_id)
        instance = work.instances.find(instance_id)
        role = role_of(instance_id, agent, instance, standby)
        if role is InstanceRole.UNKNOWN:
            return None
        notice = self._notice(work, agent, instance_id, said, now)
        if notice.id is None:
            work.interruptions.add(notice.resolved(Resolution.NOT_THE_PRIMARY), now)
            record(work, occurrences.notice_accepted(agent, notice, now), caller)
        if role is InstanceRole.STANDBY:
            known = work.replicas.active_of(agent.id)
            failed = [one.fail(now) for one in known if one.instance_id == instance_id]
            counted = save_replicas(
                work, agent, known, failed, now, caller, self.compatibility, "interrupted"
            )
            save_if_changed(work, agent, counted, now)
        elif instance is not None and instance.is_active:
            work.instances.save(instance.close(notice.ends_at), now)
        return AlreadyMoved(agent.primary_instance_id)
