"""What every simulated agent shares, and the identity that outlives its machines."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from spot_optimizer.simulation.control_plane import ControlPlane
from spot_optimizer.simulation.machines import Cloud, Machine
from spot_optimizer.simulation.payloads import Program, Quotes
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.simulated_time import SimulatedTime
from spot_optimizer.simulation.tally import Tally


@dataclass(slots=True)
class LogicalAgent:
    """One agent as the server counts it: the same through all switches."""

    logical_id: str
    program: Program
    draws: Random
    machine: Machine
    """The latest machine launched for it; earlier ones may still be running."""
    has_leftovers: bool = False
    """Whether its account holds old images, over which the clean-up of C fails."""

    def between(self, shortest_s: float, longest_s: float) -> timedelta:
        """A simulated duration drawn from this agent's own chance."""
        return timedelta(seconds=self.draws.uniform(shortest_s, longest_s))


@dataclass(frozen=True, slots=True)
class World:
    """The surroundings of an agent: time, cloud, server, and somebody who starts successors."""

    time: SimulatedTime
    cloud: Cloud
    server: ControlPlane
    tally: Tally
    start_successor: Callable[[LogicalAgent, Machine], None]

    def quotes(self, pool: Pool) -> Quotes:
        """What an agent in this pool reads from AWS now."""
        pools = self.cloud.neighbours(pool)
        return Quotes(
            on_demand=self.cloud.market.on_demand_price(pool),
            pools=tuple((other, self.cloud.spot_price(other)) for other in pools),
        )
