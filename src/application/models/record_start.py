import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.decision_engine import EngineInService
from spot_optimizer.application.ports.unit_of_work import (
    StoreUnavailable,
    TransactionLost,
    UnitOfWorkFactory,
)
from spot_optimizer.domain.callers import SYSTEM
from spot_optimizer.domain.models import occurrences

logger = logging.getLogger(__name__)

# The workers of one server start within this.
_ONE_START: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class RecordStart:
    """That the engine was loaded at a start: told once by the workers that start together
    (contract/admin-ml-and-jobs.md 3.5). A server starts without its database, too."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    cache: Cache
    engines: EngineInService

    def __call__(self) -> None:
        engine = self.engines.current
        if engine is None:
            return
        try:
            if self.cache.add("decision-engine-loaded", b"", _ONE_START):
                with self.unit_of_work() as work:
                    now = self.clock.now()
                    record(work, occurrences.engine_loaded(engine.identity.name, now), SYSTEM)
                    work.commit()
        except (StoreUnavailable, TransactionLost) as unavailable:
            logger.warning("the start was not put on record: %s", unavailable)
