"""Somebody at a dashboard: the agents decide nothing, so without him nothing would ever switch."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Final

from spot_optimizer.simulation.agent import AgentProcess
from spot_optimizer.simulation.control_plane import Answer
from spot_optimizer.simulation.routes import ISSUE, RECOMMENDATION
from spot_optimizer.simulation.world import World

FIRST_LOOK_AFTER_S: Final = 4.0
"""Real seconds, in which the first prices have been reported."""

LOOKS_PER_AGENT_S: Final = 20.0
"""Real seconds in which every agent is looked at about once."""

LEAST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 5.0

LEFT_ALONE: Final = timedelta(minutes=30)
"""Simulated time between two orders for the same agent."""

MUCH_CHEAPER: Final = Decimal("0.9")
"""A pool below this share of the current price is worth an order by hand."""

MANUAL_PRIORITY: Final = 75


class FleetOperator:
    """Asks for a recommendation now and then, and orders what it says or what is much cheaper."""

    def __init__(
        self, world: World, agents: Callable[[], Sequence[AgentProcess]], draws: Random
    ) -> None:
        self._world = world
        self._agents = agents
        self._draws = draws
        self._ordered_at: dict[str, timedelta] = {}

    async def work(self) -> None:
        await self._world.time.sleep(FIRST_LOOK_AFTER_S)
        while True:
            idle = [process for process in self._agents() if self._may_be_ordered(process)]
            if idle:
                await self._look_at(self._draws.choice(idle))
            pause = LOOKS_PER_AGENT_S / max(1, len(self._agents()))
            pause *= self._draws.uniform(0.5, 1.5)
            await self._world.time.sleep(min(LONGEST_PAUSE_S, max(LEAST_PAUSE_S, pause)))

    def _may_be_ordered(self, process: AgentProcess) -> bool:
        if not process.station.is_online or not process.station.is_primary or process.is_switching:
            return False
        last = self._ordered_at.get(process.agent.logical_id)
        return last is None or self._world.time.elapsed() - last >= LEFT_ALONE

    async def _look_at(self, process: AgentProcess) -> None:
        answer = await self._world.server.get(
            RECOMMENDATION, agent_id=str(process.station.agent_id)
        )
        advice = answer.items()
        if not advice.get("auto_switch_enabled", False):
            return
        order = _recommended(advice) or self._much_cheaper(process, advice)
        if order is None:
            return
        given = await self._world.server.post(ISSUE, order, agent_id=str(process.station.agent_id))
        if _is_queued(given):
            self._ordered_at[process.agent.logical_id] = self._world.time.elapsed()
            self._world.tally.switches_ordered += 1

    def _much_cheaper(
        self, process: AgentProcess, advice: Mapping[str, object]
    ) -> dict[str, object] | None:
        if process.machine.mode != "spot":
            return None
        limit = self._world.cloud.spot_price(process.machine.pool) * MUCH_CHEAPER
        alternatives = advice.get("alternative_pools")
        for pool in alternatives if isinstance(alternatives, list) else []:
            if not isinstance(pool, dict):
                continue
            price, pool_id = pool.get("spot_price"), pool.get("id")
            if isinstance(price, int | float) and pool_id and price < limit:
                return {
                    "target_mode": "spot",
                    "target_pool_id": pool_id,
                    "reason": "Much cheaper pool",
                    "priority": MANUAL_PRIORITY,
                }
        return None


def _recommended(advice: Mapping[str, object]) -> dict[str, object] | None:
    """The order for a recommendation that the server would carry out by itself."""
    if advice.get("will_auto_execute") is not True:
        return None
    match advice.get("decision_type"), advice.get("recommended_pool_id"):
        case "switch_to_spot", str(pool_id):
            target: dict[str, object] = {"target_mode": "spot", "target_pool_id": pool_id}
        case "switch_to_ondemand", _:
            target = {"target_mode": "ondemand"}
        case _:
            return None
    return target | {"reason": str(advice.get("reason") or "Recommended")}


def _is_queued(answer: Answer) -> bool:
    return answer.ok and answer.items().get("success") is True
