"""What an agent does when AWS announces that its machine may or will be reclaimed."""

from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.simulation.control_plane import Answer
from spot_optimizer.simulation.payloads import (
    Program,
    rebalance_recommendation,
    termination_imminent,
)
from spot_optimizer.simulation.replica_payloads import Signal, emergency_request
from spot_optimizer.simulation.routes import EMERGENCY_REPLICA, NOT_FOUND, REBALANCE, TERMINATION
from spot_optimizer.simulation.standbys import Standbys
from spot_optimizer.simulation.station import Station

REBALANCE_EVERY: Final = timedelta(seconds=30)
"""How often A and C look for a hint, and A repeats it."""

NOTICE_EVERY: Final = timedelta(seconds=5)
"""How often A and C look for a notice, and A repeats it."""

NO_REPLICA: Final = frozenset({404, 500})
"""Without a replica the server answers a notice with 500, and 404 where the route is missing."""

NO_EMERGENCY_REPLICA: Final = frozenset({403, 404, 500})
"""No emergency replica: automatic mode is off, the route is missing, no pool is left."""


class Emergencies:
    """A repeats what it has seen until it is gone, C says it once; B sees nothing."""

    def __init__(self, station: Station, standbys: Standbys) -> None:
        self._station = station
        self._standbys = standbys
        self._time = station.world.time

    async def heed_rebalance(self) -> None:
        """AWS hints that the machine may be reclaimed."""
        if not await self._sees_it_within(REBALANCE_EVERY):
            return
        program, machine = self._station.agent.program, self._station.machine
        hint = rebalance_recommendation(program, machine, self._time.now())
        if program is Program.C:
            await self._ask_for_replica("rebalance-recommendation")
            await self._station.post(REBALANCE, hint, NOT_FOUND)
            return
        while self._station.runs:
            await self._station.post(REBALANCE, hint, NOT_FOUND)
            await self._time.wait(REBALANCE_EVERY)

    async def heed_notice(self, reclaim_at: datetime) -> None:
        """AWS will reclaim the machine at that time. C stops once the server has moved it."""
        if not await self._sees_it_within(NOTICE_EVERY):
            return
        if self._station.agent.program is Program.C:
            await self._ask_for_replica("termination-notice", reclaim_at)
            if self._station.runs and (await self._announce(reclaim_at)).items().get("success"):
                await self._station.say_goodbye()
            return
        while self._station.runs:
            answer = await self._announce(reclaim_at)
            if answer.items().get("create_emergency_replica") is True:
                await self._standbys.launch_beside()
            await self._time.wait(NOTICE_EVERY)

    async def _sees_it_within(self, longest: timedelta) -> bool:
        """Whether an agent is there to see it at its next look, or at its first after booting."""
        station = self._station
        if station.agent.program is Program.B:
            return False
        await self._time.wait(station.agent.between(0, longest.total_seconds()))
        while station.runs and not station.is_online:
            await self._time.wait(longest)
        return station.runs

    async def _ask_for_replica(self, signal: Signal, reclaim_at: datetime | None = None) -> None:
        body = emergency_request(signal, self._station.machine, reclaim_at)
        await self._station.post(EMERGENCY_REPLICA, body, NO_EMERGENCY_REPLICA)

    async def _announce(self, reclaim_at: datetime) -> Answer:
        station = self._station
        body = termination_imminent(
            station.agent.program, station.machine, reclaim_at, self._time.now()
        )
        answer = await station.post(TERMINATION, body, NO_REPLICA)
        moved_to = answer.items().get("new_instance_id")
        if isinstance(moved_to, str):
            station.world.follow(station.agent, moved_to)
        return answer
