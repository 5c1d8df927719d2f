"""What comes with the server to judge risks by: what a first installation goes by."""

import json
import logging
from functools import cache
from importlib.resources import files
from typing import Final

from spot_optimizer.adapters.ml.placement_counts import count_table
from spot_optimizer.adapters.ml.placement_model import PlacementModel
from spot_optimizer.domain.placement.count_table import CountTable
from spot_optimizer.domain.placement.forecasts import RiskModel

logger = logging.getLogger(__name__)

_PACKAGED: Final = files("spot_optimizer.adapters.ml").joinpath("packaged")


@cache
def prior_model() -> PlacementModel:
    """Trained on recorded pools; its figures only, nothing of the recordings. Where these come
    from is in packaged/SOURCES.md.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    return PlacementModel.read(_read("placement_prior.json"))


@cache
def prior_counts() -> CountTable:
    """Of the same pools, how often they were lost at which age.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    return count_table(_read("placement_counts.json"))


def prior_risk() -> RiskModel | None:
    """The packaged model, else the count table, else nothing: decisions are then made by the band
    of each pool."""
    for packaged in (prior_model, prior_counts):
        try:
            return packaged()
        except (OSError, ValueError) as error:
            logger.warning("%s cannot be read: %s", packaged.__name__, error)
    return None


def _read(name: str) -> object:
    return json.loads(_PACKAGED.joinpath(name).read_bytes())
