"""Running a simulated fleet against a server until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Final

import httpx

from spot_optimizer.simulation.agent import HEARTBEAT_EVERY
from spot_optimizer.simulation.chance import chance
from spot_optimizer.simulation.control_plane import ControlPlane, open_lines
from spot_optimizer.simulation.crew import Crew
from spot_optimizer.simulation.fleet_operator import FleetOperator
from spot_optimizer.simulation.fleet_owner import FleetOwner
from spot_optimizer.simulation.interruptions import InterruptionTrace, read_interruptions
from spot_optimizer.simulation.machines import Cloud
from spot_optimizer.simulation.market import Market, NoPrice, open_market
from spot_optimizer.simulation.payloads import Program
from spot_optimizer.simulation.reclaiming import Reclaiming
from spot_optimizer.simulation.replica_modes import ReplicaMode
from spot_optimizer.simulation.seating import seat
from spot_optimizer.simulation.simulated_time import (
    Now,
    SimulatedTime,
    Sleep,
    real_now,
    real_sleep,
)
from spot_optimizer.simulation.storms import Storm
from spot_optimizer.simulation.tally import Progress, Tally
from spot_optimizer.simulation.trace_files import UnreadableTrace
from spot_optimizer.simulation.world import LogicalAgent

TICK_S: Final = 1.0
"""Real seconds between two bills and two looks of whoever watches."""

START_PER_AGENT_S: Final = 0.02
"""Real seconds each agent adds to the time over which the fleet starts."""

Watch = Callable[[Progress], None]
"""Told every second how the fleet stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """What fleet to run, against which server."""

    base_url: str
    token: str
    """Client token; all agents of the fleet belong to its client."""
    agents: int = 25
    speedup: float = 20.0
    """Simulated seconds per real second."""
    prices: Path | None = None
    """Recorded prices; without a file the packaged instant, from which prices wander."""
    interruptions: Path | None = None
    """Recorded interruptions; without a file or a storm nobody is ever interrupted."""
    interruptions_begin: datetime | None = None
    """The instant of the recording at which the fleet starts; None: its first."""
    storm: Storm | None = None
    replica_modes: tuple[ReplicaMode, ...] = ()
    """Dealt in turn to agents that are alike otherwise; none: they stay as the server has them.

    With several, nobody orders switches: the modes are compared by what interruptions do.
    """
    seed: int = 1
    duration_s: float | None = None
    """Real seconds to run; None until it is stopped."""

    def __post_init__(self) -> None:
        if self.agents < 1 or self.speedup <= 0:
            raise ValueError("a fleet needs at least one agent and a speedup above 0")


async def run(
    options: FleetOptions,
    stop: asyncio.Event,
    *,
    watch: Watch | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    now: Now = real_now,
    sleep: Sleep = real_sleep,
) -> Tally:
    """Run a fleet until `stop` is set or its time is over, then let every agent say goodbye.

    Cancelling it ends it just as cleanly, but then there is no tally. Raises UnreadableTrace before
    the first call when a recorded file cannot be used.
    """
    trace, market = _recordings(options)
    tally = Tally(speedup=options.speedup, agents=options.agents, price_source=market.source)
    async with open_lines(options.base_url, transport) as lines:
        time = SimulatedTime(options.speedup, now, sleep)
        # A machine of an earlier run must not come back: its id is retired on the server.
        identities = chance(options.seed, "machines", time.started_at.isoformat())
        cloud = Cloud(market, trace, time, identities)
        tasks = asyncio.TaskGroup()
        crew = Crew(tasks, time, cloud, ControlPlane(lines, options.token, tally), tally)
        try:
            async with tasks:
                _start(crew, trace, options, watch)
                await _until_told(stop, options.duration_s, sleep)
                crew.power_down()
        finally:
            crew.close_the_books()
            await crew.say_goodbye()
    return tally


def stop_on_signals(stop: asyncio.Event) -> None:
    """Let SIGINT and SIGTERM end the fleet of the running loop instead of breaking it off."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


def _recordings(options: FleetOptions) -> tuple[InterruptionTrace | None, Market]:
    if options.interruptions is None:
        return None, open_market(options.prices, options.seed)
    trace = read_interruptions(options.interruptions, options.interruptions_begin)
    try:
        return trace, open_market(options.prices, options.seed, trace.pools)
    except NoPrice as missing:
        named = ", ".join(pool.id for pool in trace.pools)
        reason = f"no price is known for its pools {named}"
        raise UnreadableTrace(options.interruptions, reason) from missing


def _start(
    crew: Crew, trace: InterruptionTrace | None, options: FleetOptions, watch: Watch | None
) -> None:
    cloud = crew.world.cloud
    modes = options.replica_modes
    agents = seat(cloud, options.agents, options.seed, alike=max(1, len(modes)))
    for agent, up_after in zip(agents, _staggered(options), strict=True):
        crew.start(agent, up_after)
    reclaiming = Reclaiming(crew)
    if options.storm is not None:
        crew.do(reclaiming.strike(options.storm, chance(options.seed, "storm")))
    if trace is not None:
        for pool in cloud.market.pools:
            crew.do(reclaiming.play(trace, pool))
    if modes:
        crew.do(FleetOwner(crew.world, crew.present, _dealt(modes, agents)).work())
    if len(modes) < 2:
        draws = chance(options.seed, "operator")
        crew.do(FleetOperator(crew.world, crew.present, draws).work())
    crew.do(_keep_books(crew, watch))


def _dealt(modes: Sequence[ReplicaMode], agents: Sequence[LogicalAgent]) -> dict[str, ReplicaMode]:
    """The mode of each agent, in turn; B knows of no replicas whatever the mode."""
    return {
        agent.logical_id: ReplicaMode.NONE if agent.program is Program.B else mode
        for agent, mode in zip(agents, cycle(modes), strict=False)
    }


def _staggered(options: FleetOptions) -> list[timedelta]:
    """When each agent comes up first, in simulated time: spread, so that their calls are, too."""
    over_s = max(
        HEARTBEAT_EVERY.total_seconds() / options.speedup, options.agents * START_PER_AGENT_S
    )
    step = timedelta(seconds=over_s) * options.speedup / options.agents
    return [step * number for number in range(options.agents)]


async def _keep_books(crew: Crew, watch: Watch | None) -> None:
    time, tally = crew.world.time, crew.world.tally
    while True:
        crew.close_the_books()
        if watch is not None:
            watch(crew.progress())
        due_at = time.now() + timedelta(seconds=TICK_S)
        await time.sleep(TICK_S)
        tally.came_late((time.now() - due_at).total_seconds())


async def _until_told(stop: asyncio.Event, duration_s: float | None, sleep: Sleep) -> None:
    if duration_s is None:
        await stop.wait()
        return
    waiting = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(sleep(duration_s))]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waiting:
            wait.cancel()
