"""Placement models that are good, bad, or none."""

from collections.abc import Mapping

import skops.io

from spot_optimizer.adapters.ml.placement_model import (
    PRICE_FEATURES,
    PRICE_HOURS,
    QUANTILES,
    Linear,
    PlacementModel,
)
from spot_optimizer.domain.placement.features import FEATURES

_PRICE_STAYS = Linear(0.0, (0.0,) * len(PRICE_FEATURES), (0.0,) * len(PRICE_FEATURES))


def placement_model(
    bias: float, card: Mapping[str, object] | None = None, **weights: float
) -> PlacementModel:
    """Log odds: the bias, and weights of features by their names."""
    line = Linear(bias, tuple(weights.get(name, 0.0) for name in FEATURES), (0.0,) * len(FEATURES))
    moves = {hours: (_PRICE_STAYS,) * len(QUANTILES) for hours in PRICE_HOURS}
    return PlacementModel(line, line, moves, card or {})  # type: ignore[arg-type]  # three each


def sensible() -> PlacementModel:
    """The longer a pool has been up, the safer it is."""
    return placement_model(-1.0, log_hours_up=-1.0)


def deliberately_bad() -> PlacementModel:
    """The longer a pool has been up, the sooner it is lost, and nothing is safe."""
    return placement_model(1.0, log_hours_up=1.0)


def as_file(model: PlacementModel) -> bytes:
    return bytes(skops.io.dumps(model.kept()))
