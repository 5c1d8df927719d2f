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


class Markets:
    """What agents have to know of pools at the same moment, each asked for once."""

    def __init__(self, work: UnitOfWork, now: datetime, freshness: timedelta) -> None:
        self._work, self._now, self._freshness = work, now, freshness
        self._priced: dict[tuple[str, str], Sequence[PricedPool]] = {}
        self._pasts: dict[frozenset[PoolId], Mapping[PoolId, PoolPast]] = {}

    def around(self, agent: Agent, primary: Instance | None) -> PoolMarket:
        """The pools that a replica of the agent can go to; what nobody has written down of its
        primary is taken from the agent."""
        at = agent.placement
        instance_type = primary.instance_type if primary else at.instance_type or ""
        region = primary.region if primary else at.region or ""
        place = instance_type, region
        if place not in self._priced:
            self._priced[place] = self._work.pools.list_priced(*place, self._now)
        return PoolMarket(
            instance_type=instance_type,
            region=region,
            pools=self._priced[place],
            current=(primary.pool_id if primary else None) or at.pool_id,
            now=self._now,
            freshness=self._freshness,
        )

    def pasts_of_equals(
        self, market: PoolMarket, equals: Sequence[PricedPool]
    ) -> Mapping[PoolId, PoolPast]:
        """What decides between pools that are equally good otherwise: their pasts and that of the
        current pool, if there is a choice."""
        if len(equals) < 2 or market.current is None:
            return NO_PASTS
        asked = frozenset({market.current, *(pool.pool_id for pool in equals)})
        if asked not in self._pasts:
            self._pasts[asked] = self._work.pools.pasts_of(asked, self._now)
        return self._pasts[asked]


def market_around(
    work: UnitOfWork, agent: Agent, primary: Instance | None, now: datetime, freshness: timedelta
) -> PoolMarket:
    """For one agent, as `Markets.around`."""
    return Markets(work, now, freshness).around(agent, primary)


def pasts_of_equals(
    work: UnitOfWork, market: PoolMarket, equals: Sequence[PricedPool]
) -> Mapping[PoolId, PoolPast]:
    """For one agent, as `Markets.pasts_of_equals`."""
    return Markets(work, market.now, market.freshness).pasts_of_equals(market, equals)


def pool_of_replica(work: UnitOfWork, replica: Replica) -> SpotPool:
    return pool_among(work.pools.of([replica.pool_id] if replica.pool_id else []), replica)


def pool_among(known: Mapping[PoolId, SpotPool], replica: Replica) -> SpotPool:
    """The replica's; one that is not on record is as the replica says."""
    found = known.get(replica.pool_id) if replica.pool_id else None
    return found or SpotPool.of(
        replica.instance_type or "", replica.region or "", replica.zone or "", replica.pool_id
    )
