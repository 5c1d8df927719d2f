"""What is known and expected of the spot pools that an agent may use."""

from dataclasses import dataclass
from math import inf, isfinite
from typing import Final

from spot_optimizer.domain.identifiers import PoolId

BAND_MONTHLY: Final = (0.025, 0.075, 0.125, 0.175, 0.30)
"""Share of instances reclaimed in 30 days by band of the AWS Spot Instance Advisor: below 5 %,
5 - 10, 10 - 15, 15 - 20 and above 20 %, at the middle of each."""

UNKNOWN_BAND: Final = -1
_BAND_OF_THE_UNKNOWN: Final = 1
_MONTH_H: Final = 720.0


def monthly_share(band: int) -> float:
    """Of a band; one that is not known counts as the second lowest."""
    known = band if 0 <= band < len(BAND_MONTHLY) else _BAND_OF_THE_UNKNOWN
    return BAND_MONTHLY[known]


def risk_of_band(band: int, hours: float) -> float:
    """Probability of a reclaim within so many hours at the band's monthly rate."""
    return 1.0 - float((1.0 - monthly_share(band)) ** (hours / _MONTH_H))


@dataclass(frozen=True, slots=True)
class Risk:
    """Probability of a reclaim within 1 h and within 6 h, and how many hours of the pool's past
    it was judged by."""

    within_1h: float
    within_6h: float
    hours_known: float = 0.0

    @classmethod
    def of_band(cls, band: int) -> "Risk":
        """What can be said of a pool without a past."""
        return cls(risk_of_band(band, 1.0), risk_of_band(band, 6.0))


@dataclass(frozen=True, slots=True)
class PriceQuantiles:
    """Expected price in so many hours, USD per hour: one in ten is below `low`, one in ten above
    `high`."""

    hours: float
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOutlook:
    """One pool at the moment of a decision.

    Figures that are missing or make no sense (NaN, negative) count as not known: the pool then has
    the risk of its band, stays at its price, and without a price nothing is moved to it.
    """

    pool_id: PoolId
    price: float
    """USD per hour."""
    mean_price: float | None = None
    """Of the last MEAN_PRICE_HOURS: what pools are compared by, since prices waver. None: the
    price."""
    up: bool = True
    """It can be had now; of the agent's own pool: nothing is known against it."""
    risk: Risk | None = None
    """None: only the band is known."""
    price_ahead: tuple[PriceQuantiles, ...] = ()
    """Nearest first."""
    hours_up: float | None = None
    """Since it was last down; None when it never was, as far as is known."""
    hours_known: float = 0.0
    """How much of its past is known."""
    band: int = UNKNOWN_BAND

    @property
    def known_price(self) -> float:
        """Infinite when there is none."""
        return self.price if isfinite(self.price) and self.price > 0 else inf

    @property
    def expected_price(self) -> float:
        """USD per hour over the next days; infinite when the price is not known."""
        mean = self.mean_price
        known = self.known_price
        if mean is None or known == inf or not (isfinite(mean) and mean > 0):
            return known
        return mean

    @property
    def known_risk(self) -> Risk:
        risk = self.risk
        if risk is None or not (0 <= risk.within_1h <= 1 and 0 <= risk.within_6h <= 1):
            return Risk.of_band(self.band)
        return risk
