from collections.abc import Sequence
from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.models.upload_models import warn_of_unsafe
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.decision_engine import (
    EngineIdentity,
    EngineLoader,
    EngineNotLoaded,
    EngineSwitch,
    Serving,
)
from spot_optimizer.application.ports.exclusion import Exclusion
from spot_optimizer.application.ports.model_files import IncomingFile, ModelFiles, StoredFile
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.models import occurrences
from spot_optimizer.domain.models.file_names import UploadKind, accepted_names
from spot_optimizer.domain.models.sessions import ModelSession, ModelSessions

_ENGINE_FOLDER = ""


@dataclass(frozen=True, slots=True)
class EngineUploaded:
    """`engine` is None when none could be built; the one in service stays then."""

    names: Sequence[str]
    engine: EngineIdentity | None


@dataclass(frozen=True, slots=True)
class UploadEngine:
    """The operator uploads engine files. They are kept and never executed: the engines are ours,
    and what is built anew is one of them."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    files: ModelFiles
    one_at_a_time: Exclusion
    loader: EngineLoader
    engines: EngineSwitch
    unsafe: bool

    def __call__(self, given: Sequence[IncomingFile], caller: Caller) -> EngineUploaded:
        """Raises:
        ValidationFailed: a name is not allowed; nothing has changed then.
        Busy: another upload or activation takes too long.
        """
        names = accepted_names([file.name for file in given], UploadKind.ENGINE, unsafe=self.unsafe)
        warn_of_unsafe(names)
        with self.one_at_a_time():
            named = [IncomingFile(n, f.content) for n, f in zip(names, given, strict=True)]
            stored = self.files.put(_ENGINE_FOLDER, named)
            session = self._in_service()
            try:
                engine = self.loader.build(session).engine
            except EngineNotLoaded:
                self._tell(stored, None, caller)
                return EngineUploaded(names, None)
            self._tell(stored, engine.identity, caller)
            self.engines.install(engine, Serving.of(session))
        return EngineUploaded(names, engine.identity)

    @repeated_when_lost
    def _in_service(self) -> ModelSession | None:
        with self.unit_of_work() as work:
            return ModelSessions(tuple(work.models.sessions())).in_service

    @repeated_when_lost
    def _tell(
        self, stored: Sequence[StoredFile], engine: EngineIdentity | None, caller: Caller
    ) -> None:
        now = self.clock.now()
        hashes = {file.name: file.sha256 for file in stored}
        with self.unit_of_work() as work:
            record(work, occurrences.engine_files_uploaded(hashes, now), caller)
            if engine is not None:
                record(work, occurrences.engine_loaded(engine.name, now), caller)
                names = [file.name for file in stored]
                record(work, occurrences.engine_updated(names, now), caller)
            work.commit()
