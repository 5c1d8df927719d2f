"""Which pool a replica goes to (contract/domain.md 4.7.6). Only measured prices count (INV-16).

The pools that are asked are those of the primary's type and region that are active.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.duplicates import NEAR_EQUAL_PERCENT
from spot_optimizer.domain.pricing.pool_choice import PRICE_STAYS_FRESH, PricedPool
from spot_optimizer.domain.pricing.prices import difference_percent
from spot_optimizer.domain.replicas.likeness import PoolPast, likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a caller wants of the pool; a zone both preferred and excluded is excluded."""

    excluded_zones: frozenset[str] = frozenset()
    preferred_zones: frozenset[str] = frozenset()
    highest_hourly_cost: Decimal | None = None
    """USD per hour."""


NO_WISHES: Final = Wishes()
NO_PASTS: Final[Mapping[PoolId, PoolPast]] = {}


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

    def cheapest(
        self, wishes: Wishes = NO_WISHES, pasts: Mapping[PoolId, PoolPast] = NO_PASTS
    ) -> PricedPool | None:
        """Another pool with a fresh price within the limits; by price, then id.

        Of those that are equally cheap, the one whose past is least like that of the current pool.
        """
        return self._least_like_current(self.equally_cheap(wishes), pasts)

    def equally_cheap(
        self, wishes: Wishes = NO_WISHES, avoided: Iterable[PoolId] = ()
    ) -> Sequence[PricedPool]:
        """The cheapest pools by everything but their likeness: prices that are near-equal
        (contract/domain.md 4.1.3) are no reason to prefer one. By price, then id; pools to be
        avoided are among them only where there are no others."""
        shunned = frozenset(avoided)
        affordable = sorted(
            (
                (pool.price, pool.pool_id, pool)
                for pool in self.others(wishes)
                if pool.price is not None
                and pool.is_fresh(self.now, self.freshness)
                and (wishes.highest_hourly_cost is None or pool.price <= wishes.highest_hourly_cost)
            ),
            key=lambda found: found[:2],
        )
        ranked = [pool for _, _, pool in affordable]
        ranked = [pool for pool in ranked if pool.pool_id not in shunned] or ranked
        return [pool for pool in ranked if self._near(pool, ranked[0])]

    def cheapest_whatever_is_known(
        self, avoided: Iterable[PoolId] = (), pasts: Mapping[PoolId, PoolPast] = NO_PASTS
    ) -> PricedPool | None:
        """As `cheapest`; else another pool without a fresh price; else the current one, because a
        standby there is better than none. Pools to be avoided come after all others."""
        shunned = frozenset(avoided)
        calm = replace(self, pools=[pool for pool in self.pools if pool.pool_id not in shunned])
        return (
            calm.cheapest(pasts=pasts)
            or min(calm.others(), key=_by_id, default=None)
            or self.cheapest(pasts=pasts)
            or min(self.others(), key=_by_id, default=None)
            or next((pool for pool in self.pools if pool.pool_id == self.current), None)
        )

    def safest(
        self,
        wishes: Wishes = NO_WISHES,
        avoided: Iterable[PoolId] = (),
        pasts: Mapping[PoolId, PoolPast] = NO_PASTS,
    ) -> PricedPool | None:
        """Another pool: of a preferred zone, then with the fewest interruptions in 24 hours, then
        with the lowest fresh price, then by id. A price is not required: an emergency must work
        with stale ones. Pools to be avoided come after all others.

        Of those that are equally safe, the one whose past is least like that of the current pool.
        """
        return self._least_like_current(self.equally_safe(wishes, avoided), pasts)

    def equally_safe(
        self, wishes: Wishes = NO_WISHES, avoided: Iterable[PoolId] = ()
    ) -> Sequence[PricedPool]:
        """The safest pools by everything but their likeness, the cheapest first: prices that are
        near-equal (contract/domain.md 4.1.3) are no reason to prefer one."""
        shunned = frozenset(avoided)

        def rank(pool: PricedPool) -> tuple[bool, bool, int, bool]:
            return (
                pool.pool_id in shunned,
                pool.zone not in wishes.preferred_zones,
                pool.interruptions_24h,
                self._price_order(pool)[0],
            )

        ranked = sorted(
            self.others(wishes),
            key=lambda pool: (rank(pool), self._price_order(pool), pool.pool_id),
        )
        if not ranked:
            return ()
        best = ranked[0]
        return [pool for pool in ranked if rank(pool) == rank(best) and self._near(pool, best)]

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

    def _least_like_current(
        self, equals: Sequence[PricedPool], pasts: Mapping[PoolId, PoolPast]
    ) -> PricedPool | None:
        """Of the equally unlike the first."""
        lost = pasts.get(self.current) if self.current else None
        if lost is None:
            return next(iter(equals), None)
        return min(
            equals,
            key=lambda pool: likeness(lost, pasts.get(pool.pool_id, PoolPast())),
            default=None,
        )

    def _near(self, pool: PricedPool, best: PricedPool) -> bool:
        is_unpriced, lowest = self._price_order(best)
        price = self._price_order(pool)[1]
        if is_unpriced or price == lowest:
            return True
        return lowest > 0 and difference_percent(price, lowest) <= NEAR_EQUAL_PERCENT

    def _price_order(self, pool: PricedPool) -> tuple[bool, Decimal]:
        if pool.price is None or not pool.is_fresh(self.now, self.freshness):
            return True, Decimal(0)
        return False, pool.price


def _by_id(pool: PricedPool) -> PoolId:
    return pool.pool_id
