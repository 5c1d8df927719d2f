"""What it costs one agent to move, to be reclaimed, and to be down.

Inner figures of the placement policy are floats: they are estimates, multiplied by estimates. Money
that is billed or shown stays Decimal and is turned into floats at this border.
"""

from dataclasses import dataclass
from typing import Final

HOUR_S: Final = 3600.0

NOTICE_S: Final = 120.0
"""AWS gives two minutes between an interruption notice and the end of an instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchingCost:
    """One agent's times, in seconds, and what an hour of its downtime is worth."""

    boot_s: float = 210.0
    """From asking for an instance until it can take over."""
    cutover_s: float = 30.0
    """Downtime of a planned move, or of promoting a ready replica."""
    drain_s: float = 300.0
    """How long the old instance is kept, and paid, after the cut-over."""
    notice_s: float = NOTICE_S
    downtime_value: float = 20.0
    """An hour of downtime costs this many hours of on demand."""

    @property
    def boot_after_notice_s(self) -> float:
        """How long a reclaimed workload waits for an instance that nobody held ready."""
        return max(0.0, self.boot_s - self.notice_s)

    def of_downtime(self, seconds: float, on_demand: float) -> float:
        """USD that so much downtime is worth."""
        return self.downtime_value * on_demand * seconds / HOUR_S

    def of_move(self, old_price: float, on_demand: float, *, onto_replica: bool = False) -> float:
        """USD for a planned move: the old instance is paid while the new one is, too, and the
        cut-over is downtime. A ready replica needs no boot."""
        overlap_s = (0.0 if onto_replica else self.boot_s) + self.cutover_s + self.drain_s
        return old_price * overlap_s / HOUR_S + self.of_downtime(self.cutover_s, on_demand)

    def of_reclaim(self, on_demand: float, *, replica_ready: bool = False) -> float:
        """USD that the downtime of an interruption is worth."""
        waiting_s = 0.0 if replica_ready else self.boot_after_notice_s
        return self.of_downtime(waiting_s + self.cutover_s, on_demand)
