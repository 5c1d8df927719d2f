"""Forms and rounding shared by everything (contract/domain.md section 0.2)."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

_HOURLY_PRICE: Final = Decimal("0.000001")
_MONEY: Final = Decimal("0.0001")
_CENT: Final = Decimal("0.01")
_PERCENT: Final = Decimal("0.01")
_PERCENT_LIMIT: Final = Decimal("999.99")


class Mode(StrEnum):
    """How an instance is paid for."""

    SPOT = "spot"
    ON_DEMAND = "ondemand"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


def hourly_price(amount: Decimal) -> Decimal:
    """USD per hour, 6 decimals, half up as the DECIMAL(10,6) columns round."""
    return amount.quantize(_HOURLY_PRICE, ROUND_HALF_UP)


def money(amount: Decimal) -> Decimal:
    """USD, 4 decimals, half even."""
    return amount.quantize(_MONEY, ROUND_HALF_EVEN)


class Cents:
    """Rounds one amount after the other so that the sum of any first ones is their exact sum,
    rounded half even; each is at most a cent from its own amount."""

    def __init__(self) -> None:
        self._exact = self._rounded = Decimal(0)

    def of(self, amount: Decimal) -> Decimal:
        self._exact += amount
        before, self._rounded = self._rounded, self._exact.quantize(_CENT, ROUND_HALF_EVEN)
        return self._rounded - before


def percent(value: Decimal) -> Decimal:
    """Percent, 2 decimals, half even, clamped to what a DECIMAL(5,2) column holds."""
    return max(-_PERCENT_LIMIT, min(_PERCENT_LIMIT, value)).quantize(_PERCENT, ROUND_HALF_EVEN)
