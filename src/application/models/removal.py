import logging
from collections.abc import Sequence

from spot_optimizer.application.ports.model_files import ModelFiles, ModelFilesUnavailable
from spot_optimizer.domain.models.sessions import SessionId

logger = logging.getLogger(__name__)


def remove_files(files: ModelFiles, gone: Sequence[SessionId]) -> None:
    """Of sessions that nobody knows any more: files that stay cost space and nothing else."""
    for session_id in gone:
        try:
            files.remove(session_id)
        except ModelFilesUnavailable as unavailable:
            logger.warning("files of session %s stay behind: %s", session_id, unavailable)
