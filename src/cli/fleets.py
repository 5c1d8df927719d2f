"""What the commands that run a simulated fleet have in common."""

import asyncio
import signal
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console

from spot_optimizer.cli.failures import FAILED, WRONG_SETTING, Failure
from spot_optimizer.simulation.enrolment import EnrolmentRefused, enrol
from spot_optimizer.simulation.fleet import FleetOptions, run, stop_on_signals
from spot_optimizer.simulation.progress import LiveStatus
from spot_optimizer.simulation.replica_modes import ReplicaMode
from spot_optimizer.simulation.storms import Storm
from spot_optimizer.simulation.tally import Tally
from spot_optimizer.simulation.trace_files import UnreadableTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What fleet is wanted, wherever the server is."""

    agents: int
    speedup: float
    seed: int
    duration_s: float | None
    prices: Path | None = None
    interruptions: Path | None = None
    interruptions_begin: datetime | None = None
    storm: Storm | None = None
    replica_modes: tuple[ReplicaMode, ...] = ()

    def against(self, base_url: str, token: str) -> FleetOptions:
        return FleetOptions(
            base_url=base_url,
            token=token,
            agents=self.agents,
            speedup=self.speedup,
            prices=self.prices,
            interruptions=self.interruptions,
            interruptions_begin=self.interruptions_begin,
            storm=self.storm,
            replica_modes=self.replica_modes,
            seed=self.seed,
            duration_s=self.duration_s,
        )


def stopped_by_signals() -> asyncio.Event:
    """Set by Ctrl-C, by SIGTERM, and when the terminal is closed."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, stop.set)
    return stop


async def enrolled(base_url: str, admin_token: str, name: str) -> str:
    """The client token of a fleet of that name.

    Raises:
        Failure: the server gives none.
    """
    try:
        return await enrol(base_url, admin_token, name)
    except EnrolmentRefused as refused:
        raise Failure(f"The fleet was not enrolled: {refused}", FAILED) from refused


async def drive(options: FleetOptions, stop: asyncio.Event, console: Console) -> Tally:
    """Shows how the fleet stands while it runs.

    Raises:
        Failure: a recorded file cannot be used.
    """
    try:
        with LiveStatus(console) as status:
            return await run(options, stop, watch=status)
    except UnreadableTrace as unreadable:
        raise Failure(str(unreadable), WRONG_SETTING) from unreadable
