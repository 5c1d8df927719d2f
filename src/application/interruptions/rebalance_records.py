"""What the server has learnt of rebalance recommendations in an agent's pool."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf
from typing import Final

from spot_optimizer.application.decisions.costs import AgentCosts
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.identifiers import InstanceId, PoolId
from spot_optimizer.domain.interruptions import Interruption, Sign, SignalType
from spot_optimizer.domain.placement.rebalancing import RebalanceRecord

_LOOK_BACK: Final = timedelta(days=90)
_MOST_SIGNS: Final = 300
"""Of one pool. The newest tell enough, and a storm is not to wait for more."""


@dataclass(frozen=True, slots=True)
class Weighed:
    record: RebalanceRecord
    """Of the pool."""
    pays: bool
    """Moving is expected to cost less than the loss that it averts."""

    def noted_on(self, warning: Interruption) -> Interruption:
        """With the figures behind the verdict; what does not pay is only watched."""
        noted = replace(
            warning,
            metadata={
                **warning.metadata,
                "recommendations": self.record.recommended,
                "followed_by_loss": len(self.record.delays_s),
            },
        )
        return noted if self.pays else noted.only_watched()


def weighed(work: UnitOfWork, agent: Agent, costs: AgentCosts, now: datetime) -> Weighed:
    """By the rows on record alone: no model, engine or cache takes part (INV-14)."""
    record = _record(work, agent.placement.pool_id, now)
    instance = work.instances.find(agent.primary_instance_id) if agent.primary_instance_id else None
    on_demand = (instance.on_demand_price if instance else None) or 1
    # Without a price the move counts as the dearest there is.
    price = (instance.spot_price if instance else None) or on_demand
    own = costs(work, [agent], now)[agent.id]
    return Weighed(record, record.is_worth_moving(float(price), float(on_demand), own))


def _record(work: UnitOfWork, pool_id: PoolId | None, now: datetime) -> RebalanceRecord:
    if pool_id is None:
        return RebalanceRecord()
    signs: dict[InstanceId, list[Sign]] = {}
    for sign in work.interruptions.signs_in(pool_id, now - _LOOK_BACK, _MOST_SIGNS):
        signs.setdefault(sign.instance_id, []).append(sign)
    warned = {
        instance_id
        for instance_id, of_it in signs.items()
        if any(sign.signal_type is SignalType.REBALANCE_RECOMMENDATION for sign in of_it)
    }
    ended = {key: one.terminated_at for key, one in work.instances.of(warned).items()}

    def of_instance(instance_id: InstanceId) -> RebalanceRecord:
        left_at = ended.get(instance_id)
        return RebalanceRecord.of(
            _times(signs[instance_id], SignalType.REBALANCE_RECOMMENDATION),
            _times(signs[instance_id], SignalType.TERMINATION_NOTICE),
            now.timestamp(),
            inf if left_at is None else left_at.timestamp(),
        )

    return RebalanceRecord.together(map(of_instance, sorted(warned)))


def _times(signs: list[Sign], wanted: SignalType) -> list[float]:
    return [sign.at.timestamp() for sign in signs if sign.signal_type is wanted]
