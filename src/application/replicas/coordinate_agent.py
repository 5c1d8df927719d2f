import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.application.interruptions.failover import Failover, Threatened
from spot_optimizer.application.ports.clock import Clock, Stopwatch
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import save_if_changed, save_replicas
from spot_optimizer.application.replicas.machines import primary_of
from spot_optimizer.application.replicas.market import market_around, pasts_of_equals
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.callers import SYSTEM
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, ReplicaId
from spot_optimizer.domain.interruptions import HORIZON, Interruption
from spot_optimizer.domain.replicas.coordination import (
    EndReplicas,
    GiveUpOn,
    MakeEmergencyReplica,
    MakeStandby,
    Reason,
    Recount,
    RepairMode,
    Resolve,
    Situation,
    Step,
    TakeOver,
    next_step,
)
from spot_optimizer.domain.replicas.emergency import (
    EmergencyReplica,
    NoCapacity,
    make_emergency_replica,
    pools_that_failed,
)
from spot_optimizer.domain.replicas.pools import PoolMarket
from spot_optimizer.domain.replicas.replica import Placeholder, Replica
from spot_optimizer.domain.replicas.standbys import recounted

logger = logging.getLogger(__name__)

CREATED_BY: Final = "coordinator"

# More than the steps that can follow from one another; what is left waits for the next pass.
_MOST_STEPS: Final = 20


@dataclass(frozen=True, slots=True)
class CoordinateAgent:
    """Does for one agent what its state asks for, in a transaction of its own. Depends on no
    model, engine or cache (INV-14); done twice, the second time finds nothing to do."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    stopwatch: Stopwatch
    identifiers: Identifiers
    price_freshness: timedelta
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, agent_id: AgentId) -> int:
        """Returns how many steps were taken."""
        now, steps = self.clock.now(), 0
        given_up: set[type] = set()
        with self.unit_of_work() as work:
            agent = work.agents.get_for_update(agent_id, None)
            while steps < _MOST_STEPS:
                seen = self._look(work, agent, now)
                step = next_step(seen, now, given_up)
                if step is None:
                    break
                try:
                    after = self._take(work, seen, step, now)
                except NoCapacity:
                    logger.warning("no pool has room for a replica of agent %s", agent_id)
                    given_up.add(type(step))
                    continue
                save_if_changed(work, agent, after, now)
                agent, steps = after, steps + 1
            work.commit()
        return steps

    def _look(self, work: UnitOfWork, agent: Agent, now: datetime) -> Situation:
        return as_seen(
            Situation(
                agent=agent,
                replicas=work.replicas.active_of(agent.id),
                notices=work.interruptions.list_of(agent.id, now - 2 * HORIZON),
            ),
            now,
            self.compatibility,
        )

    def _take(self, work: UnitOfWork, seen: Situation, step: Step, now: datetime) -> Agent:
        agent = seen.agent
        match step:
            case RepairMode():
                logger.warning("agent %s had both modes on; manual is off now", agent.id)
                settings = replace(agent.settings, manual_replica_enabled=False)
                return replace(agent, settings=settings)
            case GiveUpOn(late):
                failed = [replica.fail(now) for replica in late]
                return self._save(work, seen, failed, now, Reason.TIMED_OUT)
            case EndReplicas(unneeded, reason):
                ended = [replica.terminate(now) for replica in unneeded]
                return self._save(work, seen, ended, now, reason)
            case Recount():
                return recounted(agent, seen.replicas)
            case TakeOver(notice):
                return self._take_over(work, seen, notice, now)
            case Resolve(notice, why):
                work.interruptions.save(notice.resolved(why))
                return agent
            case MakeEmergencyReplica(notice):
                return self._protect(work, seen, notice, now)
            case MakeStandby():
                return self._save(work, seen, [self._standby(work, seen, now)], now)

    def _save(
        self,
        work: UnitOfWork,
        seen: Situation,
        changed: list[Replica],
        now: datetime,
        reason: Reason | None = None,
    ) -> Agent:
        return save_replicas(
            work, seen.agent, seen.replicas, changed, now, SYSTEM, self.compatibility, reason
        )

    def _take_over(
        self, work: UnitOfWork, seen: Situation, notice: Interruption, now: datetime
    ) -> Agent:
        began_s = self.stopwatch.seconds()
        failover = Failover(work, now, self.stopwatch, self.compatibility, began_s)
        threatened = Threatened(agent=seen.agent, replicas=seen.replicas, notice=notice, by=SYSTEM)
        moved = failover.attempt([threatened], by_loop=True).get(seen.agent.id)
        return seen.agent if moved is None else moved[0]

    def _protect(
        self, work: UnitOfWork, seen: Situation, notice: Interruption, now: datetime
    ) -> Agent:
        wanted = EmergencyReplica(signal_type=notice.signal_type, created_by=CREATED_BY)
        market = self._market(work, seen.agent, now)
        made = make_emergency_replica(
            wanted,
            seen.agent,
            seen.replicas,
            market,
            self.identifiers.new_id(),
            now,
            pasts=pasts_of_equals(
                work, market, market.equally_safe(avoided=pools_that_failed(seen.replicas))
            ),
        )
        if self.compatibility.notices_leave_little:
            bare = replace(made, signal_type=None, interruption_detected_at=None)
            return self._save(work, seen, [bare], now)
        work.interruptions.save(notice.answered_by(made.id))
        return self._save(work, seen, [made], now).protected_in_emergency()

    def _standby(self, work: UnitOfWork, seen: Situation, now: datetime) -> Replica:
        """Raises:
        NoCapacity: there is no pool at all.
        """
        market = self._market(work, seen.agent, now)
        avoided = pools_that_failed(seen.replicas)
        pasts = pasts_of_equals(work, market, market.equally_cheap(avoided=avoided))
        pool = market.cheapest_whatever_is_known(avoided, pasts)
        if pool is None:
            raise NoCapacity
        if pool.pool_id == market.current:
            logger.warning("the standby of agent %s shares the primary's pool", seen.agent.id)
        replica_id = ReplicaId(self.identifiers.new_id())
        return Replica(
            id=replica_id,
            agent_id=seen.agent.id,
            instance_id=Placeholder.COORDINATOR.of(replica_id),
            pool_id=pool.pool_id,
            instance_type=market.instance_type,
            region=market.region,
            zone=pool.zone,
            created_by=CREATED_BY,
            parent_instance_id=seen.agent.primary_instance_id,
            created_at=now,
            hourly_cost=pool.price,
        )

    def _market(self, work: UnitOfWork, agent: Agent, now: datetime) -> PoolMarket:
        return market_around(work, agent, primary_of(work, agent), now, self.price_freshness)


def as_seen(seen: Situation, now: datetime, compatibility: Compatibility) -> Situation:
    """The former coordinator left old notices alone, and never closed one that came to nothing."""
    if not compatibility.notices_leave_little:
        return seen
    recent = [one for one in seen.notices if now - one.detected_at <= HORIZON and seen.stands(one)]
    return replace(seen, notices=recent)
