"""One agent process on one simulated machine: its calls, their cadence and their order.

Not yet simulated, because the server's replica routes come later: C's polling for replicas and its
`create-emergency-replica`, the standby A launches after a notice, and that C stops once the server
has moved it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.simulation.chance import branch
from spot_optimizer.simulation.commands import CREATE_REPLICA, Order, read_orders
from spot_optimizer.simulation.machines import Machine, Mode, NoCapacity
from spot_optimizer.simulation.payloads import (
    Program,
    cleanup_report,
    heartbeat,
    last_heartbeat,
    pricing_report,
    rebalance_recommendation,
    registration,
    termination_imminent,
)
from spot_optimizer.simulation.switching import switch
from spot_optimizer.simulation.world import LogicalAgent, World

HEARTBEAT_EVERY: Final = timedelta(seconds=30)
CONFIG_EVERY: Final = timedelta(seconds=60)
COMMANDS_EVERY: Final = timedelta(seconds=15)
PRICING_EVERY: Final = timedelta(seconds=300)
FIRST_CLEANUP_AFTER: Final = timedelta(seconds=60)
CLEANUP_EVERY: Final = timedelta(seconds=3600)
REBALANCE_EVERY: Final = timedelta(seconds=30)
NOTICE_EVERY: Final = timedelta(seconds=5)
RESTART_AFTER: Final = timedelta(seconds=10)

LEAST_RESTART_S: Final = 1.0
"""Real seconds; however great the speedup, a server that is down is not stormed."""

SLOW_METADATA: Final = 0.02
"""Share of the heartbeats in which the metadata service did not answer in time."""

_ROUTE: Final = "/api/agents/{agent_id}"
REGISTER: Final = "/api/agents/register"
HEARTBEAT: Final = f"{_ROUTE}/heartbeat"
CONFIG: Final = f"{_ROUTE}/config"
PENDING_COMMANDS: Final = f"{_ROUTE}/pending-commands"
EXECUTED: Final = f"{_ROUTE}/commands/{{command_id}}/executed"
MARK_EXECUTED: Final = f"{_ROUTE}/mark-command-executed"
PRICING_REPORT: Final = f"{_ROUTE}/pricing-report"
SWITCH_REPORT: Final = f"{_ROUTE}/switch-report"
CLEANUP_REPORT: Final = f"{_ROUTE}/cleanup-report"
REBALANCE: Final = f"{_ROUTE}/rebalance-recommendation"
TERMINATION: Final = f"{_ROUTE}/termination-imminent"

NOT_FOUND: Final = frozenset({404})
NO_REPLICA: Final = frozenset({404, 500})
"""Without a replica the server answers a notice with 500, and 404 where the route is missing."""


class AgentProcess:
    """The agent program on one machine; it decides nothing, it reports and obeys."""

    def __init__(self, world: World, agent: LogicalAgent, machine: Machine) -> None:
        self.agent = agent
        self.machine = machine
        self.agent_id: str | None = None
        """The server's id, None until it has registered."""
        self.is_switching = False
        self.has_left = False
        """It has said goodbye and makes no more calls."""
        self._world = world
        self._time = world.time
        self._server = world.server
        self._enabled = True
        self._metadata = branch(agent.draws)

    @property
    def is_online(self) -> bool:
        return self.agent_id is not None and not self.has_left

    @property
    def is_primary(self) -> bool:
        """Whether this is the latest machine of its agent."""
        return self.agent.machine is self.machine

    async def run(self, up_after: timedelta) -> None:
        """Boot, register, work until the machine is given up. Cancelling this is a power-off."""
        await self._time.wait(up_after)
        while not await self._register():
            # A refused agent exits; the service manager of its machine starts it again.
            await self._time.sleep(
                max(LEAST_RESTART_S, RESTART_AFTER.total_seconds() / self._time.speedup)
            )
        chores = [
            asyncio.ensure_future(self._repeat(self._beat, HEARTBEAT_EVERY)),
            asyncio.ensure_future(self._repeat(self._read_config, CONFIG_EVERY)),
            asyncio.ensure_future(self._repeat(self._report_prices, PRICING_EVERY)),
            asyncio.ensure_future(self._obey()),
        ]
        if self.agent.program is not Program.B:
            chores.append(asyncio.ensure_future(self._clean_up()))
        try:
            finished, _ = await asyncio.wait(chores, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
        for chore in finished:
            chore.result()

    async def say_goodbye(self) -> None:
        """The last word of an agent that is stopped; it names no instance."""
        if self.is_online:
            self.has_left = True
            await self._post(HEARTBEAT, last_heartbeat())

    async def heed_rebalance(self) -> None:
        """AWS hints that the machine may be reclaimed: A says so until it is gone, C once."""
        if self.agent.program is Program.B:
            return
        detected_at = self._time.now()
        while self._can_speak():
            body = rebalance_recommendation(self.agent.program, self.machine, detected_at)
            await self._post(REBALANCE, body, tolerated=NOT_FOUND)
            if self.agent.program is Program.C:
                return
            await self._time.wait(REBALANCE_EVERY)

    async def heed_notice(self, reclaim_at: datetime) -> None:
        """AWS will reclaim the machine at `reclaim_at`: A says so until then, C once."""
        if self.agent.program is Program.B:
            return
        while self._can_speak():
            body = termination_imminent(
                self.agent.program, self.machine, reclaim_at, self._time.now()
            )
            await self._post(TERMINATION, body, tolerated=NO_REPLICA)
            if self.agent.program is Program.C:
                return
            await self._time.wait(NOTICE_EVERY)

    def _can_speak(self) -> bool:
        return self.is_online and self._world.cloud.is_running(self.machine)

    async def _post(
        self,
        route: str,
        body: dict[str, object],
        tolerated: frozenset[int] = frozenset(),
        **ids: str,
    ) -> None:
        agent_id = str(self.agent_id)
        await self._server.post(route, body, tolerated=tolerated, agent_id=agent_id, **ids)

    async def _repeat(self, chore: Callable[[], Awaitable[None]], pause: timedelta) -> None:
        while True:
            await chore()
            await self._time.wait(pause)

    async def _register(self) -> bool:
        program, token = self.agent.program, self._server.token
        answer = await self._server.post(
            REGISTER, registration(program, token, self.agent.logical_id, self.machine)
        )
        agent_id = answer.items().get("agent_id")
        if not isinstance(agent_id, str):
            # The programs say goodbye under the id they never got: /api/agents/None/heartbeat.
            await self._post(HEARTBEAT, last_heartbeat(), tolerated=NOT_FOUND)
            return False
        self.agent_id = agent_id
        config = answer.items().get("config")
        self._enabled = bool(config.get("enabled", True)) if isinstance(config, dict) else True
        return True

    async def _beat(self) -> None:
        facts_known = self._metadata.random() >= SLOW_METADATA
        program = self.agent.program
        await self._post(
            HEARTBEAT,
            heartbeat(program, self.machine, enabled=self._enabled, facts_known=facts_known),
        )

    async def _read_config(self) -> None:
        answer = await self._server.get(CONFIG, agent_id=str(self.agent_id))
        if answer.ok:
            self._enabled = bool(answer.items().get("enabled", True))

    async def _report_prices(self) -> None:
        quotes = self._world.quotes(self.machine.pool)
        await self._post(
            PRICING_REPORT,
            pricing_report(self.agent.program, self.machine, quotes, self._time.now()),
        )

    async def _clean_up(self) -> None:
        await self._time.wait(FIRST_CLEANUP_AFTER)
        await self._repeat(self._report_cleanup, CLEANUP_EVERY)

    async def _report_cleanup(self) -> None:
        await self._post(
            CLEANUP_REPORT,
            cleanup_report(
                self.agent.program,
                self._time.now(),
                has_something_to_remove=self.agent.has_leftovers,
            ),
        )

    async def _obey(self) -> None:
        """Ask for orders until one of them ended this machine."""
        while not self.has_left:
            if self._enabled:
                answer = await self._server.get(PENDING_COMMANDS, agent_id=str(self.agent_id))
                await self._take_first_usable(answer.body)
            if not self.has_left:
                await self._time.wait(COMMANDS_EVERY)

    async def _take_first_usable(self, body: object) -> None:
        for order in read_orders(body):
            if self.agent.program is Program.C and order.command_type == CREATE_REPLICA:
                await self._acknowledge(order, success=False, message="Replica creation failed")
                return
            if order.target_mode is not None:
                await self._switch(order, order.target_mode)
                return
            if self.agent.program is Program.B:
                await self._acknowledge(order, success=False, message="")
            # A and C skip an order without a mode, every time they see it.

    async def _switch(self, order: Order, target_mode: Mode) -> None:
        self.is_switching = True
        try:
            switched = await switch(self._world, self.agent, self.machine, order, target_mode)
        except NoCapacity:
            self._world.tally.switches_failed += 1
            await self._acknowledge(order, success=False, message="Switch failed")
            return
        finally:
            self.is_switching = False
        await self._post(SWITCH_REPORT, switched.report)
        self._world.tally.switches_done += 1
        self._world.tally.switch_durations.append(switched.took)
        await self._acknowledge(order, success=True, message="Switch completed")
        if switched.old_ended:
            await self.say_goodbye()

    async def _acknowledge(self, order: Order, *, success: bool, message: str) -> None:
        """Tell the server that the order is over. B has its own route and names no outcome."""
        if self.agent.program is Program.B:
            await self._post(MARK_EXECUTED, {"command_id": order.command_id})
        else:
            outcome: dict[str, object] = {"success": success, "message": message}
            await self._post(EXECUTED, outcome, command_id=order.command_id)
