"""How the price of a pool has moved (contract/admin-ml-and-jobs.md 3.11, 4.8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import pstdev
from typing import Final

# Prices are five minutes apart.
_AN_HOUR: Final = 12
_SIX_HOURS: Final = 72
_A_DAY: Final = 288

PRICES_NEEDED: Final = _A_DAY + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTrend:
    """USD per hour; 0 where too little is known."""

    change_1h: float = 0.0
    change_24h: float = 0.0
    volatility_6h: float = 0.0
    """Population standard deviation."""

    @classmethod
    def of(cls, prices: Sequence[Decimal]) -> "PriceTrend":
        """Of the prices of successive buckets, the newest last."""
        return cls(
            change_1h=_change(prices, _AN_HOUR),
            change_24h=_change(prices, _A_DAY),
            volatility_6h=pstdev(map(float, prices[-_SIX_HOURS:])) if prices else 0.0,
        )


def _change(prices: Sequence[Decimal], back: int) -> float:
    return float(prices[-1] - prices[-1 - back]) if len(prices) > back else 0.0
