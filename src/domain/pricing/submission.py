"""A pricing report on its way in (contract/agents-and-replicas.md A6, domain.md 4.1.12)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Self

from spot_optimizer.domain.agents.instances import Standby
from spot_optimizer.domain.agents.vitals import Vitals
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import (
    INSTANCE_TYPE_LENGTH,
    REGION_LENGTH,
    InstanceId,
    PoolId,
    ReportId,
    pool_of,
)
from spot_optimizer.domain.pricing.prices import SourceRole, is_on_demand_price, is_spot_price
from spot_optimizer.domain.pricing.report import (
    PoolOffer,
    PricingReport,
    cheapest_offer,
    is_aws_name,
)
from spot_optimizer.domain.values import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSubmission:
    """What an agent saw: its own instance and the pools around it. None is not said."""

    instance_id: InstanceId | None = None
    instance_type: str | None = None
    region: str | None = None
    zone: str | None = None
    mode: Mode | None = None
    pool_id: PoolId | None = None
    on_demand_price: Decimal | None = None
    current_spot_price: Decimal | None = None
    cheapest_pool_id: PoolId | None = None
    cheapest_pool_price: Decimal | None = None
    offers: tuple[PoolOffer, ...] = ()
    listed: tuple[object, ...] = ()
    """The list of pools as received, item by item."""
    collected_at: datetime | None = None

    def completed(self, agent: Vitals, compatibility: Compatibility) -> Self:
        """With what the agent is known to be, where the report leaves it out."""
        if compatibility.price_report_overwrites:
            return self
        at = agent.placement
        instance_type = self.instance_type or at.instance_type
        zone = self.zone or at.zone
        pool_id = self.pool_id
        if self.mode is Mode.SPOT and pool_id is None and instance_type and zone:
            pool_id = pool_of(instance_type, zone)
        cheapest = cheapest_offer(self.offers)
        return replace(
            self,
            instance_id=self.instance_id or agent.primary_instance_id,
            instance_type=instance_type,
            region=self.region or at.region,
            zone=zone,
            pool_id=pool_id,
            current_spot_price=self.current_spot_price
            if self.current_spot_price is not None or self.mode is not Mode.SPOT
            else _price_in(pool_id, self.offers),
            cheapest_pool_id=self.cheapest_pool_id or (cheapest.pool_id if cheapest else None),
            cheapest_pool_price=self.cheapest_pool_price
            if self.cheapest_pool_id or cheapest is None
            else cheapest.price,
        )

    def teaches(self, agent: Vitals) -> bool:
        """Whether the primary says here how it is paid for, and that is news."""
        if self.mode is None or self.instance_id != agent.primary_instance_id:
            return False
        return agent.placement.learn_mode(self.mode, self.pool_id) != agent.placement

    @property
    def names_its_region(self) -> bool:
        return self.region is not None and is_aws_name(self.region, REGION_LENGTH)

    @property
    def names_its_type(self) -> bool:
        return self.instance_type is not None and is_aws_name(
            self.instance_type, INSTANCE_TYPE_LENGTH
        )

    @property
    def valid_on_demand_price(self) -> Decimal | None:
        price = self.on_demand_price
        return price if is_on_demand_price(price) else None

    def prices_of_the_instance(
        self, compatibility: Compatibility
    ) -> tuple[Decimal | None, Decimal | None]:
        """Spot and on-demand price of the reporting instance, USD per hour."""
        if compatibility.price_report_overwrites:
            return self.current_spot_price, self.on_demand_price
        spot = self.current_spot_price
        return spot if is_spot_price(spot) else None, self.valid_on_demand_price

    def report(self, report_id: ReportId, agent: Vitals, received_at: datetime) -> PricingReport:
        return PricingReport(
            id=report_id,
            agent_id=agent.id,
            received_at=received_at,
            collected_at=self.collected_at,
            instance_id=self.instance_id,
            instance_type=self.instance_type,
            region=self.region,
            zone=self.zone,
            current_mode=self.mode,
            current_pool_id=self.pool_id,
            on_demand_price=self.on_demand_price,
            current_spot_price=self.current_spot_price,
            cheapest_pool_id=self.cheapest_pool_id,
            cheapest_pool_price=self.cheapest_pool_price,
            spot_pools=self.listed,
        )


def role_of_reporter(
    instance_id: InstanceId | None, agent: Vitals, standbys: Iterable[Standby]
) -> SourceRole:
    """Decided by the instance that reports, not by a flag (contract/domain.md 4.1.4)."""
    if instance_id in (None, agent.primary_instance_id):
        return SourceRole.PRIMARY
    for standby in standbys:
        if standby.instance_id == instance_id and standby.replica_type != "manual":
            return SourceRole.REPLICA_AUTOMATIC
    return SourceRole.REPLICA_MANUAL


def _price_in(pool_id: PoolId | None, offers: Iterable[PoolOffer]) -> Decimal | None:
    return next((offer.price for offer in offers if offer.pool_id == pool_id), None)
