"""What a process remembers of the prices it has put on record, so that it need not read them again.

Whatever is remembered was committed. The record can only have moved on since: a bucket passes to a
higher rank, never back, and whoever replaces one looks at the record first.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.buckets import BucketSnapshot, Disputes
from spot_optimizer.domain.pricing.prices import PriceObservation
from spot_optimizer.domain.pricing.recent_points import RecentPoints
from spot_optimizer.domain.pricing.report import SpotPool

_BUCKETS_REMEMBERED: Final = 10_000

# A pool and the five minutes, by their start.
BucketKey: TypeAlias = tuple[PoolId, datetime]
# What an on-demand price is for: an instance type and a region.
TypeInRegion: TypeAlias = tuple[str, str]


@dataclass(slots=True)
class TakenIn:
    """What a transaction puts on record, to be remembered once it is committed."""

    pools: Mapping[SpotPool, PoolId] = field(default_factory=dict)
    """With the id under which each is kept."""
    observations: Collection[PriceObservation] = ()
    standing: Mapping[BucketKey, BucketSnapshot] = field(default_factory=dict)
    on_demand: Mapping[TypeInRegion, Decimal] = field(default_factory=dict)


class PriceMemory:
    """Short and bounded; without it everything is only slower."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.recent = RecentPoints()
        self.disputes = Disputes()
        self._standing: OrderedDict[BucketKey, BucketSnapshot] = OrderedDict()
        self._second: datetime | None = None
        self._pools: dict[SpotPool, PoolId] = {}
        self._on_demand: dict[TypeInRegion, Decimal] = {}

    def standing(self, keys: Collection[BucketKey]) -> dict[BucketKey, BucketSnapshot]:
        """What stands in those of the buckets that are remembered."""
        return {key: self._standing[key] for key in keys if key in self._standing}

    def pools_seen(self, at: datetime) -> Mapping[SpotPool, PoolId]:
        """Those that were seen in the same second, which is as exactly as the record tells."""
        return self._pools if at.replace(microsecond=0) == self._second else {}

    def on_demand_seen(self, at: datetime) -> Mapping[TypeInRegion, Decimal]:
        """The current on-demand prices that were set or seen in the same second."""
        return self._on_demand if at.replace(microsecond=0) == self._second else {}

    def keep(self, taken: TakenIn, at: datetime) -> None:
        second = at.replace(microsecond=0)
        if second != self._second:
            self._second = second
            self._pools.clear()
            self._on_demand.clear()
        self._pools.update(taken.pools)
        self._on_demand.update(taken.on_demand)
        self.recent.keep(taken.observations)
        self._standing.update(taken.standing)
        while len(self._standing) > _BUCKETS_REMEMBERED:
            self._standing.popitem(last=False)
