import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.models.removal import remove_files, remove_orphans
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.decision_engine import Announcer, EngineLoader
from spot_optimizer.application.ports.exclusion import Exclusion
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.model_files import IncomingFile, ModelFiles, StoredFile
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.models import occurrences
from spot_optimizer.domain.models.file_names import (
    SAFE_EXTENSIONS,
    UploadKind,
    accepted_names,
    extension_of,
)
from spot_optimizer.domain.models.sessions import (
    KeptFile,
    ModelSession,
    ModelSessions,
    SessionChanges,
    SessionId,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UploadModels:
    """The operator uploads models, which wait in a session of their own to be activated."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    files: ModelFiles
    one_at_a_time: Exclusion
    loader: EngineLoader
    announcer: Announcer
    unsafe: bool
    compatibility: Compatibility

    def __call__(self, given: Sequence[IncomingFile], caller: Caller) -> ModelSession:
        """Raises:
        ValidationFailed: a name is not allowed; nothing has changed then.
        Busy: another upload or activation takes too long.
        """
        names = accepted_names([file.name for file in given], UploadKind.MODELS, unsafe=self.unsafe)
        warn_of_unsafe(names)
        session_id = SessionId(self.identifiers.new_id())
        with self.one_at_a_time():
            named = [IncomingFile(n, f.content) for n, f in zip(names, given, strict=True)]
            stored = self.files.put(session_id, named)
            try:
                session, changes, known = self._keep(session_id, stored, caller)
            except BaseException:
                remove_files(self.files, [session_id])
                raise
            self.loader.expect(session)
            self.announcer.announce()  # what it takes to open them may be imported from now on
            remove_files(self.files, [gone.id for gone in changes.removed])
            remove_orphans(self.files, known, self.clock.now())
        return session

    @repeated_when_lost
    def _keep(
        self, session_id: SessionId, stored: Sequence[StoredFile], caller: Caller
    ) -> tuple[ModelSession, SessionChanges, Collection[SessionId]]:
        now = self.clock.now()
        hashless = self.compatibility.former_model_sessions
        kept = [
            KeptFile(name=file.name, sha256=None if hashless else file.sha256) for file in stored
        ]
        with self.unit_of_work() as work:
            sessions = ModelSessions(
                tuple(work.models.sessions()),
                newer_fallback_stays=self.compatibility.former_model_sessions,
            )
            total = sum(file.size_bytes for file in stored)
            session, changes = sessions.upload(session_id, kept, total, now)
            work.models.save(changes)
            record(work, occurrences.models_uploaded(session, now), caller)
            work.commit()
        return session, changes, {session_id, *(one.id for one in sessions.sessions)}


def warn_of_unsafe(names: Sequence[str]) -> None:
    """Each time: formats that run code when somebody opens them are in the house."""
    for name in names:
        if extension_of(name) not in SAFE_EXTENSIONS:
            logger.warning("ALLOW_UNSAFE_UPLOADS: %s is kept, and never opened", name)
