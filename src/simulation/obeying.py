"""How an agent takes and carries out the orders of the server."""

from datetime import timedelta
from typing import Final

from spot_optimizer.simulation.commands import CREATE_REPLICA, Order, read_orders
from spot_optimizer.simulation.machines import Mode, NoCapacity
from spot_optimizer.simulation.payloads import Program
from spot_optimizer.simulation.routes import (
    EXECUTED,
    MARK_EXECUTED,
    PENDING_COMMANDS,
    SWITCH_REPORT,
)
from spot_optimizer.simulation.standbys import Standbys
from spot_optimizer.simulation.station import Station
from spot_optimizer.simulation.switching import switch

COMMANDS_EVERY: Final = timedelta(seconds=15)


class Orders:
    """Asks for orders and carries out the first usable one; a standby's agent does so, too."""

    def __init__(self, station: Station, standbys: Standbys) -> None:
        self.is_switching = False
        self._station = station
        self._standbys = standbys
        self._world = station.world
        self._program = station.agent.program

    async def take_one(self) -> None:
        """Ask once, and do what is asked for; that may end this machine."""
        answer = await self._station.get(PENDING_COMMANDS)
        for order in read_orders(answer.body):
            if self._program is Program.C and order.command_type == CREATE_REPLICA:
                await self._create_replica(order)
                return
            if order.target_mode is not None:
                await self._switch(order, order.target_mode)
                return
            if self._program is Program.B:
                await self._acknowledge(order, success=False, message="")
            # A and C skip an order without a mode, every time they see it.

    async def _create_replica(self, order: Order) -> None:
        replica_id = await self._standbys.launch_ordered(order)
        done = replica_id is not None
        message = f"Replica created: {replica_id}" if done else "Replica creation failed"
        await self._acknowledge(order, success=done, message=message)

    async def _switch(self, order: Order, target_mode: Mode) -> None:
        station, tally = self._station, self._world.tally
        self.is_switching = True
        try:
            switched = await switch(self._world, station.agent, station.machine, order, target_mode)
        except NoCapacity:
            tally.switches_failed += 1
            await self._acknowledge(order, success=False, message="Switch failed")
            return
        finally:
            self.is_switching = False
        await station.post(SWITCH_REPORT, switched.report)
        tally.switches_done += 1
        tally.switch_durations.append(switched.took)
        await self._acknowledge(order, success=True, message="Switch completed")
        if switched.old_ended:
            await station.say_goodbye()

    async def _acknowledge(self, order: Order, *, success: bool, message: str) -> None:
        """Tell the server that the order is over. B has its own route and names no outcome."""
        if self._program is Program.B:
            await self._station.post(MARK_EXECUTED, {"command_id": order.command_id})
        else:
            outcome: dict[str, object] = {"success": success, "message": message}
            await self._station.post(EXECUTED, outcome, command_id=order.command_id)
