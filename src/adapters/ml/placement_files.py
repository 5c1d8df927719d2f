"""Placement models in files: a mapping of plain figures, in the skops format or as JSON."""

import json

import skops.io

from spot_optimizer.adapters.ml.placement_model import BrokenModel, PlacementModel
from spot_optimizer.adapters.ml.predictors import NotAModel
from spot_optimizer.adapters.ml.skops_format import check_archive


def placement_model(content: bytes) -> PlacementModel:
    """Raises:
    NotAModel: it is none, names a type beyond figures and texts, or unpacks to too much.
    """
    try:
        if content.startswith(b"{"):
            return PlacementModel.read(json.loads(content))
        check_archive(content)
        if skops.io.get_untrusted_types(data=content):
            raise NotAModel("contains types that are not trusted")
        return PlacementModel.read(skops.io.loads(content, trusted=[]))
    except NotAModel:
        raise
    except BrokenModel as broken:
        raise NotAModel(str(broken)) from broken
    except Exception as error:  # whatever a library finds wrong with a hostile file
        raise NotAModel(f"not a placement model ({type(error).__name__})") from error
