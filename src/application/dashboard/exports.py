"""All of something, however much it is: read in batches, so that it never has to fit into memory
(contract/clients-and-notifications.md 7.1, 7.2)."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeAlias, TypeVar

from spot_optimizer.application.dashboard.agents import PastAgentLine
from spot_optimizer.application.dashboard.instances import InstanceLine
from spot_optimizer.application.dashboard.savings import MonthLine
from spot_optimizer.application.dashboard.switches import SwitchLine
from spot_optimizer.domain.identifiers import ClientId

T = TypeVar("T")

# Closing it gives the connection back, or up if there was more to come.
Batches: TypeAlias = Generator[Sequence[T], None, None]


@dataclass(frozen=True, slots=True)
class PriceLine:
    """What a pool cost during the five minutes that begin then, USD per hour."""

    at: datetime
    pool_id: str
    instance_type: str
    region: str
    zone: str
    spot_price: Decimal
    on_demand_price: Decimal | None
    data_source: str


class ExportSource(Protocol):
    """Everything of a client, by one statement each."""

    def months(self, client_id: ClientId) -> Batches[MonthLine]:
        """Newest first."""
        ...

    def switches(self, client_id: ClientId) -> Batches[SwitchLine]:
        """Newest first."""
        ...

    def instances(self, client_id: ClientId) -> Batches[InstanceLine]:
        """Newest first."""
        ...

    def agents(self, client_id: ClientId) -> Batches[PastAgentLine]:
        """Deleted ones too; by name."""
        ...

    def prices(self, client_id: ClientId, since: datetime) -> Batches[PriceLine]:
        """Of the pools that its agents could run in, from then on, oldest first."""
        ...
