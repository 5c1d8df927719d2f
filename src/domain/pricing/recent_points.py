"""What was kept of each pool lately: a short memory, which is enough to recognise those who tell
the same (contract/agents-and-replicas.md A6 step 3)."""

from bisect import bisect_left, bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.duplicates import DUPLICATE_WINDOW, KeptPoint
from spot_optimizer.domain.pricing.prices import PriceObservation

# The last ones of a pool however old they are (contract/domain.md 4.1.3), and beyond them those
# that a price of now can be a duplicate of, up to a number.
_KEPT_AT_LEAST: Final = 10
_KEPT_FOR: Final = 2 * DUPLICATE_WINDOW
_KEPT_AT_MOST: Final = 1_000
_KEPT_OF_ALL_POOLS: Final = 50_000

# Somewhat more than half a percent of the kept price; the rule itself decides.
_BELOW: Final = Decimal("1.0051")
_ABOVE: Final = Decimal("0.9949")


class PointsOfPool:
    """Kept points, found by their price, and by who told them when."""

    def __init__(self) -> None:
        self._prices: list[Decimal] = []
        self._points: list[KeptPoint] = []
        self._arrived: deque[KeptPoint] = deque()
        self._told: dict[tuple[str, datetime], KeptPoint] = {}

    def __len__(self) -> int:
        return len(self._arrived)

    def like(self, observation: PriceObservation) -> Sequence[KeptPoint]:
        """All that may say the same as the observation, and few others."""
        price = observation.price
        first = bisect_left(self._prices, price / _BELOW)
        found = self._points[first : bisect_right(self._prices, price / _ABOVE, first)]
        told = self._told.get((observation.source, observation.observed_at))
        return found if told is None else [told, *found]

    def add(self, point: KeptPoint) -> None:
        place = bisect_right(self._prices, point.price)
        self._prices.insert(place, point.price)
        self._points.insert(place, point)
        self._arrived.append(point)
        self._told[point.source, point.observed_at] = point

    def forget_old(self, now: datetime) -> None:
        oldest = now - _KEPT_FOR
        while len(self) > _KEPT_AT_MOST or (
            len(self) > _KEPT_AT_LEAST and self._arrived[0].observed_at < oldest
        ):
            self._remove(self._arrived.popleft())

    def _remove(self, point: KeptPoint) -> None:
        place = bisect_left(self._prices, point.price)
        while self._points[place] is not point:
            place += 1
        del self._prices[place], self._points[place]
        if self._told.get((point.source, point.observed_at)) is point:
            del self._told[point.source, point.observed_at]


class RecentPoints:
    """The points of all pools; those that nobody reports any more are forgotten first."""

    def __init__(self) -> None:
        self._pools: OrderedDict[PoolId, PointsOfPool] = OrderedDict()
        self._count = 0

    def like(self, observation: PriceObservation) -> Sequence[KeptPoint]:
        pool = self._pools.get(observation.pool_id)
        return () if pool is None else pool.like(observation)

    def keep(self, observations: Iterable[PriceObservation]) -> None:
        """Once they are on record."""
        for observation in observations:
            pool = self._pools.setdefault(observation.pool_id, PointsOfPool())
            self._pools.move_to_end(observation.pool_id)
            self._count -= len(pool)
            pool.add(KeptPoint.of(observation))
            pool.forget_old(observation.observed_at)
            self._count += len(pool)
        while self._count > _KEPT_OF_ALL_POOLS:
            _, forgotten = self._pools.popitem(last=False)
            self._count -= len(forgotten)
