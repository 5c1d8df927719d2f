"""How AWS takes spot instances away: a hint, a notice, two minutes, the end."""

from collections.abc import Iterable
from datetime import timedelta
from random import Random
from typing import Final

from spot_optimizer.simulation.agent import AgentProcess
from spot_optimizer.simulation.crew import Crew
from spot_optimizer.simulation.interruptions import (
    NOTICE_BEFORE_RECLAIM,
    REBALANCE_BEFORE_NOTICE,
    InterruptionTrace,
)
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.routes import NOT_FOUND, REPLICAS
from spot_optimizer.simulation.storms import CAPACITY_BACK_AFTER, Storm, StormKind
from spot_optimizer.simulation.tally import StormTally

LOOK_EVERY: Final = timedelta(seconds=5)
"""How often a load balancer looks for the primary of an agent whose machine is being reclaimed."""

LEAST_PAUSE_S: Final = 0.5
"""Real seconds between two such looks, however great the speedup."""

LOOK_UNTIL: Final = timedelta(minutes=10)
"""After the notice; whoever was not moved by then has long been replaced."""

REGISTERED_LOOK_S: Final = 1.0
"""Real seconds between two looks whether all agents have registered, so that a storm may come."""


class Reclaiming:
    """Tells the agents of a crew of their interruptions, and takes their machines away."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._time = crew.world.time

    async def play(self, trace: InterruptionTrace, pool: Pool) -> None:
        """Play the recorded losses of one pool to whatever runs in it then."""
        after = timedelta(0)
        while (loss := trace.next_after(pool, after)) is not None:
            if loss.rebalance_at is not None and loss.rebalance_at > after:
                await self._time.wait_until(loss.rebalance_at)
                self.hint(self._spot_in(pool))
            await self._time.wait_until(loss.notice_at)
            await self.reclaim(self._spot_in(pool))
            after = loss.reclaim_at

    def hint(self, processes: Iterable[AgentProcess]) -> None:
        """Recommend them to rebalance."""
        for process in processes:
            self._crew.do(process.emergencies.heed_rebalance())

    async def reclaim(self, doomed: Iterable[AgentProcess]) -> None:
        """Give them notice, and take their machines when two minutes have passed."""
        doomed = list(doomed)
        reclaim_at = self._time.now() + NOTICE_BEFORE_RECLAIM / self._time.speedup
        end = self._time.elapsed() + NOTICE_BEFORE_RECLAIM
        at_home = [process for process in doomed if process.station.is_primary]
        for process in doomed:
            self._crew.do(process.emergencies.heed_notice(reclaim_at))
        for process in at_home:
            self._crew.do(self._look_for_primary(process))
        await self._time.wait_until(end)
        for process in doomed:
            if self._crew.world.cloud.is_running(process.machine):
                process.agent.reclaims += process in at_home
                self._crew.lose(process)

    async def strike(self, storm: Storm, draws: Random) -> None:
        """Let a storm break over whatever runs so long after all agents have registered."""
        cloud, tally = self._crew.world.cloud, self._crew.world.tally
        tally.storm_is_due = True
        await self._all_have_registered()
        await self._time.sleep(storm.after_s)
        running = sorted(
            (process for process in self._crew.present() if cloud.is_running(process.machine)),
            key=lambda process: (process.agent.logical_id, not process.station.is_primary),
        )
        spot = [process for process in running if process.machine.mode == "spot"]
        place = storm.place(process.machine.pool for process in spot)
        exposed = [process for process in spot if storm.covers(process.machine.pool, place)]
        doomed = draws.sample(exposed, storm.size(len(exposed)))
        tally.storm_is_due = False
        tally.storm = StormTally(place, len(doomed), len(spot))
        if storm.kind is StormKind.REBALANCE:
            self.hint(exposed)
            await self._time.wait(REBALANCE_BEFORE_NOTICE)
        else:
            for pool in cloud.market.pools:
                if storm.covers(pool, place):
                    cloud.close(pool, CAPACITY_BACK_AFTER)
        await self.reclaim(doomed)
        tally.storm.is_over = True

    async def _all_have_registered(self) -> None:
        seen: set[str] = set()
        while len(seen) < self._crew.size:
            await self._time.sleep(REGISTERED_LOOK_S)
            seen |= {it.agent.logical_id for it in self._crew.present() if it.station.is_online}

    def _spot_in(self, pool: Pool) -> list[AgentProcess]:
        return [
            process
            for process in self._crew.present()
            if process.machine.pool == pool and process.machine.mode == "spot"
        ]

    async def _look_for_primary(self, process: AgentProcess) -> None:
        """See whether the server has promoted a standby, as whoever directs its traffic would."""
        agent, begun = process.agent, self._time.elapsed()
        while self._time.elapsed() - begun < LOOK_UNTIL:
            await self._time.sleep(
                max(LEAST_PAUSE_S, LOOK_EVERY.total_seconds() / self._time.speedup)
            )
            if agent.machine is not process.machine and agent.workload.machine is agent.machine:
                return
            if agent.standbys:
                await self._look(process)

    async def _look(self, process: AgentProcess) -> None:
        answer = await process.station.get(REPLICAS, NOT_FOUND)
        replicas = answer.items().get("replicas")
        for replica in replicas if isinstance(replicas, list) else []:
            if isinstance(replica, dict) and replica.get("status") == "promoted":
                self._crew.world.follow(process.agent, str(replica.get("instance_id")))
