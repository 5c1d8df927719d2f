"""Who says what will become of a pool. Models are told figures and give figures."""

from typing import Protocol

from spot_optimizer.domain.placement.features import Vector
from spot_optimizer.domain.placement.history import PriceHistory
from spot_optimizer.domain.placement.outlook import PriceQuantiles, Risk


class RiskModel(Protocol):
    def risk(self, features: Vector, band: int) -> Risk:
        """Of a pool with these features, in the order of FEATURES; unknown ones are NaN."""
        ...


class PriceModel(Protocol):
    def ahead(self, past: PriceHistory, now: float, on_demand: float) -> tuple[PriceQuantiles, ...]:
        """Nearest first, none above on demand; nothing for a pool without a price."""
        ...


class BandRisk:
    """Without a model: the advisor's band."""

    def risk(self, features: Vector, band: int) -> Risk:
        return Risk.of_band(band)
