"""What counts as a price, who measured it and when (contract/domain.md 4.1.2 - 4.1.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeGuard

from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId

# USD per hour, inclusive.
LOWEST_PRICE: Final = Decimal("0.001")
HIGHEST_SPOT_PRICE: Final = Decimal("100")
HIGHEST_ON_DEMAND_PRICE: Final = Decimal("200")

# A reporter's clock may be this far ahead of ours; beyond, the time of receipt counts.
CLOCK_SKEW_TOLERATED: Final = timedelta(seconds=300)


class SourceRole(StrEnum):
    """Which of an agent's instances a price comes from; `interpolated` was never measured."""

    PRIMARY = "primary"
    REPLICA_AUTOMATIC = "replica-automatic"
    REPLICA_MANUAL = "replica-manual"
    INTERPOLATED = "interpolated"


# Of two sources of one bucket the higher rank counts.
RANKS: Final[Mapping[str, int]] = {
    SourceRole.PRIMARY: 4,
    SourceRole.REPLICA_AUTOMATIC: 3,
    SourceRole.REPLICA_MANUAL: 2,
    SourceRole.INTERPOLATED: 1,
}
RANK_OF_ANYTHING_ELSE: Final = 0

# How far a price may be trusted, 0..1; the ladder of the gaps refines `interpolated`.
CONFIDENCES: Final[Mapping[str, Decimal]] = {
    SourceRole.PRIMARY: Decimal("1.00"),
    SourceRole.REPLICA_AUTOMATIC: Decimal("0.95"),
    SourceRole.REPLICA_MANUAL: Decimal("0.95"),
    SourceRole.INTERPOLATED: Decimal("0.70"),
}
CONFIDENCE_IN_ANYTHING_ELSE: Final = Decimal("0.50")


class Quality(StrEnum):
    """How a price point came about."""

    ACTUAL = "actual"
    INTERPOLATED = "interpolated"
    FALLBACK_DEFAULT = "fallback_default"


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePoint:
    """One price of a pool's history."""

    pool_id: PoolId
    price: Decimal
    captured_at: datetime
    recorded_at: datetime | None = None
    quality: Quality = Quality.ACTUAL


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceObservation:
    """One valid price as one instance of an agent saw it."""

    pool_id: PoolId
    price: Decimal
    observed_at: datetime
    received_at: datetime
    agent_id: AgentId
    instance_id: InstanceId | None = None
    role: SourceRole = SourceRole.PRIMARY
    ondemand_price: Decimal | None = None

    @property
    def source(self) -> str:
        """Who is speaking: primary and replica share an agent, so the instance comes first."""
        return source_of(self.agent_id, self.instance_id)


def source_of(agent_id: AgentId, instance_id: InstanceId | None) -> str:
    """The identity of a reporter for the search of duplicates (contract/domain.md 4.1.4)."""
    return instance_id or agent_id


def rank_of(role: str) -> int:
    return RANKS.get(role, RANK_OF_ANYTHING_ELSE)


def confidence_in(role: str) -> Decimal:
    return CONFIDENCES.get(role, CONFIDENCE_IN_ANYTHING_ELSE)


def is_spot_price(amount: object) -> TypeGuard[Decimal]:
    """A finite amount within 0.001 - 100 USD per hour (contract/domain.md 4.1.3)."""
    return (
        isinstance(amount, Decimal)
        and amount.is_finite()
        and LOWEST_PRICE <= amount <= HIGHEST_SPOT_PRICE
    )


def is_on_demand_price(amount: object) -> TypeGuard[Decimal]:
    """A finite amount within 0.001 - 200 USD per hour (contract/domain.md 4.1.3)."""
    return (
        isinstance(amount, Decimal)
        and amount.is_finite()
        and LOWEST_PRICE <= amount <= HIGHEST_ON_DEMAND_PRICE
    )


def time_of_observation(claimed: datetime | None, received_at: datetime) -> datetime:
    """The time a reporter claims if it can be true, else that of receipt, to the whole second
    that is kept (contract/domain.md 4.1.5 step 3)."""
    if claimed is None or claimed > received_at + CLOCK_SKEW_TOLERATED:
        claimed = received_at
    return claimed.replace(microsecond=0)


def difference_percent(price: Decimal, earlier: Decimal) -> Decimal:
    """|price - earlier| / earlier x 100; next to an earlier price of nothing all else is far."""
    if price == earlier:
        return Decimal(0)
    if earlier <= 0:
        return Decimal("Infinity")
    return abs(price - earlier) / earlier * 100
