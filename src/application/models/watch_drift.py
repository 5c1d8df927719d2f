import logging
from dataclasses import dataclass

from spot_optimizer.application.admin.queries import AdminQueries
from spot_optimizer.application.journal import record
from spot_optimizer.application.models.queries import ModelQueries
from spot_optimizer.application.models.serve_models import ModelsNotLoaded, ServeModels
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.model_trial import ModelTrial, TrialFailed
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import SYSTEM
from spot_optimizer.domain.models import occurrences
from spot_optimizer.domain.models.gate import Drift
from spot_optimizer.domain.models.sessions import ModelSessions, NoFallback

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchDrift:
    """Models whose forecasts have become worse than counting give way to those before them, and
    everybody is told. Without any before them they stay, and the operator is told."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    queries: ModelQueries
    admin: AdminQueries
    trial: ModelTrial | None
    """None: nothing is opened, so nothing can drift."""
    serve: ServeModels

    def __call__(self) -> None:
        if self.trial is None:
            return
        live = ModelSessions(tuple(self.queries.sessions())).in_service
        if live is None or live.activated_at is None:
            return
        try:
            drift = self.trial.drift(live, live.activated_at)
        except TrialFailed as failure:
            logger.warning("the drift of session %s is not known: %s", live.id, failure)
            return
        if drift is None or not drift.exceeds_bound:
            return
        try:
            self.serve.fall_back(SYSTEM)
        except (NoFallback, ModelsNotLoaded) as failure:
            logger.warning("session %s has drifted and stays: %s", live.id, failure)
            self._tell(drift, is_rolled_back=False)
        else:
            self._tell(drift, is_rolled_back=True)

    @repeated_when_lost
    def _tell(self, drift: Drift, *, is_rolled_back: bool) -> None:
        now = self.clock.now()
        clients = [line.client_id for line in self.admin.clients()] if is_rolled_back else []
        with self.unit_of_work() as work:
            record(work, occurrences.models_drifted(str(drift), now), SYSTEM)
            for client_id in clients:
                record(work, occurrences.rolled_back_for_drift(client_id, now), SYSTEM)
            work.commit()
