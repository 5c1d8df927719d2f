"""The placement model that comes with the server: what a first installation goes by."""

import json
from functools import cache
from importlib.resources import files

from spot_optimizer.adapters.ml.placement_model import PlacementModel


@cache
def prior_model() -> PlacementModel:
    """Trained on recorded pools; its figures only, nothing of the recordings. Where these come
    from is in packaged/SOURCES.md."""
    text = files("spot_optimizer.adapters.ml").joinpath("packaged/placement_prior.json")
    return PlacementModel.read(json.loads(text.read_bytes()))
