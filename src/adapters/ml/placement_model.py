"""A trained placement model as plain figures: evaluated without NumPy or scikit-learn, in
microseconds, and kept as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, expm1, isfinite, isnan
from typing import Final, cast

from spot_optimizer.domain.placement.features import FEATURES, Vector
from spot_optimizer.domain.placement.history import PriceHistory
from spot_optimizer.domain.placement.outlook import PriceQuantiles, Risk

PRICE_FEATURES: Final = ("log_move_24h", "log_travel_24h", "log_travel_168h")
PRICE_HOURS: Final = (6, 24, 72, 168)
QUANTILES: Final = (0.1, 0.5, 0.9)

_HOURS_KNOWN: Final = FEATURES.index("log_hours_known")
_STEEPEST: Final = 30.0


class BrokenModel(ValueError):
    """The figures are not those of a placement model of this kind."""


@dataclass(frozen=True, slots=True)
class Linear:
    """bias + weights x figures, where an unknown figure (NaN) counts as the one in `missing`.

    Raises:
        BrokenModel: a figure is not finite, or there are not as many of all.
    """

    bias: float
    weights: tuple[float, ...]
    missing: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.missing):
            raise BrokenModel("weights and missing differ in length")
        if not all(map(isfinite, (self.bias, *self.weights, *self.missing))):
            raise BrokenModel("a figure is not finite")

    def __call__(self, figures: Sequence[float]) -> float:
        total = self.bias
        for weight, figure, instead in zip(self.weights, figures, self.missing, strict=True):
            total += weight * (instead if isnan(figure) else figure)
        return total

    @classmethod
    def read(cls, kept: object, length: int) -> "Linear":
        """Raises:
        BrokenModel: it is none of so many figures.
        """
        try:
            fields = cast(Mapping[str, object], kept)
            bias = float(cast(float, fields["bias"]))
            weights = tuple(float(one) for one in cast(Sequence[float], fields["weights"]))
            missing = tuple(float(one) for one in cast(Sequence[float], fields["missing"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenModel("a linear form is incomplete") from error
        if len(weights) != length:
            raise BrokenModel(f"a linear form has {len(weights)} weights, not {length}")
        return cls(bias, weights, missing)

    def kept(self) -> dict[str, object]:
        return {"bias": self.bias, "weights": list(self.weights), "missing": list(self.missing)}


@dataclass(frozen=True)
class PlacementModel:
    """Risks as log odds of FEATURES; log moves of prices as quantiles of PRICE_FEATURES, by hours.

    It is a RiskModel and a PriceModel.
    """

    risk_1h: Linear
    risk_6h: Linear
    moves: Mapping[int, tuple[Linear, Linear, Linear]]
    card: Mapping[str, object]
    """What it was trained on, how, and how well it does on what it has not seen."""

    def risk(self, features: Vector, band: int) -> Risk:
        within_1h = _probability(self.risk_1h(features))
        within_6h = max(within_1h, _probability(self.risk_6h(features)))
        known = features[_HOURS_KNOWN]
        return Risk(within_1h, within_6h, 0.0 if isnan(known) else expm1(known))

    def ahead(self, past: PriceHistory, now: float, on_demand: float) -> tuple[PriceQuantiles, ...]:
        price = past.latest
        if price is None:
            return ()
        figures = (past.log_move(now, 24), past.log_travel(now, 24), past.log_travel(now, 168))
        found = []
        for hours, forms in self._moves:
            moves = sorted(form(figures) for form in forms)
            low, median, high = (
                min(price * exp(min(max(move, -_STEEPEST), _STEEPEST)), on_demand) for move in moves
            )
            found.append(PriceQuantiles(hours, low, median, high))
        return tuple(found)

    @cached_property
    def _moves(self) -> tuple[tuple[int, tuple[Linear, Linear, Linear]], ...]:
        return tuple(sorted(self.moves.items()))

    def kept(self) -> dict[str, object]:
        """As JSON keeps it."""
        return {
            "features": list(FEATURES),
            "price_features": list(PRICE_FEATURES),
            "risk_1h": self.risk_1h.kept(),
            "risk_6h": self.risk_6h.kept(),
            "moves": {str(hours): [form.kept() for form in forms] for hours, forms in self._moves},
            "card": dict(self.card),
        }

    @classmethod
    def read(cls, kept: object) -> "PlacementModel":
        """Raises:
        BrokenModel: it is not what `kept` gives, or is about other features.
        """
        if not isinstance(kept, Mapping):
            raise BrokenModel("not a placement model")
        if kept.get("features") != list(FEATURES):
            raise BrokenModel("it was trained on other features")
        if kept.get("price_features") != list(PRICE_FEATURES):
            raise BrokenModel("it was trained on other features of prices")
        moves, card = kept.get("moves"), kept.get("card", {})
        if not isinstance(moves, Mapping) or not isinstance(card, Mapping):
            raise BrokenModel("moves or card are missing")
        read: dict[int, tuple[Linear, Linear, Linear]] = {}
        for hours in PRICE_HOURS:
            forms = moves.get(str(hours))
            if not isinstance(forms, Sequence) or len(forms) != len(QUANTILES):
                raise BrokenModel(f"the moves of {hours} hours are incomplete")
            low, median, high = (Linear.read(form, len(PRICE_FEATURES)) for form in forms)
            read[hours] = (low, median, high)
        return cls(
            Linear.read(kept.get("risk_1h"), len(FEATURES)),
            Linear.read(kept.get("risk_6h"), len(FEATURES)),
            read,
            dict(card),
        )


def _probability(log_odds: float) -> float:
    return 1.0 / (1.0 + exp(-min(max(log_odds, -_STEEPEST), _STEEPEST)))
