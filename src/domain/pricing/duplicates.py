"""Is a price news, or has another reporter told it already? (contract/domain.md 4.1.5 step 4)"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.pricing.prices import PriceObservation, Quality, difference_percent
from spot_optimizer.domain.values import hourly_price

# Both inclusive; the window reaches in both directions.
DUPLICATE_WINDOW: Final = timedelta(seconds=5)
NEAR_EQUAL_PERCENT: Final = Decimal("0.5")

# As many points of a pool have to be at hand for the search.
RECENT_POINTS_SEARCHED: Final = 10


class NearEqual(StrEnum):
    """Policy P-7: what two near-equal prices of two sources amount to."""

    FIRST = "first"
    MEAN = "mean"


class Admission(StrEnum):
    """What becomes of an observation."""

    STORED = "stored"
    DUPLICATE_EXACT = "duplicate_exact"
    DEDUPLICATED = "deduplicated"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPoint:
    """A price already there; `id` is the caller's name for it."""

    price: Decimal
    observed_at: datetime
    source: str
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What becomes of an observation, and the kept point that says the same."""

    admission: Admission
    kept: KeptPoint | None = None
    amended_price: Decimal | None = None
    """What the kept point is to cost from now on; None leaves it as it is."""

    @property
    def is_new(self) -> bool:
        return self.admission is Admission.STORED

    @property
    def quality(self) -> Quality:
        return Quality.ACTUAL if self.amended_price is None else Quality.AVERAGED_DUPLICATE


_NEWS: Final = Screening(admission=Admission.STORED)


def screen(
    observation: PriceObservation,
    kept_points: Iterable[KeptPoint],
    near_equal: NearEqual = NearEqual.FIRST,
) -> Screening:
    """Compares an observation with the kept points of its pool: the same source at the same
    instant says nothing new, nor does another source with nearly the same price."""
    near = [
        kept
        for kept in kept_points
        if abs(kept.observed_at - observation.observed_at) <= DUPLICATE_WINDOW
    ]
    if not near:
        return _NEWS

    source = observation.source
    for kept in near:
        if kept.source == source and kept.observed_at == observation.observed_at:
            return Screening(admission=Admission.DUPLICATE_EXACT, kept=kept)

    said_by_others = [
        kept
        for kept in near
        if kept.source != source
        and difference_percent(observation.price, kept.price) <= NEAR_EQUAL_PERCENT
    ]
    if not said_by_others:
        return _NEWS
    nearest = min(
        said_by_others,
        key=lambda kept: (abs(kept.observed_at - observation.observed_at), kept.observed_at),
    )
    amended_price = None
    if near_equal is NearEqual.MEAN:
        amended_price = hourly_price((nearest.price + observation.price) / 2)
    return Screening(admission=Admission.DEDUPLICATED, kept=nearest, amended_price=amended_price)
