from dataclasses import dataclass
from datetime import datetime, timedelta

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.application.replicas.market import market_around, pasts_of_equals
from spot_optimizer.domain import command_occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.emergency import emergency_switch
from spot_optimizer.domain.identifiers import CommandId


@dataclass(frozen=True, slots=True)
class EmergencyOrders:
    """Agents without a replica are told to move by themselves (policy P-2)."""

    identifiers: Identifiers
    price_freshness: timedelta

    def give(
        self,
        work: UnitOfWork,
        agent: Agent,
        primary: Instance | None,
        now: datetime,
        by: Caller,
    ) -> None:
        """To the safest pool, or to on demand; whatever else was ordered has been cancelled."""
        market = market_around(work, agent, primary, now, self.price_freshness)
        pool = market.safest(pasts=pasts_of_equals(work, market, market.equally_safe()))
        command = emergency_switch(
            agent, None if pool is None else pool.pool_id, CommandId(self.identifiers.new_id()), now
        )
        work.commands.add(command)
        record(work, command_occurrences.emergency_ordered(command, now), by)
