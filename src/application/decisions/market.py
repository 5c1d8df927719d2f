"""What an engine that looks at markets is told of the pools that agents may use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from statistics import mean

from spot_optimizer.application.decisions.costs import AgentCosts
from spot_optimizer.application.ports.advisor import Advisor, NoAdvisor
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.placement.past import (
    LOSSES_WINDOW,
    PRICES_WINDOW,
    MarketPast,
    PoolPast,
)
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.values import hourly_price


@dataclass(frozen=True, slots=True)
class MarketPasts:
    costs: AgentCosts = field(default_factory=AgentCosts)
    advisor: Advisor = field(default_factory=NoAdvisor)

    def __call__(
        self, work: UnitOfWork, agents: Sequence[Agent], now: datetime
    ) -> Mapping[AgentId, MarketPast]:
        """Of each agent whose type and region are known: its own pool, and the others of that type
        with a fresh price."""
        places = {
            (agent.placement.instance_type, agent.placement.region)
            for agent in agents
            if agent.placement.instance_type and agent.placement.region
        }
        pools = {
            (instance_type, region): work.pools.list_priced(instance_type, region, now)
            for instance_type, region in sorted(
                (one, other) for one, other in places if one and other
            )
        }
        ids = {pool.pool_id for priced in pools.values() for pool in priced}
        losses = work.interruptions.losses_in(ids, now - LOSSES_WINDOW)
        prices = work.prices.bucket_prices(ids, now - PRICES_WINDOW)
        costs = self.costs(work, agents, now)

        def past(pool: PricedPool, price: Decimal, band: int) -> PoolPast:
            recent = prices.get(pool.pool_id)
            return PoolPast(
                pool_id=pool.pool_id,
                price=price,
                mean_price=hourly_price(mean(recent)) if recent else None,
                lost_at=tuple(losses.get(pool.pool_id, ())),
                band=band,
            )

        found = {}
        for agent in agents:
            at = agent.placement
            if at.instance_type is None or at.region is None:
                continue
            band = self.advisor.band(at.instance_type, at.region)
            found[agent.id] = MarketPast(
                pools=tuple(
                    past(pool, pool.price, band)
                    for pool in pools.get((at.instance_type, at.region), ())
                    if pool.price is not None and (pool.pool_id == at.pool_id or pool.is_fresh(now))
                ),
                costs=costs[agent.id],
            )
        return found
