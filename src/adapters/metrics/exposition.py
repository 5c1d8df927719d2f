import logging
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from spot_optimizer.adapters.metrics.fleet import gauges
from spot_optimizer.adapters.metrics.sharing import SharedFigures
from spot_optimizer.application.admin.fleet_figures import FleetFigureQueries, FleetFigures
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, TransactionLost

logger = logging.getLogger(__name__)


class Exposition(Collector):
    """All figures in Prometheus' text format; without those of the fleet while the database does
    not answer."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, shared: SharedFigures, fleet: FleetFigureQueries, clock: Clock) -> None:
        self._shared = shared
        self._fleet = fleet
        self._clock = clock
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def __call__(self) -> bytes:
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        return []  # asked for at the registration, when nobody wants to wait for a database

    def collect(self) -> Iterator[Metric]:
        yield from self._shared.collect()
        yield from gauges(self._figures(), self._clock.now())

    def _figures(self) -> FleetFigures | None:
        try:
            return self._fleet.figures(self._clock.now())
        except (StoreUnavailable, TransactionLost) as unavailable:
            logger.warning("metrics without the fleet: %s", unavailable)
            return None
