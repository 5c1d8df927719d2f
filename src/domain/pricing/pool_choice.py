"""Which other pool an agent could run in (contract/agents-and-replicas.md 1.7, A10, A13)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.identifiers import PoolId

# A measured price older than this says nothing about what the pool costs now.
PRICE_STAYS_FRESH: Final = timedelta(minutes=60)

ALTERNATIVES_SHOWN: Final = 5

# Interruptions of a pool within 30 days that make its risk 1 (contract/domain.md 4.4.8).
INTERRUPTIONS_OF_CERTAIN_RISK: Final = 30
RISK_LOOK_BACK: Final = timedelta(days=30)
# Exclusive: up to here a rebalance recommendation is only watched.
ACCEPTABLE_POOL_RISK: Final = 0.30
_RISK_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedPool:
    """An active pool of the right type and region, with its newest measured price."""

    pool_id: PoolId
    zone: str
    name: str | None = None
    price: Decimal | None = None
    priced_at: datetime | None = None
    interruptions_24h: int = 0
    interruptions_30d: int = 0

    def is_fresh(self, now: datetime, freshness: timedelta = PRICE_STAYS_FRESH) -> bool:
        return (
            self.price is not None
            and self.priced_at is not None
            and now - self.priced_at <= freshness
        )


def alternatives(
    pools: Iterable[PricedPool],
    current_pool_id: PoolId | None,
    now: datetime,
    freshness: timedelta = PRICE_STAYS_FRESH,
    *,
    unknown_pool_hides_all: bool = False,
) -> tuple[PricedPool, ...]:
    """The cheapest other pools with a fresh price, at most five, ties by id (A13).

    An unknown current pool excludes nothing; with `unknown_pool_hides_all` it leaves nothing, as
    the former server has it.
    """
    if current_pool_id is None and unknown_pool_hides_all:
        return ()
    others = (
        (pool.price, pool.pool_id, pool)
        for pool in pools
        if pool.pool_id != current_pool_id
        and pool.price is not None
        and pool.is_fresh(now, freshness)
    )
    cheapest_first = sorted(others, key=lambda other: other[:2])
    return tuple(pool for _, _, pool in cheapest_first[:ALTERNATIVES_SHOWN])


def cheapest_other(
    pools: Iterable[PricedPool], current_pool_id: PoolId | None
) -> PricedPool | None:
    """The cheapest pool with a price, of whatever age, besides the current one; ties by id
    (contract/clients-and-notifications.md 6.6)."""
    others = [
        (pool.price, pool.pool_id, pool)
        for pool in pools
        if pool.price is not None and pool.pool_id != current_pool_id
    ]
    return min(others, key=lambda other: other[:2])[2] if others else None


def rebalance_alternative(
    pools: Iterable[PricedPool], current_zone: str | None
) -> PricedPool | None:
    """The pool of another zone with the fewest interruptions in 30 days, then the lowest price,
    pools without a price last, then the id (contract/domain.md 4.7.6)."""
    return min(
        (pool for pool in pools if pool.zone != current_zone),
        key=lambda pool: (
            pool.interruptions_30d,
            pool.price is None,
            pool.price or Decimal(0),
            pool.pool_id,
        ),
        default=None,
    )


def pool_risk(interruptions_30d: int) -> float:
    """min(n / 30, 1): how likely the pool interrupts again (contract/domain.md 4.4.8)."""
    return min(interruptions_30d / INTERRUPTIONS_OF_CERTAIN_RISK, 1.0)


class RebalanceAction(StrEnum):
    SWITCH = "switch"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalanceAdvice:
    """What to make of a rebalance recommendation; advice only, no command follows."""

    risk_score: float
    target: PricedPool | None = None
    """Where to go; None stays and watches."""

    @property
    def action(self) -> RebalanceAction:
        return RebalanceAction.MONITOR if self.target is None else RebalanceAction.SWITCH

    @property
    def risk_text(self) -> str:
        """A percentage with two decimals."""
        return f"{self.risk_score:.2%}"

    @property
    def reason(self) -> str:
        if self.target is None:
            return f"Risk is acceptable ({self.risk_text}), continuing to monitor"
        return f"Current pool has elevated interruption risk ({self.risk_text})"


def advise_rebalance(
    interruptions_30d: int, pools: Iterable[PricedPool], current_zone: str | None
) -> RebalanceAdvice:
    """Leave a pool whose risk exceeds 0.30, if there is somewhere to go (4.4.8)."""
    risk = pool_risk(interruptions_30d)
    target = rebalance_alternative(pools, current_zone) if risk > ACCEPTABLE_POOL_RISK else None
    return RebalanceAdvice(risk_score=risk, target=target)


def advise_by_record(
    risk: float, pools: Iterable[PricedPool], current_zone: str | None, *, pays: bool
) -> RebalanceAdvice:
    """Leave a pool when that pays, by how often a loss followed there, if there is somewhere to
    go; `risk` is the probability that a loss follows."""
    target = rebalance_alternative(pools, current_zone) if pays else None
    return RebalanceAdvice(risk_score=round(risk, _RISK_DECIMALS), target=target)
