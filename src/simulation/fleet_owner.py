"""Somebody who sets, once for each agent, which standbys it shall have."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from spot_optimizer.simulation.agent import AgentProcess
from spot_optimizer.simulation.replica_modes import ReplicaMode
from spot_optimizer.simulation.routes import AGENT_SETTINGS, NOT_FOUND
from spot_optimizer.simulation.world import World

LOOK_EVERY_S: Final = 1.0
"""Real seconds between two looks for agents that have come up."""


class FleetOwner:
    """Sets the mode of each agent as soon as the server knows it.

    An agent whose mode the server does not take stays as it is, and is counted so.
    """

    def __init__(
        self,
        world: World,
        agents: Callable[[], Sequence[AgentProcess]],
        wanted: Mapping[str, ReplicaMode],
    ) -> None:
        self._world = world
        self._agents = agents
        self._wanted = dict(wanted)
        """By logical id, until it is set or refused."""

    async def work(self) -> None:
        while self._wanted:
            for process in self._agents():
                if process.station.is_online:
                    await self._set(process)
            await self._world.time.sleep(LOOK_EVERY_S)

    async def _set(self, process: AgentProcess) -> None:
        mode = self._wanted.pop(process.agent.logical_id, None)
        if mode is None:
            return
        answer = await process.station.post(AGENT_SETTINGS, mode.settings, NOT_FOUND)
        if mode.is_stored(answer.items()):
            process.agent.replica_mode = mode
