"""The machines of a running fleet and the agent process on each."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from decimal import Decimal
from typing import Final

from spot_optimizer.simulation.agent import AgentProcess
from spot_optimizer.simulation.control_plane import ControlPlane
from spot_optimizer.simulation.machines import Cloud, Machine
from spot_optimizer.simulation.simulated_time import SimulatedTime
from spot_optimizer.simulation.tally import Downtime, Progress, Tally
from spot_optimizer.simulation.world import LogicalAgent, World

GOODBYE_WITHIN_S: Final = 5.0
"""Real seconds the agents have for their last heartbeat when the fleet is stopped."""

SHORTEST_BOOT_S: Final = 30.0
LONGEST_BOOT_S: Final = 90.0
"""Simulated seconds from a launch until the agent on the new machine is up."""


class Crew:
    """Starts agent processes, replaces lost machines, keeps the books."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        time: SimulatedTime,
        cloud: Cloud,
        server: ControlPlane,
        tally: Tally,
    ) -> None:
        self.world = World(time, cloud, server, tally, self._employ, self._follow)
        self._tasks = tasks
        self._processes: dict[str, AgentProcess] = {}
        """By instance id, until the machine is gone."""
        self._at_work: dict[str, asyncio.Task[None]] = {}
        """By instance id, while the process runs."""
        self._chores: set[asyncio.Task[None]] = set()
        self._agents: list[LogicalAgent] = []
        self._on_demand_rate = Decimal(0)
        """USD per hour of one on-demand instance per agent."""

    @property
    def size(self) -> int:
        """How many agents belong to the fleet."""
        return len(self._agents)

    def present(self) -> list[AgentProcess]:
        """The process on every machine that is not gone, in order of launch."""
        return list(self._processes.values())

    def start(self, agent: LogicalAgent, up_after: timedelta) -> None:
        """Add an agent to the fleet; it comes up on its machine after so much simulated time."""
        self._on_demand_rate += self.world.cloud.market.on_demand_price(agent.machine.pool)
        self._agents.append(agent)
        self._employ(agent, agent.machine, up_after)

    def do(self, work: Coroutine[object, object, None]) -> None:
        """Let something else run as long as the fleet does."""
        task = self._tasks.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    def power_down(self) -> None:
        """Stop all work where it stands."""
        for task in (*self._at_work.values(), *self._chores):
            task.cancel()

    async def say_goodbye(self) -> None:
        """The agents that still run report offline; a server that hangs does not hold them."""
        goodbyes = [
            asyncio.ensure_future(process.station.say_goodbye()) for process in self.present()
        ]
        if goodbyes:
            _, late = await asyncio.wait(goodbyes, timeout=GOODBYE_WITHIN_S)
            for goodbye in late:
                goodbye.cancel()
            await asyncio.gather(*goodbyes, return_exceptions=True)

    def close_the_books(self) -> None:
        """Bring the tally's times and money up to now."""
        time, cloud, tally = self.world.time, self.world.cloud, self.world.tally
        cloud.charge()
        tally.real_time = time.real_elapsed()
        tally.simulated_time = time.elapsed()
        tally.instance_hours = cloud.spending.instance_hours
        tally.cost = cloud.spending.paid
        hours = Decimal(tally.simulated_time.total_seconds()) / 3600
        tally.on_demand_cost = self._on_demand_rate * hours
        tally.downtimes = self._downtimes()

    def _downtimes(self) -> dict[tuple[str, str], Downtime]:
        now, downtimes = self.world.time.elapsed(), dict[tuple[str, str], Downtime]()
        for agent in self._agents:
            kind = (agent.program.value, agent.replica_mode.value)
            downtime = downtimes.setdefault(kind, Downtime())
            downtime.agents += 1
            downtime.reclaims += agent.reclaims
            downtime.failovers += agent.failovers
            downtime.lost += agent.workload.lost(now)
            downtime.cost += sum(map(self.world.cloud.paid_for, agent.machines), Decimal(0))
        return downtimes

    def progress(self) -> Progress:
        present, tally = self.present(), self.world.tally
        return Progress(
            real_time=tally.real_time,
            simulated_time=tally.simulated_time,
            agents_online=len({p.agent.logical_id for p in present if p.station.is_online}),
            requests=tally.requests,
            errors=tally.errors,
            switches_done=tally.switches_done,
            switches_under_way=sum(process.is_switching for process in present),
        )

    def lose(self, process: AgentProcess) -> None:
        """Take a machine away without a word; if its agent was at home there, it is replaced."""
        machine, agent = process.machine, process.agent
        self.world.tally.interruptions += 1
        self.dismiss(machine)
        agent.standbys.pop(machine.instance_id, None)
        agent.workload.lose(machine, self.world.time.elapsed())
        if process.station.is_primary:
            agent.machine = self._replacement(machine)
            up_after = agent.between(SHORTEST_BOOT_S, LONGEST_BOOT_S)
            self._employ(agent, agent.machine, up_after)

    def dismiss(self, machine: Machine) -> None:
        """End a machine, and whatever its agent is just doing."""
        self.world.cloud.end(machine)
        process = self._processes.pop(machine.instance_id)
        process.station.has_left = True
        work = self._at_work.get(machine.instance_id)
        if work is not None:
            work.cancel()

    def _replacement(self, lost: Machine) -> Machine:
        """A spot instance of the same type where it is cheapest, on demand when all are full."""
        cloud = self.world.cloud
        open_pools = [pool for pool in cloud.neighbours(lost.pool) if cloud.has_room(pool)]
        if not open_pools:
            return cloud.launch(lost.pool, "ondemand", lost.ami_id)
        cheapest = min(open_pools, key=lambda pool: (cloud.spot_price(pool), pool.id))
        return cloud.launch(cheapest, "spot", lost.ami_id)

    def _follow(self, agent: LogicalAgent, instance_id: str) -> None:
        """The server has promoted a standby: the workload goes there as soon as it runs.

        A replacement that is still booting is not needed any more.
        """
        standby = agent.standbys.pop(instance_id, None)
        if standby is None:
            return
        if agent.workload.machine is None and self.world.cloud.is_running(agent.machine):
            self.dismiss(agent.machine)
        agent.machine = standby.machine
        agent.failovers += 1
        if standby.runs:
            agent.comes_up(standby.machine, self.world.time.elapsed())

    def _employ(self, agent: LogicalAgent, machine: Machine, up_after: timedelta) -> None:
        agent.machines.append(machine)
        process = AgentProcess(self.world, agent, machine)
        self._processes[machine.instance_id] = process
        task = self._tasks.create_task(process.run(up_after))
        self._at_work[machine.instance_id] = task
        task.add_done_callback(lambda _: self._left_work(machine))

    def _left_work(self, machine: Machine) -> None:
        del self._at_work[machine.instance_id]
        if not self.world.cloud.is_running(machine):
            self._processes.pop(machine.instance_id, None)
