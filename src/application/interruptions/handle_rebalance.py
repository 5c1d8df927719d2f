import logging
from dataclasses import dataclass, field
from datetime import datetime

from spot_optimizer.application.decisions.costs import AgentCosts
from spot_optimizer.application.interruptions.rebalance_records import Weighed, weighed
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import interruption_occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.identifiers import AgentId, InstanceId
from spot_optimizer.domain.interruptions import (
    REPEAT_WINDOW,
    Interruption,
    SignalType,
    time_of_notice,
)
from spot_optimizer.domain.pricing.pool_choice import (
    RISK_LOOK_BACK,
    RebalanceAdvice,
    advise_by_record,
    advise_rebalance,
)
from spot_optimizer.domain.storms import Storms

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HandleRebalance:
    """AWS thinks that an instance is at risk: noted once in 15 minutes, and advised on.

    Returns None for the same sign again, which changes nothing (INV-13).
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    storms: Storms = field(default_factory=Storms)
    goes_by_record: bool = False
    """How often a loss followed in the pool decides, instead of how often it was interrupted."""
    costs: AgentCosts = field(default_factory=AgentCosts)

    @repeated_when_lost
    def __call__(
        self,
        agent_id: AgentId,
        instance_id: InstanceId | None,
        detected_at: datetime | None,
        caller: Caller,
    ) -> RebalanceAdvice | None:
        now = self.clock.now()
        with self.unit_of_work() as work:
            agent = work.agents.get_for_update(agent_id, caller.owner)
            signal = SignalType.REBALANCE_RECOMMENDATION
            since = now - REPEAT_WINDOW
            # Agents' clocks may be wrong, so what was accepted lately counts whatever it said.
            if agent.was_warned_since(since) or work.interruptions.any_since(
                agent.id, signal, since
            ):
                return None
            learnt = weighed(work, agent, self.costs, now) if self.goes_by_record else None
            advice = _advise(work, agent, now, learnt)
            at = agent.placement
            interruption = Interruption(
                agent_id=agent.id,
                instance_id=instance_id or agent.primary_instance_id or InstanceId(""),
                pool_id=at.pool_id,
                signal_type=signal,
                detected_at=time_of_notice(detected_at, now),
                metadata={
                    "risk_score": advice.risk_score,
                    "current_pool": at.pool_id,
                    "instance_type": at.instance_type,
                    "region": at.region,
                    "az": at.zone,
                },
            )
            if learnt is not None:
                interruption = learnt.noted_on(interruption)
            storm = self.storms.accept(signal, agent.id, at.zone, now)
            if storm.delay:
                interruption = interruption.delayed(now + storm.delay)
            if storm.agents_in_zone:
                logger.critical(
                    "%d agents in %s were warned at once", storm.agents_in_zone, at.zone
                )
            work.interruptions.add(interruption, now)
            work.agents.save(agent.accept_rebalance_recommendation(now), now)
            record(
                work,
                interruption_occurrences.interruption_accepted(agent, interruption, now),
                caller,
            )
            told = interruption_occurrences.rebalance_advised(
                agent, interruption.instance_id, advice, now
            )
            record(work, told, caller)
            work.commit()
        return advice


def _advise(
    work: UnitOfWork, agent: Agent, now: datetime, learnt: Weighed | None
) -> RebalanceAdvice:
    at = agent.placement
    pools = (
        work.pools.list_priced(at.instance_type, at.region, now)
        if at.instance_type and at.region
        else ()
    )
    if learnt is not None:
        return advise_by_record(learnt.record.probability, pools, at.zone, pays=learnt.pays)
    interruptions = (
        work.interruptions.count_in_pool(at.pool_id, now - RISK_LOOK_BACK) if at.pool_id else 0
    )
    return advise_rebalance(interruptions, pools, at.zone)
