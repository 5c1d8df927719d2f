"""The state of the fleet in a few figures, for whoever watches it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

HEARD_WITHIN_S: Final = (30, 60, 120, 300, 900, 3600)
"""Ages of heartbeats that are told apart, seconds."""
PRICED_WITHIN_S: Final = (600, 3600, 86400)
"""Ages of prices that are told apart, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFigures:
    agents: Mapping[tuple[str, str], int]
    """By status and mode, without the deleted ones."""
    heard_within: Mapping[int, int]
    """Enabled agents, by seconds since their newest heartbeat at most."""
    enabled_agents: int
    replicas: Mapping[str, int]
    """Those that are active, by status."""
    pending_commands: int
    newest_price_at: datetime | None
    pools: int
    priced_within: Mapping[int, int]
    """Pools that have a settled price so many seconds old at most."""
    total_savings: Decimal
    """USD, of all clients since ever."""


class FleetFigureQueries(Protocol):
    def figures(self, now: datetime) -> FleetFigures:
        """By a fixed number of statements."""
        ...
