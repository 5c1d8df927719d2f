"""The placement model among the files of an upload session."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from spot_optimizer.adapters.ml.placement_files import placement_model
from spot_optimizer.adapters.ml.predictors import NotAModel
from spot_optimizer.adapters.ml.prior import prior_model
from spot_optimizer.application.ports.model_files import ModelFileMissing, ModelFiles
from spot_optimizer.backtest.placing import Models
from spot_optimizer.domain.models.file_names import is_placement_model
from spot_optimizer.domain.models.sessions import ModelSession

logger = logging.getLogger(__name__)


def models_of(session: ModelSession, files: ModelFiles) -> Models | None:
    """The first file that holds one and is what was uploaded; None where none does.

    Raises:
        ModelFilesUnavailable: the files cannot be read.
    """
    for file in session.files:
        if not is_placement_model(file.name):
            continue
        try:
            content = files.read(session.id, file.name)
            if file.sha256 in (None, sha256(content).hexdigest()):
                return models_in(content)
        except (ModelFileMissing, NotAModel) as failure:
            logger.info("file %s of session %s: %s", file.name, session.id, failure)
    return None


def prior() -> Models:
    """What decides as long as nobody has uploaded anything else."""
    model = prior_model()
    digest = sha256(json.dumps(model.kept(), sort_keys=True).encode()).hexdigest()
    return Models(digest, risk=model, price=model, made_until=_made_until(model.card))


def models_in(content: bytes) -> Models:
    """Raises:
    NotAModel: it holds no placement model.
    """
    model = placement_model(content)
    digest = sha256(content).hexdigest()
    return Models(digest, risk=model, price=model, made_until=_made_until(model.card))


def _made_until(card: Mapping[str, object]) -> float | None:
    """The end of the latest recording that the card names."""
    ends: list[float] = []
    data = card.get("data")
    for one in data if isinstance(data, list) else []:
        if not isinstance(one, Mapping):
            return None
        try:
            end = datetime.fromisoformat(str(one.get("to")))
        except ValueError:
            return None
        ends.append(end.timestamp())
    return max(ends, default=None)
