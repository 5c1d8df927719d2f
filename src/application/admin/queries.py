"""What operators read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from spot_optimizer.domain.identifiers import ClientId


@dataclass(frozen=True, slots=True)
class ClientLine:
    """A client with its figures; `instances` counts the active ones, `agents_total` all ever."""

    client_id: ClientId
    name: str
    is_active: bool
    agents_online: int
    agents_total: int
    instances: int
    total_savings: Decimal
    last_sync_at: datetime | None


@dataclass(frozen=True, slots=True)
class Totals:
    accounts: int
    agents_online: int
    agents_total: int
    active_pools: int
    total_savings: Decimal
    switches: int
    manual_switches: int
    model_switches: int


class AdminQueries(Protocol):
    """Each answered by a fixed number of statements."""

    def clients(self) -> Sequence[ClientLine]:
        """All of them, newest first."""
        ...

    def client(self, client_id: ClientId) -> ClientLine:
        """Raises:
        ClientNotFound: there is none of exactly this id.
        """
        ...

    def totals(self) -> Totals: ...


class HealthProbe(Protocol):
    def database_answers(self) -> bool:
        """Whether a trivial query gets its answer."""
        ...

    def idle_connections(self) -> int:
        """Of this process's pool."""
        ...

    def schema_is_complete(self) -> bool:
        """Whether the database has the tables that the server needs."""
        ...
