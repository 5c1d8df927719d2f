"""What a client has saved, month by month (contract/clients-and-notifications.md 4.8, 4.10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

from spot_optimizer.domain.identifiers import ClientId

MONTHS_SHOWN: Final = 12

MONTH_NAMES: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class MonthLine:
    """USD."""

    year: int
    month: int
    baseline_cost: Decimal
    actual_cost: Decimal
    savings: Decimal

    @property
    def name(self) -> str:
        """In English; empty for a month that no calendar has."""
        return MONTH_NAMES[self.month - 1] if 1 <= self.month <= len(MONTH_NAMES) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    months: Sequence[MonthLine]
    """The newest twelve, oldest first."""
    active_by_mode: Sequence[tuple[str | None, int]]
    switches_by_day: Sequence[tuple[date, int]]
    """Ascending; days without any are left out."""


class SavingsViews(Protocol):
    def months_of(self, client_id: ClientId) -> Sequence[MonthLine]:
        """The newest twelve, oldest first; by one statement."""
        ...

    def charts_of(self, client_id: ClientId, since: datetime) -> Charts:
        """With the switches initiated since then; by three statements."""
        ...
