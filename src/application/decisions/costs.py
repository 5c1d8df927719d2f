from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.placement.costs import SwitchingCost, measured
from spot_optimizer.domain.placement.downtime import DowntimeValues

_MOVES_WINDOW: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class AgentCosts:
    """What moving and being down costs agents, by what they have reported and what is set."""

    downtime: DowntimeValues = field(default_factory=DowntimeValues)

    def __call__(
        self, work: UnitOfWork, agents: Sequence[Agent], now: datetime
    ) -> Mapping[AgentId, SwitchingCost]:
        """Of each of the agents."""
        moves = work.switches.times_of([agent.id for agent in agents], now - _MOVES_WINDOW)
        return {
            agent.id: measured(
                moves.get(agent.id, ()),
                SwitchingCost(downtime_value=self.downtime.of_agent(agent.logical_agent_id)),
            )
            for agent in agents
        }
