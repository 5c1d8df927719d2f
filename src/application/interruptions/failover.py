from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from spot_optimizer.application.commands.settle_former import cancel_for_notice
from spot_optimizer.application.ports.clock import Stopwatch
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.application.replicas.changes import save_replicas
from spot_optimizer.application.replicas.promotions import carry_out
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import InstanceId, ReplicaId
from spot_optimizer.domain.interruptions import HORIZON, Interruption
from spot_optimizer.domain.replicas.promotion import PromotionReason
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.replicas.standbys import failover_candidate


@dataclass(frozen=True, slots=True)
class FailedOver:
    new_instance_id: InstanceId
    replica_id: ReplicaId | None
    took_ms: int


@dataclass(frozen=True, slots=True)
class Failover:
    """Moves an agent to a replica because its primary is about to be lost, within one unit of
    work. Depends on no model, engine or cache (INV-14)."""

    work: UnitOfWork
    now: datetime
    by: Caller
    stopwatch: Stopwatch
    compatibility: Compatibility
    began_s: float
    """When the stopwatch was looked at first."""

    def open_notice_for_primary(self, agent: Agent) -> Interruption | None:
        """The newest termination notice that stands for the primary (contract/domain.md 4.7.8)."""
        return next(
            (
                notice
                for notice in self.work.interruptions.list_of(agent.id, self.now - HORIZON)
                if notice.is_termination
                and notice.is_open
                and notice.instance_id == agent.primary_instance_id
            ),
            None,
        )

    def as_somebody_is_ready(self, agent: Agent) -> Agent:
        """The agent after the failover that a standing notice has been waiting for, not saved yet;
        as it was where there is none (contract/real-agents.md 3.3)."""
        notice = self.open_notice_for_primary(agent)
        if notice is None:
            return agent
        moved = self.attempt(agent, self.work.replicas.active_of(agent.id), notice)
        return agent if moved is None else moved[0]

    def attempt(
        self,
        agent: Agent,
        replicas: Sequence[Replica],
        notice: Interruption,
        named: ReplicaId | None = None,
        *,
        by_loop: bool = False,
    ) -> tuple[Agent, FailedOver] | None:
        """The agent after the failover, not saved yet; None when nobody can take over.

        The notice is saved with what came of it.
        """
        candidate = failover_candidate(replicas, agent.primary_instance_id, named)
        if candidate is None:
            return None
        loss_s = candidate.data_loss_seconds(self.now)
        former = agent.primary_instance_id
        moved = carry_out(
            self.work,
            agent,
            replicas,
            candidate,
            PromotionReason.FAILOVER,
            self.now,
            self.by,
            self.compatibility,
            unlogged=by_loop and self.compatibility.promotion_touches_little,
        )
        took_ms = int((self.stopwatch.seconds() - self.began_s) * 1000)
        done = FailedOver(candidate.instance_id, candidate.id, took_ms)
        if self.compatibility.notices_leave_little:
            self._mark_as_the_monolith_did(notice, None if by_loop else took_ms)
            counts = agent.settings.replica_count, agent.current_replica_id
            return moved.has_replicas(*counts), done
        met = notice.failed_over_to(candidate.id, took_ms, loss_s)
        if met.id is None:
            self.work.interruptions.add(met, self.now)
        else:
            self.work.interruptions.save(met)
        if former is not None:
            cancel_for_notice(self.work, moved, former, self.now, self.by)
        return self._without_leftovers(moved.note_termination_notice(self.now)), done

    def _without_leftovers(self, agent: Agent) -> Agent:
        """Emergency replicas that are not needed any longer (contract/domain.md 4.7.7)."""
        replicas = self.work.replicas.active_of(agent.id)
        ended = [one.terminate(self.now) for one in replicas if one.is_live and one.is_automatic]
        return save_replicas(
            self.work,
            agent,
            replicas,
            ended,
            self.now,
            self.by,
            self.compatibility,
            "emergency over",
        )

    def _mark_as_the_monolith_did(self, notice: Interruption, took_ms: int | None) -> None:
        if took_ms is None:  # its loop said less than its endpoint
            done = replace(notice, failover_completed=True, metadata={"emergency_complete": True})
            self.work.interruptions.save(done)
        elif notice.id is not None:
            marked = replace(
                notice,
                replica_ready=True,
                failover_completed=True,
                failover_time_ms=took_ms,
                success=True,
            )
            self.work.interruptions.save(marked)
