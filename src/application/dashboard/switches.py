"""What a client sees of its switches (contract/clients-and-notifications.md 4.9, 7.2)."""

from collections.abc import Hashable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from spot_optimizer.application.dashboard.paging import Page, Position
from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.monthly_bill import price_after

# What is shown to those who ask for no other page.
NEWEST_SWITCHES: Final = Page(100)
MANUAL_TRIGGER: Final = "manual"


class SwitchLine(NamedTuple):
    """`took_place_at` is the best known time of it, `recorded_at` when it was told."""

    id: str
    old_instance_id: str | None
    new_instance_id: str | None
    took_place_at: datetime | None
    recorded_at: datetime | None
    old_mode: str | None
    new_mode: str | None
    old_pool_id: str | None
    new_pool_id: str | None
    event_trigger: str | None
    new_spot_price: Decimal | None
    on_demand_price: Decimal | None
    savings_impact: Decimal | None
    initiated_at: datetime | None

    @property
    def position(self) -> Position:
        return Position(self.initiated_at, self.id)

    @property
    def trigger(self) -> str:
        return self.event_trigger or MANUAL_TRIGGER

    @property
    def price(self) -> Decimal:
        """What the new instance costs, USD per hour."""
        return price_after(self.new_mode, self.new_spot_price, self.on_demand_price)

    @property
    def impact(self) -> Decimal:
        """Saved by it, USD per hour; negative when it became dearer."""
        return self.savings_impact or Decimal(0)


class SwitchViews(Protocol):
    def of_client(
        self, client_id: ClientId, instance_id: str | None, page: Page
    ) -> Sequence[SwitchLine]:
        """Newest first, from or to that instance if one is named; by one statement."""
        ...

    def edition_of(self, client_id: ClientId) -> Hashable:
        """Another one whenever a switch has been added; none is ever changed, nor deleted without
        its client (contract/admin-ml-and-jobs.md 4.6). By one statement on an index."""
        ...
