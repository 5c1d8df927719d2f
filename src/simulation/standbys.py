"""How standbys come into being: they are launched, they boot, they get in step."""

from datetime import timedelta
from typing import Final

from spot_optimizer.simulation.commands import Order
from spot_optimizer.simulation.machines import Machine, NoCapacity
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.replica_payloads import (
    NO_CAPACITY,
    WantedReplica,
    launched_replica,
    read_wanted_replicas,
    replica_failed,
    replica_ready,
    replica_syncing,
    running_standby,
)
from spot_optimizer.simulation.routes import (
    LAUNCHING_REPLICAS,
    NOT_FOUND,
    REPLICA,
    REPLICA_STATUS,
    REPLICAS,
)
from spot_optimizer.simulation.station import Station
from spot_optimizer.simulation.world import Standby

REPLICA_POLL_EVERY: Final = timedelta(seconds=30)

SHORTEST_LAUNCH_S: Final = 20.0
LONGEST_LAUNCH_S: Final = 60.0
"""Simulated seconds from the launch of a standby until it runs and is in step with its primary."""

SHORTEST_BOOT_S: Final = 10.0
LONGEST_BOOT_S: Final = 30.0
"""Simulated seconds from then until the standby's own agent is up."""


class Standbys:
    """Launches standbys for an agent and tells the server how they come along."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._world = station.world
        self._agent = station.agent

    async def launch_wanted(self) -> None:
        """C's poll: launch each replica that the server waits for.

        What is still listed at the next poll is launched again. A server without the route has
        none.
        """
        answer = await self._station.get(LAUNCHING_REPLICAS, NOT_FOUND)
        for wanted in read_wanted_replicas(answer.body):
            await self._launch_wanted(wanted)

    async def launch_ordered(self, order: Order) -> str | None:
        """C's answer to the command: a standby in its pool; the replica's id, None if none came."""
        program, time = self._agent.program, self._world.time
        try:
            pool = self._world.cloud.find_pool(str(order.target_pool_id))
            standby, running_in = self._launch(pool)
        except NoCapacity:
            return None
        replica_id = await self._post(standby)
        if replica_id is None:
            return None
        await self._report(replica_id, replica_syncing(program, time.now()))
        await time.wait(running_in)
        self._agent.comes_up(standby, time.elapsed())
        await self._report(replica_id, replica_ready(program, time.now()))
        return replica_id

    async def launch_beside(self) -> None:
        """A's answer to a notice, when it is told: a standby in its own zone, then its replica."""
        try:
            standby, running_in = self._launch(self._station.machine.pool)
        except NoCapacity:
            return
        await self._world.time.wait(running_in)
        self._agent.comes_up(standby, self._world.time.elapsed())
        await self._post(standby)

    async def _launch_wanted(self, wanted: WantedReplica) -> None:
        time = self._world.time
        try:
            pool = self._world.cloud.find_pool(wanted.pool_id)
            standby, running_in = self._launch(pool)
        except NoCapacity:
            await self._report(wanted.replica_id, replica_failed(NO_CAPACITY))
            return
        body = launched_replica(standby)
        await self._station.put(REPLICA, body, replica_id=wanted.replica_id)
        await time.wait(running_in)
        self._agent.comes_up(standby, time.elapsed())
        ready = replica_ready(self._agent.program, time.now())
        await self._report(wanted.replica_id, ready)

    def _launch(self, pool: Pool) -> tuple[Machine, timedelta]:
        """A spot instance from the image of the primary, and how long until it runs.

        There is an agent on the image, which comes up a little later whatever the server thinks
        of the standby. Raises NoCapacity.
        """
        standby = self._world.cloud.launch(pool, "spot", self._station.machine.ami_id)
        self._agent.standbys[standby.instance_id] = Standby(standby)
        running_in = self._agent.between(SHORTEST_LAUNCH_S, LONGEST_LAUNCH_S)
        booted_in = running_in + self._agent.between(SHORTEST_BOOT_S, LONGEST_BOOT_S)
        self._world.boot(self._agent, standby, booted_in)
        return standby, running_in

    async def _post(self, standby: Machine) -> str | None:
        body = running_standby(self._agent.program, standby, self._station.machine)
        replica_id = (await self._station.post(REPLICAS, body)).items().get("replica_id")
        return replica_id if isinstance(replica_id, str) else None

    async def _report(self, replica_id: str, body: dict[str, object]) -> None:
        await self._station.post(REPLICA_STATUS, body, replica_id=replica_id)
