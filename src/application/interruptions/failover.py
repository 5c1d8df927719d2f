from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from spot_optimizer.application.commands.settle_former import cancel_for_notices
from spot_optimizer.application.ports.clock import Stopwatch
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.application.replicas.changes import ReplicaChanges, save_replicas_of_all
from spot_optimizer.application.replicas.promotions import Takeover, carry_out
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, InstanceId, ReplicaId
from spot_optimizer.domain.interruptions import HORIZON, Interruption
from spot_optimizer.domain.replicas.promotion import PromotionReason
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.replicas.standbys import failover_candidate


@dataclass(frozen=True, slots=True)
class FailedOver:
    new_instance_id: InstanceId
    replica_id: ReplicaId | None
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Threatened:
    """An agent whose primary is about to be lost."""

    agent: Agent
    replicas: Sequence[Replica]
    notice: Interruption
    by: Caller
    named: ReplicaId | None = None
    """Which replica is to take over, if it can."""

    def candidate(self) -> Replica | None:
        return failover_candidate(self.replicas, self.agent.primary_instance_id, self.named)


@dataclass(frozen=True, slots=True)
class Failover:
    """Moves agents to replicas because their primaries are about to be lost, within one unit of
    work. Depends on no model, engine or cache (INV-14)."""

    work: UnitOfWork
    now: datetime
    stopwatch: Stopwatch
    compatibility: Compatibility
    began_s: float
    """When the stopwatch was looked at first."""

    def as_somebody_is_ready(self, agent: Agent, by: Caller) -> Agent:
        """The agent after the failover that a standing notice has been waiting for, not saved yet;
        as it was where there is none (contract/real-agents.md 3.3)."""
        notice = self._open_notice_for_primary(agent)
        if notice is None:
            return agent
        replicas = self.work.replicas.active_of(agent.id)
        threatened = Threatened(agent=agent, replicas=replicas, notice=notice, by=by)
        moved = self.attempt([threatened]).get(agent.id)
        return agent if moved is None else moved[0]

    def attempt(
        self, threatened: Sequence[Threatened], *, by_loop: bool = False
    ) -> Mapping[AgentId, tuple[Agent, FailedOver]]:
        """The agents after the failover, not saved yet; without those for whom nobody can take
        over. Each is named once.

        The notices are saved with what came of them. How many statements this takes does not
        depend on how many agents there are.
        """
        takeovers = [
            (one, Takeover(agent=one.agent, replicas=one.replicas, chosen=candidate, by=one.by))
            for one in threatened
            if (candidate := one.candidate()) is not None
        ]
        if not takeovers:
            return {}
        moved = carry_out(
            self.work,
            [takeover for _, takeover in takeovers],
            PromotionReason.FAILOVER,
            self.now,
            self.compatibility,
            unlogged=by_loop and self.compatibility.promotion_touches_little,
        )
        took_ms = int((self.stopwatch.seconds() - self.began_s) * 1000)
        done = [
            _Move(one, takeover.chosen, agent)
            for (one, takeover), agent in zip(takeovers, moved, strict=True)
        ]
        if self.compatibility.notices_leave_little:
            after = self._as_the_monolith_did(done, None if by_loop else took_ms)
        else:
            after = self._settled(done, took_ms)
        return {
            one.agent.id: (agent, FailedOver(one.chosen.instance_id, one.chosen.id, took_ms))
            for one, agent in zip(done, after, strict=True)
        }

    def _open_notice_for_primary(self, agent: Agent) -> Interruption | None:
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

    def _settled(self, done: Sequence["_Move"], took_ms: int) -> Sequence[Agent]:
        """With the notices met, the orders of the lost instances cancelled, and the emergency
        replicas ended that are not needed any longer (contract/domain.md 4.7.7)."""
        met = [
            one.why.notice.failed_over_to(
                one.chosen.id, took_ms, one.chosen.data_loss_seconds(self.now)
            )
            for one in done
        ]
        self.work.interruptions.add_all([one for one in met if one.id is None], self.now)
        self.work.interruptions.save_all([one for one in met if one.id is not None])
        lost = [
            (one.agent, former, one.why.by)
            for one in done
            if (former := one.why.agent.primary_instance_id) is not None
        ]
        cancel_for_notices(self.work, lost, self.now)
        return save_replicas_of_all(
            self.work,
            [one.without_leftovers(self.now) for one in done],
            self.now,
            self.compatibility,
        )

    def _as_the_monolith_did(self, done: Sequence["_Move"], took_ms: int | None) -> Sequence[Agent]:
        """Its counters stayed, and its loop (which is timed by nobody) noted less than its
        endpoint."""
        for one in done:
            notice = one.why.notice
            if took_ms is None:
                marked = replace(
                    notice, failover_completed=True, metadata={"emergency_complete": True}
                )
                self.work.interruptions.save(marked)
            elif notice.id is not None:
                marked = replace(
                    notice,
                    replica_ready=True,
                    failover_completed=True,
                    failover_time_ms=took_ms,
                    success=True,
                )
                self.work.interruptions.save(marked)
        return [
            one.agent.has_replicas(
                one.why.agent.settings.replica_count, one.why.agent.current_replica_id
            )
            for one in done
        ]


@dataclass(frozen=True, slots=True)
class _Move:
    why: Threatened
    chosen: Replica
    agent: Agent
    """After the promotion."""

    def without_leftovers(self, now: datetime) -> ReplicaChanges:
        others = [one for one in self.why.replicas if one.id != self.chosen.id]
        return ReplicaChanges(
            agent=self.agent.note_termination_notice(now),
            known=others,
            changed=[one.terminate(now) for one in others if one.is_live and one.is_automatic],
            by=self.why.by,
            reason="emergency over",
        )
