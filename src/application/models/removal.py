import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from spot_optimizer.application.ports.model_files import ModelFiles, ModelFilesUnavailable
from spot_optimizer.domain.models.sessions import SessionId

logger = logging.getLogger(__name__)

# Longer than any upload takes: while the database is away, the lock on uploads does not hold.
_ABANDONED_AFTER: Final = timedelta(hours=24)


def remove_files(files: ModelFiles, gone: Sequence[SessionId]) -> None:
    """Of sessions that nobody knows any more: files that stay cost space and nothing else."""
    for session_id in gone:
        try:
            files.remove(session_id)
        except ModelFilesUnavailable as unavailable:
            logger.warning("files of session %s stay behind: %s", session_id, unavailable)


def remove_orphans(files: ModelFiles, known: Collection[SessionId], now: datetime) -> None:
    """Files of a session that was never put on record, or was taken off it, by a process that
    ended in between. What an operator keeps beside them bears no session's id and stays."""
    try:
        orphans = [
            SessionId(folder)
            for folder in files.folders()
            if folder not in known
            and _is_session_id(folder)
            and all(now - file.modified_at > _ABANDONED_AFTER for file in files.listing([folder]))
        ]
    except ModelFilesUnavailable as unavailable:
        logger.warning("cannot see which files were left behind: %s", unavailable)
        return
    for orphan in orphans:
        logger.info("removing the files of session %s, which is not on record", orphan)
    remove_files(files, orphans)


def _is_session_id(folder: str) -> bool:
    with suppress(ValueError):
        return str(UUID(folder)) == folder
    return False
