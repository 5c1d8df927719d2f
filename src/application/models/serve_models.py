import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from spot_optimizer.application.journal import record
from spot_optimizer.application.models.removal import remove_files
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.decision_engine import (
    Announcer,
    EngineBuilt,
    EngineIdentity,
    EngineLoader,
    EngineNotLoaded,
    EngineSwitch,
    Serving,
)
from spot_optimizer.application.ports.exclusion import Exclusion
from spot_optimizer.application.ports.model_files import ModelFiles
from spot_optimizer.application.ports.model_trial import ModelTrial, TrialFailed
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.journal import Occurrence
from spot_optimizer.domain.models import occurrences
from spot_optimizer.domain.models.gate import ActivationRefused, Verdict
from spot_optimizer.domain.models.sessions import (
    ModelSession,
    ModelSessions,
    SessionChanges,
    SessionId,
    SessionState,
)

logger = logging.getLogger(__name__)

Telling: TypeAlias = Callable[[SessionId, SessionId | None, datetime], Occurrence]


@dataclass(frozen=True, slots=True)
class Served:
    session_id: SessionId
    engine: EngineIdentity


class ModelsNotLoaded(Exception):
    """No engine could be built; nothing has changed."""

    def __init__(self, session_id: SessionId) -> None:
        super().__init__("Failed to load models")
        self.session_id = session_id


@dataclass(frozen=True, slots=True)
class ServeModels:
    """The operator puts the models of a session into service, or those of the one before.

    The engine is built aside; flags, register and events change in one transaction; then this
    process changes over, and the others are told.

    Raises:
        ModelsNotLoaded: no engine could be built.
        Busy: another upload or activation takes too long.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    files: ModelFiles
    one_at_a_time: Exclusion
    loader: EngineLoader
    engines: EngineSwitch
    announcer: Announcer
    compatibility: Compatibility
    trial: ModelTrial | None = None
    """None: whatever is uploaded may go into service."""

    def activate(self, session_id: str, caller: Caller, *, force: bool = False) -> Served:
        """`force` spares the models their trial, which is put on record.

        Raises:
            SessionNotFound: there is none of this id.
            ActivationRefused: they have not stood their trial; nothing has changed.
        """
        judged = {"forced": True} if force else self._judged(session_id, caller)
        return self._serve(
            lambda sessions: sessions.find(session_id),
            lambda sessions, now: sessions.activate(SessionId(session_id), now),
            lambda after, before, now: occurrences.models_activated(after, before, now, judged),
            caller,
        )

    def fall_back(self, caller: Caller) -> Served:
        """Raises:
        NoFallback: there is no session to fall back to.
        """
        return self._serve(
            ModelSessions.fallback,
            lambda sessions, now: sessions.fall_back(now),
            occurrences.models_rolled_back,
            caller,
        )

    def _serve(
        self,
        chosen: Callable[[ModelSessions], ModelSession],
        change: Callable[[ModelSessions, datetime], SessionChanges],
        telling: Telling,
        caller: Caller,
    ) -> Served:
        with self.one_at_a_time():
            session = chosen(self._sessions())
            try:
                built = self.loader.build(session, untried=session.activated_at is None)
            except EngineNotLoaded as failure:
                raise ModelsNotLoaded(session.id) from failure
            now = self.clock.now()
            changes = self._change_over(session, built, change, telling, caller, now)
            self.engines.install(built.engine, Serving(session.id, now.replace(microsecond=0)))
            self.announcer.announce()
            remove_files(self.files, [gone.id for gone in changes.removed])
        return Served(session.id, built.engine.identity)

    def _judged(self, session_id: str, caller: Caller) -> Mapping[str, object]:
        """Before anybody has to wait for it: a trial takes its time, and changes nothing."""
        if self.trial is None:
            return {}
        sessions = self._sessions()
        session, champion = sessions.find(session_id), sessions.in_service
        if champion is not None and champion.id == session.id:
            return {}
        verdict: Verdict | None = None
        try:
            verdict = self.trial.judge(session, champion)
            reason = None if verdict is None or verdict.passes else verdict.reason
        except TrialFailed as failure:
            reason = f"Their trial failed: {failure}"
        if reason is not None:
            logger.warning("models of session %s are refused: %s", session.id, reason)
            self._tell_of_refusal(session.id, reason, verdict, caller)
            raise ActivationRefused(session.id, reason, verdict)
        return {} if verdict is None else verdict.as_details()

    @repeated_when_lost
    def _tell_of_refusal(
        self, session_id: SessionId, reason: str, verdict: Verdict | None, caller: Caller
    ) -> None:
        details = None if verdict is None else verdict.as_details()
        with self.unit_of_work() as work:
            told = occurrences.models_refused(session_id, reason, details, self.clock.now())
            record(work, told, caller)
            work.commit()

    @repeated_when_lost
    def _sessions(self) -> ModelSessions:
        with self.unit_of_work() as work:
            return self._known(work)

    def _known(self, work: UnitOfWork) -> ModelSessions:
        return ModelSessions(
            tuple(work.models.sessions()),
            newer_fallback_stays=self.compatibility.former_model_sessions,
        )

    @repeated_when_lost
    def _change_over(
        self,
        session: ModelSession,
        built: EngineBuilt,
        change: Callable[[ModelSessions, datetime], SessionChanges],
        telling: Telling,
        caller: Caller,
        now: datetime,
    ) -> SessionChanges:
        with self.unit_of_work() as work:
            sessions = self._known(work)
            before = sessions.in_service
            changes = change(sessions, now)
            work.models.save(changes)
            if not self.compatibility.former_model_sessions:
                fallback = _fallback_after(sessions, changes)
                work.models.register(session, built.models, fallback, now)
            for model in built.models:
                if model.failure is not None:
                    told = occurrences.model_not_loaded(model.name, model.failure, now)
                    record(work, told, caller)
            record(work, occurrences.engine_loaded(built.engine.identity.name, now), caller)
            record(work, telling(session.id, None if before is None else before.id, now), caller)
            work.commit()
        return changes


def _fallback_after(sessions: ModelSessions, changes: SessionChanges) -> SessionId | None:
    after = {one.id: one for one in sessions.sessions}
    after.update({one.id: one for one in changes.changed})
    for gone in changes.removed:
        after.pop(gone.id)
    kept = [one.id for one in after.values() if one.state is SessionState.FALLBACK]
    return kept[0] if kept else None
