import logging
from dataclasses import dataclass

from spot_optimizer.application.models.queries import ModelQueries
from spot_optimizer.application.ports.decision_engine import (
    EngineBuilt,
    EngineLoader,
    EngineNotLoaded,
    EngineSwitch,
    Serving,
)
from spot_optimizer.domain.models.sessions import ModelSession, ModelSessions

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FollowModels:
    """A process puts into its own service what the installation has in service."""

    queries: ModelQueries
    loader: EngineLoader
    engines: EngineSwitch

    def __call__(self) -> bool:
        """Whether something else is in service now.

        Raises:
            StoreUnavailable: nobody can say what is in service.
            ModelFilesUnavailable: its files cannot be read.
        """
        sessions = self._sessions()
        if sessions.waiting is not None and self.loader.prepare(sessions.waiting):
            sessions = self._sessions()  # they may have been activated meanwhile
        session = sessions.in_service
        wanted = Serving.of(session)
        if self.engines.serving == wanted and self.engines.current is not None:
            return False
        return self._install(session, wanted)

    def _sessions(self) -> ModelSessions:
        return ModelSessions(tuple(self.queries.sessions()))

    def _install(self, session: ModelSession | None, wanted: Serving) -> bool:
        try:
            built = self.loader.build(session)
        except EngineNotLoaded as failure:
            if self.engines.serving != wanted:
                logger.warning("the models in service could not be loaded: %s", failure)
                self.engines.install(self.engines.current, wanted)
            return False
        self.engines.install(built.engine, wanted)
        logger.info("%s serves with %s", built.engine.identity.name, _named(built))
        return True

    def start_with_rules(self) -> None:
        """Until somebody can say what is in service, the rules answer."""
        if self.engines.current is None:
            self._install(None, Serving())


def _named(built: EngineBuilt) -> str:
    return ", ".join(built.engine.identity.models_used) or "no models"
