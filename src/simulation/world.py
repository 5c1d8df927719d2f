"""What every simulated agent shares, and the identity that outlives its machines."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from spot_optimizer.simulation.control_plane import ControlPlane
from spot_optimizer.simulation.machines import Cloud, Machine
from spot_optimizer.simulation.payloads import Program, Quotes
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.replica_modes import ReplicaMode
from spot_optimizer.simulation.simulated_time import SimulatedTime
from spot_optimizer.simulation.tally import Tally
from spot_optimizer.simulation.workload import Workload


@dataclass(slots=True)
class Standby:
    """A machine that was launched to take over, neither promoted nor reclaimed yet."""

    machine: Machine
    runs: bool = False


@dataclass(slots=True)
class LogicalAgent:
    """One agent as the server counts it: the same through all switches and failovers."""

    logical_id: str
    program: Program
    draws: Random
    machine: Machine
    """Where it is at home: the latest launched or promoted; earlier ones may still be running."""
    has_leftovers: bool = False
    """Whether its account holds old images, over which the clean-up of C fails."""
    replica_mode: ReplicaMode = ReplicaMode.AUTOMATIC
    standbys: dict[str, Standby] = field(default_factory=dict)
    """By instance id."""
    machines: list[Machine] = field(default_factory=list)
    """All that were ever launched for it."""
    reclaims: int = 0
    """How often the machine it was at home on when a notice came was reclaimed."""
    failovers: int = 0
    """How often the server has moved it to a standby."""
    workload: Workload = field(init=False)

    def __post_init__(self) -> None:
        self.workload = Workload(self.machine)

    def between(self, shortest_s: float, longest_s: float) -> timedelta:
        """A simulated duration drawn from this agent's own chance."""
        return timedelta(seconds=self.draws.uniform(shortest_s, longest_s))

    def comes_up(self, machine: Machine, at: timedelta) -> None:
        """A machine runs: if the agent is at home there, its workload now does, too."""
        if (standby := self.standbys.get(machine.instance_id)) is not None:
            standby.runs = True
        if self.machine is machine:
            self.workload.run_on(machine, at)


@dataclass(frozen=True, slots=True)
class World:
    """The surroundings of an agent: time, cloud, server, and whoever looks after its machines."""

    time: SimulatedTime
    cloud: Cloud
    server: ControlPlane
    tally: Tally
    boot: Callable[[LogicalAgent, Machine, timedelta], None]
    """Lets the agent on the image of a new machine come up after so much simulated time."""
    follow: Callable[[LogicalAgent, str], None]
    """Takes a workload to the instance that the server has made its agent's primary."""

    def quotes(self, pool: Pool) -> Quotes:
        """What an agent in this pool reads from AWS now."""
        pools = self.cloud.neighbours(pool)
        return Quotes(
            on_demand=self.cloud.market.on_demand_price(pool),
            pools=tuple((other, self.cloud.spot_price(other)) for other in pools),
        )
