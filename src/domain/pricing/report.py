"""What an agent reports about the pools around it (contract/agents-and-replicas.md A6)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Self

from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import (
    INSTANCE_TYPE_LENGTH,
    POOL_ID_LENGTH,
    ZONE_LENGTH,
    AgentId,
    InstanceId,
    PoolId,
    ReportId,
    pool_of,
    zone_of,
)
from spot_optimizer.domain.pricing.prices import is_spot_price
from spot_optimizer.domain.values import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotPool:
    """One instance type in one availability zone, where spare capacity is on sale."""

    id: PoolId
    name: str
    instance_type: str
    region: str
    zone: str
    is_active: bool = True

    @classmethod
    def of(cls, instance_type: str, region: str, zone: str, pool_id: PoolId | None = None) -> Self:
        return cls(
            id=pool_id or pool_of(instance_type, zone),
            name=pool_name(instance_type, zone),
            instance_type=instance_type,
            region=region,
            zone=zone,
        )


def is_aws_name(text: str, longest: int) -> bool:
    """Types, regions, zones and pools are visible ASCII; anything else names none."""
    return 0 < len(text) <= longest and text.isascii() and text.isprintable() and " " not in text


def pool_name(instance_type: str, zone: str) -> str:
    return f"{instance_type} ({zone})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOffer:
    """One item of a report's list: a pool and what it costs there, None if that is no price."""

    pool_id: PoolId
    instance_type: str
    zone: str
    price: Decimal | None

    @classmethod
    def of(
        cls, *, pool_id: str | None, zone: str | None, instance_type: str | None, price: object
    ) -> Self | None:
        """The offer with type or zone completed from the pool id, and the pool id from both;
        None when that cannot be done (contract/domain.md 4.1.12 step 4)."""
        names = _completed(pool_id, zone, instance_type)
        if names is None:
            return None
        named, instance_type, zone = names
        return cls(
            pool_id=named,
            instance_type=instance_type,
            zone=zone,
            price=price if is_spot_price(price) else None,
        )


# A fleet names the same pools in every report.
@lru_cache(4096)
def _completed(
    pool_id: str | None, zone: str | None, instance_type: str | None
) -> tuple[PoolId, str, str] | None:
    """The names of pool, type and zone, each from the others where it is missing."""
    if pool_id and "." in pool_id:
        zone = zone or zone_of(PoolId(pool_id))
        instance_type = instance_type or pool_id.rpartition(".")[0]
    if not zone or not instance_type:
        return None
    named = PoolId(pool_id) if pool_id else pool_of(instance_type, zone)
    lengths = ((named, POOL_ID_LENGTH), (instance_type, INSTANCE_TYPE_LENGTH), (zone, ZONE_LENGTH))
    if not all(is_aws_name(name, longest) for name, longest in lengths):
        return None
    return named, instance_type, zone


def cheapest_offer(offers: Iterable[PoolOffer]) -> PoolOffer | None:
    """The lowest price, ties by pool id."""
    priced = [(offer.price, offer.pool_id, offer) for offer in offers if offer.price is not None]
    return min(priced, key=lambda offer: offer[:2])[2] if priced else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingReport:
    """A report as it came; the judged prices are kept elsewhere."""

    id: ReportId
    agent_id: AgentId
    received_at: datetime
    collected_at: datetime | None = None
    instance_id: InstanceId | None = None
    instance_type: str | None = None
    region: str | None = None
    zone: str | None = None
    current_mode: Mode | None = None
    current_pool_id: PoolId | None = None
    on_demand_price: Decimal | None = None
    current_spot_price: Decimal | None = None
    cheapest_pool_id: PoolId | None = None
    cheapest_pool_price: Decimal | None = None
    spot_pools: tuple[object, ...] = ()
    """The list as received, item by item."""

    @property
    def key(self) -> tuple[AgentId, datetime] | None:
        """What a repeated report is known by; None for one without a time of its own."""
        if self.collected_at is None:
            return None
        return self.agent_id, self.collected_at.replace(microsecond=0)

    def repeats(self, other: Self, compatibility: Compatibility) -> bool:
        """The same agent at the same moment, to the second that is kept (ruling R8).

        Where the former server is reproduced, reports of one second are told apart by what they
        say.
        """
        if self.key is None or self.key != other.key:
            return False
        if not compatibility.price_report_overwrites:
            return True
        return self == replace(other, id=self.id, received_at=self.received_at)
