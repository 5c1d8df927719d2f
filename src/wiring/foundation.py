"""What everything else is built on."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Final

from dependency_injector import containers, providers
from sqlalchemy import Engine

from spot_optimizer.adapters.metrics.instruments import Instruments
from spot_optimizer.adapters.metrics.measured import CommittedEvents
from spot_optimizer.adapters.persistence.admin_queries import SqlAdminQueries, SqlHealthProbe
from spot_optimizer.adapters.persistence.engine import (
    make_background_engine,
    make_engine,
    make_reading_engine,
)
from spot_optimizer.adapters.persistence.turns import make_turns
from spot_optimizer.adapters.persistence.unit_of_work import SqlUnitOfWork
from spot_optimizer.adapters.system import RandomIdentifiers, SystemClock, SystemStopwatch
from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.settings import Settings
from spot_optimizer.wiring.stores import make_cache

# Emergency replicas take longer than notices, which are not to wait for many of them.
EMERGENCIES_AT_A_TIME: Final = 8

# A reader who is slow holds a connection for as long as that takes.
_EXPORTS_AT_A_TIME: Final = 4

# Two jobs, and whoever looks after models.
_CONNECTIONS_OF_JOBS: Final = 3


def _connections(settings: Settings) -> int:
    """Nobody who has a thread waits for a connection."""
    lanes = 1 + EMERGENCIES_AT_A_TIME
    return settings.db_pool_size + lanes + _CONNECTIONS_OF_JOBS


class Foundation(containers.DeclarativeContainer):
    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    clock: providers.Singleton[Clock] = providers.Singleton(SystemClock)
    identifiers = providers.Singleton(RandomIdentifiers)
    connections = providers.Callable(_connections, settings)
    engine: providers.Singleton[Engine] = providers.Singleton(
        make_engine, url=settings.provided.database_url, connections=connections
    )
    reading_engine: providers.Singleton[Engine] = providers.Singleton(
        make_reading_engine, engine=engine, connections=connections
    )
    exporting_engine: providers.Singleton[Engine] = providers.Singleton(
        make_reading_engine, engine=engine, connections=_EXPORTS_AT_A_TIME
    )
    cache: providers.Singleton[Cache] = providers.Singleton(
        make_cache, settings=settings, clock=clock
    )
    instruments = providers.Singleton(Instruments)
    on_committed = providers.Singleton(CommittedEvents, instruments=instruments)
    turns = providers.Singleton(make_turns, engine)
    unit_of_work = providers.Factory(
        SqlUnitOfWork, engine=engine, turns=turns, on_committed=on_committed
    )
    urgent_unit_of_work = providers.Factory(
        SqlUnitOfWork, engine=engine, turns=turns, is_urgent=True, on_committed=on_committed
    )
    background_engine: providers.Singleton[Engine] = providers.Singleton(
        make_background_engine, engine=engine
    )
    background_work = providers.Factory(
        SqlUnitOfWork, engine=background_engine, turns=turns, on_committed=on_committed
    )
    compatibility = settings.provided.peculiarities
    stopwatch = providers.Singleton(SystemStopwatch)
    command_lease = providers.Factory(timedelta, seconds=settings.provided.command_lease_seconds)
    price_freshness = providers.Factory(
        timedelta, seconds=settings.provided.price_freshness_seconds
    )
    transactional = partial(providers.Singleton, unit_of_work=unit_of_work.provider, clock=clock)
    compatible = partial(transactional, compatibility=compatibility)
    admin_queries = providers.Singleton(SqlAdminQueries, engine=reading_engine)
    health_probe = providers.Singleton(SqlHealthProbe, engine=reading_engine)
    in_background = partial(providers.Singleton, unit_of_work=background_work.provider, clock=clock)
