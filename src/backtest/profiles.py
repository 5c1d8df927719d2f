"""What moving costs an agent."""

from dataclasses import dataclass
from typing import Final

import numpy

from spot_optimizer.backtest.traces import Figures

NOTICE_S: Final = 120
"""AWS tells of a reclaim so long before."""
RETRY_S: Final = 15
"""A launch in an emergency that finds no capacity."""
DOWNTIME_HOURS: Final = 20.0
"""An hour without the workload is worth so many hours on demand."""

# Knuth's multiplicative hash: boots look drawn, and are the same for whoever is judged.
_MULTIPLIER: Final = 2654435761
_SALT: Final = 7919


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Seconds of the parts of a move."""

    name: str
    boot_least_s: int
    boot_most_s: int
    cut_over_s: int
    """The workload runs nowhere."""
    drain_s: int
    """The old instance is kept, and paid for, after the cut-over."""

    @property
    def mean_boot_s(self) -> float:
        return (self.boot_least_s + self.boot_most_s) / 2

    def boots(self, ticks: int, number: int) -> Figures:
        """What a boot that begins at each tick would take, of the agent of that number."""
        hashed = numpy.arange(ticks, dtype=numpy.uint64) + numpy.uint64(number * _SALT)
        hashed = hashed * numpy.uint64(_MULTIPLIER) % numpy.uint64(2**32)
        span = numpy.uint64(self.boot_most_s - self.boot_least_s + 1)
        return self.boot_least_s + (hashed % span).astype(numpy.float64)

    def move_hours(self, boot_s: float) -> float:
        """How long two instances are paid for in a planned move."""
        return (boot_s + self.cut_over_s + self.drain_s) / 3600

    def reclaim_s(self, boot_s: float) -> float:
        """Downtime of a reclaim that nothing stands ready for."""
        return max(0.0, boot_s - NOTICE_S) + self.cut_over_s


LIGHT: Final = Profile(name="light", boot_least_s=120, boot_most_s=300, cut_over_s=30, drain_s=300)
"""A service without state, warm before it takes over."""
HEAVY: Final = Profile(name="heavy", boot_least_s=300, boot_most_s=900, cut_over_s=300, drain_s=900)
"""A disk or much state moves along."""

PROFILES: Final = {profile.name: profile for profile in (LIGHT, HEAVY)}
