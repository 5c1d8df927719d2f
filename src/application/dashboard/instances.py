"""What a client sees of its instances (contract/clients-and-notifications.md 4.6, 6.1, 6.2, 6.5,
7.3)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeAlias

from spot_optimizer.application.dashboard.paging import Page, Position
from spot_optimizer.domain.errors import NotFound
from spot_optimizer.domain.identifiers import ClientId, InstanceId


class InstanceNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Instance not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFilter:
    """None lets everything pass."""

    is_active: bool | None = None
    mode: str | None = None
    text: str = ""
    """Part of the id or the type, in any case."""


class InstanceLine(NamedTuple):
    id: str
    instance_type: str
    region: str
    zone: str
    mode: str | None
    pool_id: str | None
    spot_price: Decimal | None
    on_demand_price: Decimal | None
    is_active: bool | None
    last_switch_at: datetime | None
    created_at: datetime | None
    client_id: str

    @property
    def position(self) -> Position:
        return Position(self.created_at, self.id)


# Whose instances, which of them, and which page if not all.
InstancesWanted: TypeAlias = tuple[ClientId, InstanceFilter, Page | None]


@dataclass(frozen=True, slots=True)
class PoolLine:
    """A pool and its newest price, None when there is none."""

    id: str
    name: str | None
    zone: str
    instance_type: str
    price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancePrices:
    mode: str | None
    on_demand_price: Decimal | None
    current_pool: PoolLine | None
    pools: Sequence[PoolLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFigures:
    """Of an instance and of the switches that led to it; the impacts are sums, USD per hour."""

    id: str
    instance_type: str
    mode: str | None
    pool_id: str | None
    spot_price: Decimal | None
    on_demand_price: Decimal | None
    baseline_on_demand_price: Decimal | None
    installed_at: datetime | None
    last_switch_at: datetime | None
    switches: int
    switches_in_a_week: int
    switches_in_a_month: int
    impact_in_a_month: Decimal
    impact: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOptions:
    """Where an instance is, and where it could go."""

    instance_type: str | None
    region: str | None
    zone: str | None
    pools: Sequence[PoolLine]
    types: Sequence[str]


@dataclass(frozen=True, slots=True)
class PastSwitchOfInstance:
    at: datetime | None
    succeeded: bool | None
    old_type: str | None
    new_type: str | None
    impact: Decimal | None
    trigger: str | None


@dataclass(frozen=True, slots=True)
class PastPriceOfInstance:
    at: datetime | None
    instance_type: str | None
    spot_price: Decimal | None
    on_demand_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceLog:
    """What happened to an instance, each list newest first."""

    instance_type: str
    switches: Sequence[PastSwitchOfInstance]
    prices: Sequence[PastPriceOfInstance]
    terminations: Sequence[datetime]


class InstanceViews(Protocol):
    """Each answered by a fixed number of statements; InstanceNotFound is raised for an instance
    that does not exist for the owner, None seeing all."""

    def of_clients(
        self, asked: Collection[InstancesWanted]
    ) -> Mapping[InstancesWanted, Sequence[InstanceLine]]:
        """Newest first; all of them unless a page is asked for."""
        ...

    def prices(
        self, instance_id: InstanceId, owner: ClientId | None, since: datetime
    ) -> InstancePrices:
        """Pools of the instance's type and region, inactive ones too, by price measured since
        then; unpriced ones last."""
        ...

    def figures(
        self, instance_id: InstanceId, owner: ClientId | None, now: datetime
    ) -> InstanceFigures: ...

    def options(self, instance_id: InstanceId, owner: ClientId | None) -> SwitchOptions:
        """Also for an instance that is only known as the primary of an agent."""
        ...

    def log(self, instance_id: InstanceId, owner: ClientId | None) -> InstanceLog: ...
