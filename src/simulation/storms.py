"""Scripted storms: many spot instances are reclaimed at once."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from spot_optimizer.simulation.pools import Pool

CAPACITY_BACK_AFTER: Final = timedelta(minutes=30)
"""Simulated time for which nothing can be launched where a storm has struck."""


class StormKind(StrEnum):
    """What the instances that a storm strikes have in common."""

    ZONE = "zone"
    TYPE = "type"
    REGION = "region"
    REBALANCE = "rebalance"
    """Nothing: all get a recommendation, and a share of them a notice after it."""


@dataclass(frozen=True, slots=True)
class Storm:
    """What strikes, when, and how many of the spot instances it could strike."""

    kind: StormKind
    after_s: float = 30.0
    """Real seconds after all agents of the fleet have registered."""
    share: float = 1.0
    """Of the spot instances in its place, those that are reclaimed."""

    def __post_init__(self) -> None:
        if self.after_s < 0 or not 0 < self.share <= 1:
            raise ValueError("a storm strikes a share above 0, and not before the fleet is there")

    def place(self, pools: Iterable[Pool]) -> str:
        """Where it strikes: the zone, type or region with the most of these."""
        counted = Counter(map(_PLACE[self.kind], pools))
        return min(counted, key=lambda place: (-counted[place], place), default="nowhere")

    def covers(self, pool: Pool, place: str) -> bool:
        return _PLACE[self.kind](pool) == place

    def size(self, exposed: int) -> int:
        """How many of so many are reclaimed."""
        return max(1, round(exposed * self.share)) if exposed else 0


_PLACE: Final[dict[StormKind, Callable[[Pool], str]]] = {
    StormKind.ZONE: lambda pool: pool.az,
    StormKind.TYPE: lambda pool: pool.instance_type,
    StormKind.REGION: lambda pool: pool.region,
    StormKind.REBALANCE: lambda _: "everywhere",
}
