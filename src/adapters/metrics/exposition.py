import logging
from collections.abc import Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from spot_optimizer.adapters.metrics.fleet import gauges
from spot_optimizer.adapters.metrics.jobs import last_runs
from spot_optimizer.adapters.metrics.sharing import SharedFigures
from spot_optimizer.application.admin.fleet_figures import FleetFigureQueries, FleetFigures
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.jobs import JobRunQueries
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, TransactionLost
from spot_optimizer.domain.jobs import JobRun

logger = logging.getLogger(__name__)


class Exposition(Collector):
    """All figures in Prometheus' text format; without those of the fleet and of jobs elsewhere
    while the database does not answer."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(
        self, shared: SharedFigures, fleet: FleetFigureQueries, jobs: JobRunQueries, clock: Clock
    ) -> None:
        self._shared = shared
        self._fleet = fleet
        self._jobs = jobs
        self._clock = clock
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def __call__(self) -> bytes:
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        return []  # asked for at the registration, when nobody wants to wait for a database

    def collect(self) -> Iterator[Metric]:
        yield from self._shared.collect()
        fleet, runs = self._on_record()
        yield from gauges(fleet, self._clock.now())
        yield from last_runs(runs)

    def _on_record(self) -> tuple[FleetFigures | None, Mapping[str, JobRun]]:
        try:
            return self._fleet.figures(self._clock.now()), self._jobs.last_ended()
        except (StoreUnavailable, TransactionLost) as unavailable:
            logger.warning("metrics without the fleet: %s", unavailable)
            return None, {}
