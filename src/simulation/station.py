"""One agent program on one machine, and its line to the server."""

import asyncio
from dataclasses import dataclass, field

from spot_optimizer.simulation.control_plane import Answer
from spot_optimizer.simulation.machines import Machine
from spot_optimizer.simulation.payloads import last_heartbeat
from spot_optimizer.simulation.routes import HEARTBEAT
from spot_optimizer.simulation.world import LogicalAgent, World


@dataclass(slots=True)
class Station:
    """What the chores of an agent process share."""

    world: World
    agent: LogicalAgent
    machine: Machine
    agent_id: str | None = None
    """The server's id, None until it has registered."""
    has_left: bool = False
    """It makes no more calls: it has said goodbye, or its machine is gone."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after its last word."""

    @property
    def is_online(self) -> bool:
        return self.agent_id is not None and not self.has_left

    @property
    def runs(self) -> bool:
        """Whether the machine is there and the program has not left it."""
        return not self.has_left and self.world.cloud.is_running(self.machine)

    @property
    def is_primary(self) -> bool:
        """Whether its machine is the one its agent is at home on."""
        return self.agent.machine is self.machine

    async def get(self, route: str, tolerated: frozenset[int] = frozenset()) -> Answer:
        return await self.world.server.get(route, tolerated=tolerated, agent_id=str(self.agent_id))

    async def post(
        self,
        route: str,
        body: dict[str, object],
        tolerated: frozenset[int] = frozenset(),
        **ids: str,
    ) -> Answer:
        return await self.world.server.post(
            route, body, tolerated=tolerated, agent_id=str(self.agent_id), **ids
        )

    async def put(self, route: str, body: dict[str, object], **ids: str) -> Answer:
        return await self.world.server.put(route, body, agent_id=str(self.agent_id), **ids)

    async def say_goodbye(self) -> None:
        """The last word of an agent that stops; it names no instance."""
        if self.is_online:
            self.has_left = True
            await self.post(HEARTBEAT, last_heartbeat())
            self.left.set()
