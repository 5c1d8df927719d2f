"""One agent process on one simulated machine: its chores and their cadence."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from spot_optimizer.simulation.chance import branch
from spot_optimizer.simulation.emergencies import Emergencies
from spot_optimizer.simulation.machines import Machine
from spot_optimizer.simulation.obeying import COMMANDS_EVERY, Orders
from spot_optimizer.simulation.payloads import (
    Program,
    cleanup_report,
    heartbeat,
    last_heartbeat,
    pricing_report,
    registration,
)
from spot_optimizer.simulation.routes import (
    CLEANUP_REPORT,
    CONFIG,
    HEARTBEAT,
    NOT_FOUND,
    PRICING_REPORT,
    REGISTER,
)
from spot_optimizer.simulation.standbys import REPLICA_POLL_EVERY, Standbys
from spot_optimizer.simulation.station import Station
from spot_optimizer.simulation.world import LogicalAgent, World

HEARTBEAT_EVERY: Final = timedelta(seconds=30)
CONFIG_EVERY: Final = timedelta(seconds=60)
PRICING_EVERY: Final = timedelta(seconds=300)
FIRST_CLEANUP_AFTER: Final = timedelta(seconds=60)
CLEANUP_EVERY: Final = timedelta(seconds=3600)
RESTART_AFTER: Final = timedelta(seconds=10)

LEAST_RESTART_S: Final = 1.0
"""Real seconds; however great the speedup, a server that is down is not stormed."""

SLOW_METADATA: Final = 0.02
"""Share of the heartbeats in which the metadata service did not answer in time."""


class AgentProcess:
    """The agent program on one machine; it decides nothing, it reports and obeys."""

    def __init__(self, world: World, agent: LogicalAgent, machine: Machine) -> None:
        self.station = Station(world, agent, machine)
        self._world = world
        self._time = world.time
        self._standbys = Standbys(self.station)
        self._orders = Orders(self.station, self._standbys)
        self.emergencies = Emergencies(self.station, self._standbys)
        self._enabled = True
        self._metadata = branch(agent.draws)

    @property
    def agent(self) -> LogicalAgent:
        return self.station.agent

    @property
    def machine(self) -> Machine:
        return self.station.machine

    @property
    def is_switching(self) -> bool:
        return self._orders.is_switching

    async def run(self, up_after: timedelta) -> None:
        """Boot, register, work until the machine is given up. Cancelling this is a power-off."""
        await self._time.wait(up_after)
        if not self.station.runs:
            return
        self.agent.comes_up(self.machine, self._time.elapsed())
        while not await self._register():
            # A refused agent exits; the service manager of its machine starts it again.
            await self._time.sleep(
                max(LEAST_RESTART_S, RESTART_AFTER.total_seconds() / self._time.speedup)
            )
        chores = [asyncio.ensure_future(chore) for chore in self._chores()]
        leaving = asyncio.ensure_future(self.station.left.wait())
        try:
            finished, _ = await asyncio.wait(
                [*chores, leaving], return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for chore in (*chores, leaving):
                chore.cancel()
            await asyncio.gather(*chores, leaving, return_exceptions=True)
        for chore in finished:
            chore.result()

    def _chores(self) -> list[Awaitable[None]]:
        chores: list[Awaitable[None]] = [
            self._repeat(self._beat, HEARTBEAT_EVERY),
            self._repeat(self._read_config, CONFIG_EVERY),
            self._repeat(self._report_prices, PRICING_EVERY),
            self._repeat(self._obey, COMMANDS_EVERY),
        ]
        if self.agent.program is not Program.B:
            chores.append(self._clean_up())
        if self.agent.program is Program.C:
            chores.append(self._repeat(self._standbys.launch_wanted, REPLICA_POLL_EVERY))
        return chores

    async def _repeat(self, chore: Callable[[], Awaitable[None]], pause: timedelta) -> None:
        while not self.station.has_left:
            await chore()
            if not self.station.has_left:
                await self._time.wait(pause)

    async def _register(self) -> bool:
        station, server = self.station, self._world.server
        answer = await server.post(
            REGISTER,
            registration(self.agent.program, server.token, self.agent.logical_id, self.machine),
        )
        agent_id = answer.items().get("agent_id")
        if not isinstance(agent_id, str):
            # The programs say goodbye under the id they never got: /api/agents/None/heartbeat.
            await station.post(HEARTBEAT, last_heartbeat(), NOT_FOUND)
            return False
        station.agent_id = agent_id
        config = answer.items().get("config")
        self._enabled = bool(config.get("enabled", True)) if isinstance(config, dict) else True
        return True

    async def _beat(self) -> None:
        facts_known = self._metadata.random() >= SLOW_METADATA
        program = self.agent.program
        await self.station.post(
            HEARTBEAT,
            heartbeat(program, self.machine, enabled=self._enabled, facts_known=facts_known),
        )

    async def _read_config(self) -> None:
        answer = await self.station.get(CONFIG)
        if answer.ok:
            self._enabled = bool(answer.items().get("enabled", True))

    async def _report_prices(self) -> None:
        quotes = self._world.quotes(self.machine.pool)
        await self.station.post(
            PRICING_REPORT,
            pricing_report(self.agent.program, self.machine, quotes, self._time.now()),
        )

    async def _obey(self) -> None:
        if self._enabled:
            await self._orders.take_one()

    async def _clean_up(self) -> None:
        await self._time.wait(FIRST_CLEANUP_AFTER)
        await self._repeat(self._report_cleanup, CLEANUP_EVERY)

    async def _report_cleanup(self) -> None:
        await self.station.post(
            CLEANUP_REPORT,
            cleanup_report(
                self.agent.program,
                self._time.now(),
                has_something_to_remove=self.agent.has_leftovers,
            ),
        )
