"""The machines of a running fleet, the agent process on each, and what befalls them."""

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Final

from spot_optimizer.simulation.agent import AgentProcess
from spot_optimizer.simulation.control_plane import ControlPlane
from spot_optimizer.simulation.interruptions import NOTICE_BEFORE_RECLAIM, InterruptionTrace
from spot_optimizer.simulation.machines import Cloud, Machine
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.simulated_time import SimulatedTime
from spot_optimizer.simulation.tally import Progress, Tally
from spot_optimizer.simulation.world import LogicalAgent, World

GOODBYE_WITHIN_S: Final = 5.0
"""Real seconds the agents have for their last heartbeat when the fleet is stopped."""


class Crew:
    """Starts agent processes, reclaims their machines, keeps the books."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        time: SimulatedTime,
        cloud: Cloud,
        server: ControlPlane,
        tally: Tally,
    ) -> None:
        self.world = World(time, cloud, server, tally, self._start_successor)
        self._tasks = tasks
        self._processes: dict[str, AgentProcess] = {}
        """By instance id, until the machine is gone."""
        self._at_work: dict[str, asyncio.Task[None]] = {}
        """By instance id, while the process runs."""
        self._chores: set[asyncio.Task[None]] = set()
        self._on_demand_rate = Decimal(0)
        """USD per hour of one on-demand instance per agent."""

    def present(self) -> list[AgentProcess]:
        """The process on every machine that is not gone, in order of launch."""
        return list(self._processes.values())

    def start(self, agent: LogicalAgent, up_after: timedelta) -> None:
        """Add an agent to the fleet; it comes up on its machine after so much simulated time."""
        self._on_demand_rate += self.world.cloud.market.on_demand_price(agent.machine.pool)
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
        goodbyes = [asyncio.ensure_future(process.say_goodbye()) for process in self.present()]
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

    def progress(self) -> Progress:
        present, tally = self.present(), self.world.tally
        return Progress(
            real_time=tally.real_time,
            simulated_time=tally.simulated_time,
            agents_online=len({p.agent.logical_id for p in present if p.is_online}),
            requests=tally.requests,
            errors=tally.errors,
            switches_done=tally.switches_done,
            switches_under_way=sum(process.is_switching for process in present),
        )

    async def interrupt(self, trace: InterruptionTrace, pool: Pool) -> None:
        """Play the recorded losses of one pool to whatever runs in it then."""
        time, after = self.world.time, timedelta(0)
        while (loss := trace.next_after(pool, after)) is not None:
            if loss.rebalance_at is not None and loss.rebalance_at > after:
                await time.wait_until(loss.rebalance_at)
                for process in self._spot_in(pool):
                    self.do(process.heed_rebalance())
            await time.wait_until(loss.notice_at)
            doomed = self._spot_in(pool)
            reclaim_at = time.now() + NOTICE_BEFORE_RECLAIM / time.speedup
            for process in doomed:
                self.do(process.heed_notice(reclaim_at))
            await time.wait_until(loss.reclaim_at)
            self._reclaim(doomed)
            after = loss.reclaim_at

    def _spot_in(self, pool: Pool) -> list[AgentProcess]:
        return [
            process
            for process in self.present()
            if process.machine.pool == pool and process.machine.mode == "spot"
        ]

    def _reclaim(self, doomed: Iterable[AgentProcess]) -> None:
        """Take machines away without a word; a lost latest one of its agent is replaced."""
        for process in doomed:
            machine, agent = process.machine, process.agent
            if not self.world.cloud.is_running(machine):
                continue
            self.world.tally.interruptions += 1
            process.has_left = True
            self.world.cloud.end(machine)
            self._at_work[machine.instance_id].cancel()
            if process.is_primary:
                agent.machine = self._replacement(machine)
                self._start_successor(agent, agent.machine)

    def _replacement(self, lost: Machine) -> Machine:
        """A spot instance of the same type where it is cheapest, on demand when all are full."""
        cloud = self.world.cloud
        open_pools = [pool for pool in cloud.neighbours(lost.pool) if cloud.has_room(pool)]
        if not open_pools:
            return cloud.launch(lost.pool, "ondemand", lost.ami_id)
        cheapest = min(open_pools, key=lambda pool: (cloud.spot_price(pool), pool.id))
        return cloud.launch(cheapest, "spot", lost.ami_id)

    def _start_successor(self, agent: LogicalAgent, machine: Machine) -> None:
        self._employ(agent, machine, agent.between(30, 90))

    def _employ(self, agent: LogicalAgent, machine: Machine, up_after: timedelta) -> None:
        process = AgentProcess(self.world, agent, machine)
        self._processes[machine.instance_id] = process
        task = self._tasks.create_task(process.run(up_after))
        self._at_work[machine.instance_id] = task
        task.add_done_callback(lambda _: self._left_work(machine))

    def _left_work(self, machine: Machine) -> None:
        del self._at_work[machine.instance_id]
        if not self.world.cloud.is_running(machine):
            del self._processes[machine.instance_id]
