"""Is a price news, or has another reporter told it already? (contract/domain.md 4.1.5 step 4)"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Self

from spot_optimizer.domain.pricing.prices import PriceObservation

# Both inclusive; the window reaches in both directions.
DUPLICATE_WINDOW: Final = timedelta(seconds=5)
NEAR_EQUAL_PERCENT: Final = Decimal("0.5")


class Admission(StrEnum):
    """What becomes of an observation."""

    STORED = "stored"
    DUPLICATE_EXACT = "duplicate_exact"
    DEDUPLICATED = "deduplicated"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPoint:
    """A price already there."""

    price: Decimal
    observed_at: datetime
    source: str

    @classmethod
    def of(cls, observation: PriceObservation) -> Self:
        return cls(
            price=observation.price,
            observed_at=observation.observed_at,
            source=observation.source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What becomes of an observation, and the kept point that says the same."""

    admission: Admission
    kept: KeptPoint | None = None

    @property
    def is_new(self) -> bool:
        return self.admission is Admission.STORED


_NEWS: Final = Screening(admission=Admission.STORED)


def screen(observation: PriceObservation, kept_points: Iterable[KeptPoint]) -> Screening:
    """Compares an observation with the kept points of its pool: the same source at the same
    instant says nothing new, nor does another source with nearly the same price. The first one
    stays as it is (policy P-7)."""
    earliest = observation.observed_at - DUPLICATE_WINDOW
    latest = observation.observed_at + DUPLICATE_WINDOW
    near = [kept for kept in kept_points if earliest <= kept.observed_at <= latest]
    if not near:
        return _NEWS

    source = observation.source
    for kept in near:
        if kept.source == source and kept.observed_at == observation.observed_at:
            return Screening(admission=Admission.DUPLICATE_EXACT, kept=kept)

    said_by_others = [
        kept
        for kept in near
        if kept.source != source and are_nearly_equal(observation.price, kept.price)
    ]
    if not said_by_others:
        return _NEWS
    nearest = min(
        said_by_others,
        key=lambda kept: (abs(kept.observed_at - observation.observed_at), kept.observed_at),
    )
    return Screening(admission=Admission.DEDUPLICATED, kept=nearest)


def are_nearly_equal(price: Decimal, kept: Decimal) -> bool:
    """Whether a price is within half a percent of the kept one."""
    return price == kept or abs(price - kept) * 100 <= NEAR_EQUAL_PERCENT * kept
