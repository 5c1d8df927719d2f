"""Forms and rounding shared by everything (contract/domain.md section 0.2)."""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

_HOURLY_PRICE: Final = Decimal("0.000001")
_MONEY: Final = Decimal("0.0001")
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


def percent(value: Decimal) -> Decimal:
    """Percent, 2 decimals, half even, clamped to what a DECIMAL(5,2) column holds."""
    return max(-_PERCENT_LIMIT, min(_PERCENT_LIMIT, value)).quantize(_PERCENT, ROUND_HALF_EVEN)
