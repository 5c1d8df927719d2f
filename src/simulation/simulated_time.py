"""Two clocks: what is sent is real time, what is waited for is real time divided by the speedup."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

Now = Callable[[], datetime]
"""The real time, aware and in UTC."""

Sleep = Callable[[float], Awaitable[None]]
"""Waits so many real seconds."""


def real_now() -> datetime:
    return datetime.now(UTC)


async def real_sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class SimulatedTime:
    """Simulated time passes `speedup` times as fast as real time, and starts at zero.

    The server stamps with its own clock and refuses what lies in its future, so every time that
    is sent is real; the speedup shortens intervals and waits and moves the market faster.
    """

    speedup: float
    now: Now = real_now
    sleep: Sleep = real_sleep
    started_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", self.now())

    def real_elapsed(self) -> timedelta:
        return self.now() - self.started_at

    def elapsed(self) -> timedelta:
        """Simulated time since the start."""
        return self.real_elapsed() * self.speedup

    async def wait(self, simulated: timedelta) -> None:
        await self.sleep(max(0.0, simulated.total_seconds() / self.speedup))

    async def wait_until(self, moment: timedelta) -> None:
        """Wait until so much simulated time has passed since the start."""
        await self.wait(moment - self.elapsed())
