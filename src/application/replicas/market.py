from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.replicas.likeness import PoolPast
from spot_optimizer.domain.replicas.pools import NO_PASTS, PoolMarket
from spot_optimizer.domain.replicas.replica import Replica


def market_around(
    work: UnitOfWork, agent: Agent, primary: Instance | None, now: datetime, freshness: timedelta
) -> PoolMarket:
    """The pools that a replica of the agent can go to; what nobody has written down of its primary
    is taken from the agent."""
    at = agent.placement
    instance_type = primary.instance_type if primary else at.instance_type or ""
    region = primary.region if primary else at.region or ""
    return PoolMarket(
        instance_type=instance_type,
        region=region,
        pools=work.pools.list_priced(instance_type, region, now),
        current=(primary.pool_id if primary else None) or at.pool_id,
        now=now,
        freshness=freshness,
    )


def pasts_of_equals(
    work: UnitOfWork, market: PoolMarket, equals: Sequence[PricedPool]
) -> Mapping[PoolId, PoolPast]:
    """What decides between pools that are equally good otherwise: their pasts and that of the
    current pool, if there is a choice."""
    if len(equals) < 2 or market.current is None:
        return NO_PASTS
    return work.pools.pasts_of({market.current, *(pool.pool_id for pool in equals)}, market.now)


def pool_of_replica(work: UnitOfWork, replica: Replica) -> SpotPool:
    found = work.pools.find(replica.pool_id) if replica.pool_id else None
    return found or SpotPool.of(
        replica.instance_type or "", replica.region or "", replica.zone or "", replica.pool_id
    )
