"""Which pool a replica goes to (contract/domain.md 4.7.6). Only measured prices count (INV-16).

The pools that are asked are those of the primary's type and region that are active.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.pool_choice import PRICE_STAYS_FRESH, PricedPool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a caller wants of the pool; a zone both preferred and excluded is excluded."""

    excluded_zones: frozenset[str] = frozenset()
    preferred_zones: frozenset[str] = frozenset()
    highest_hourly_cost: Decimal | None = None
    """USD per hour."""


NO_WISHES: Final = Wishes()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolMarket:
    """The pools to choose from, as seen from where the primary runs; an unknown current pool
    excludes nothing."""

    instance_type: str
    region: str
    pools: Sequence[PricedPool]
    current: PoolId | None
    now: datetime
    freshness: timedelta = PRICE_STAYS_FRESH

    def cheapest(self, wishes: Wishes = NO_WISHES) -> PricedPool | None:
        """Another pool with a fresh price within the limits; by price, then id."""
        affordable = [
            (pool.price, pool.pool_id, pool)
            for pool in self.others(wishes)
            if pool.price is not None
            and pool.is_fresh(self.now, self.freshness)
            and (wishes.highest_hourly_cost is None or pool.price <= wishes.highest_hourly_cost)
        ]
        return min(affordable, key=lambda found: found[:2])[2] if affordable else None

    def cheapest_whatever_is_known(self, avoided: Iterable[PoolId] = ()) -> PricedPool | None:
        """As `cheapest`; else another pool without a fresh price; else the current one, because a
        standby there is better than none. Pools to be avoided come after all others."""
        shunned = frozenset(avoided)
        calm = replace(self, pools=[pool for pool in self.pools if pool.pool_id not in shunned])
        return (
            calm.cheapest()
            or min(calm.others(), key=_by_id, default=None)
            or self.cheapest()
            or min(self.others(), key=_by_id, default=None)
            or next((pool for pool in self.pools if pool.pool_id == self.current), None)
        )

    def safest(
        self,
        wishes: Wishes = NO_WISHES,
        avoided: Iterable[PoolId] = (),
    ) -> PricedPool | None:
        """Another pool: of a preferred zone, then with the fewest interruptions in 24 hours, then
        with the lowest fresh price, then by id. A price is not required: an emergency must work
        with stale ones. Pools to be avoided come after all others."""
        shunned = frozenset(avoided)
        return min(
            self.others(wishes),
            key=lambda pool: (
                pool.pool_id in shunned,
                pool.zone not in wishes.preferred_zones,
                pool.interruptions_24h,
                *self._price_order(pool),
                pool.pool_id,
            ),
            default=None,
        )

    def with_prices(self) -> "PoolMarket":
        """Only the pools whose price is known."""
        return replace(self, pools=[pool for pool in self.pools if pool.price is not None])

    def others(self, wishes: Wishes = NO_WISHES) -> list[PricedPool]:
        """Pools besides the current one, not in an excluded zone."""
        return [
            pool
            for pool in self.pools
            if pool.pool_id != self.current and pool.zone not in wishes.excluded_zones
        ]

    def _price_order(self, pool: PricedPool) -> tuple[bool, Decimal]:
        if pool.price is None or not pool.is_fresh(self.now, self.freshness):
            return True, Decimal(0)
        return False, pool.price


def _by_id(pool: PricedPool) -> PoolId:
    return pool.pool_id
