"""What moving costs agents, by what they have reported of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.placement.costs import SwitchingCost, measured

_MOVES_WINDOW: Final = timedelta(days=30)


def costs_of(
    work: UnitOfWork, agents: Sequence[Agent], now: datetime
) -> Mapping[AgentId, SwitchingCost]:
    """Of each of the agents."""
    moves = work.switches.times_of([agent.id for agent in agents], now - _MOVES_WINDOW)
    return {agent.id: measured(moves.get(agent.id, ()), SwitchingCost()) for agent in agents}
