import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from spot_optimizer.application.admin.queries import HealthProbe
from spot_optimizer.application.models.queries import ActiveModel, ModelQueries, ModelSurvey
from spot_optimizer.application.ports.model_files import (
    ListedFile,
    ModelFiles,
    ModelFilesUnavailable,
)
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, TransactionLost

logger = logging.getLogger(__name__)

_ENGINE_FOLDER: Final = ""
_CODE: Final = ".py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Files of one name in several sessions are shown once, as the newest of them."""

    database_answers: bool
    idle_connections: int
    active: Sequence[ActiveModel]
    model_files: Sequence[ListedFile]
    engine_files: Sequence[ListedFile]


@dataclass(frozen=True, slots=True)
class InspectSystem:
    """Whatever can be found out; what does not answer is shown as empty."""

    probe: HealthProbe
    queries: ModelQueries
    model_files: ModelFiles
    engine_files: ModelFiles

    def __call__(self) -> Inspection:
        try:
            survey: ModelSurvey | None = self.queries.survey()
        except (StoreUnavailable, TransactionLost):
            survey = None
        engine_files = _listed(self.engine_files, [_ENGINE_FOLDER])
        return Inspection(
            database_answers=survey is not None,
            idle_connections=self.probe.idle_connections(),
            active=survey.active if survey else [],
            model_files=_listed(self.model_files, survey.session_ids if survey else []),
            engine_files=[file for file in engine_files if file.name.endswith(_CODE)],
        )


def _listed(files: ModelFiles, folders: Sequence[str]) -> Sequence[ListedFile]:
    try:
        listed = files.listing(folders)
    except ModelFilesUnavailable as unavailable:
        logger.warning("the files cannot be listed: %s", unavailable)
        return []
    ascending = sorted(listed, key=lambda file: file.modified_at)
    return list({file.name: file for file in ascending}.values())
