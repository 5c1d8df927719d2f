"""Hands every adapter and every fake over as its port.

Nobody runs it: the type checker reads it, because it does not see through the container.
"""

# ruff: noqa: F841 - the annotation is the point, not the variable
from pathlib import Path

from sqlalchemy import Engine

from spot_optimizer.adapters.ml.directory_files import DirectoryFiles
from spot_optimizer.adapters.ml.engines import RuleBasedDecisionEngine
from spot_optimizer.adapters.ml.loader import BuiltInEngines
from spot_optimizer.adapters.ml.object_files import ObjectFiles
from spot_optimizer.adapters.ml.registry import EngineRegistry
from spot_optimizer.adapters.persistence.admin_queries import SqlAdminQueries, SqlHealthProbe
from spot_optimizer.adapters.persistence.agent_queries import SqlAgentQueries
from spot_optimizer.adapters.persistence.command_queries import SqlCommandQueries
from spot_optimizer.adapters.persistence.coordination_queries import SqlCoordinationQueries
from spot_optimizer.adapters.persistence.credentials import SqlCredentials
from spot_optimizer.adapters.persistence.exclusion import DatabaseExclusion
from spot_optimizer.adapters.persistence.file_cache import FileCache
from spot_optimizer.adapters.persistence.fleet_figure_queries import SqlFleetFigureQueries
from spot_optimizer.adapters.persistence.fleet_queries import SqlFleetQueries
from spot_optimizer.adapters.persistence.health_queries import SqlHealthQueries
from spot_optimizer.adapters.persistence.model_queries import SqlModelQueries
from spot_optimizer.adapters.persistence.replica_queries import SqlReplicaQueries
from spot_optimizer.adapters.persistence.unit_of_work import SqlUnitOfWork
from spot_optimizer.adapters.scheduling.engine_watch import SilentAnnouncer
from spot_optimizer.adapters.scheduling.redis_announcer import RedisAnnouncer
from spot_optimizer.adapters.scheduling.redis_cache import RedisCache
from spot_optimizer.adapters.system import (
    RandomIdentifiers,
    SecretTokens,
    SystemClock,
    SystemStopwatch,
)
from spot_optimizer.application.admin.fleet import FleetQueries
from spot_optimizer.application.admin.fleet_figures import FleetFigureQueries
from spot_optimizer.application.admin.queries import AdminQueries, HealthProbe
from spot_optimizer.application.agents.monitor_health import HealthQueries
from spot_optimizer.application.agents.queries import AgentQueries
from spot_optimizer.application.commands.queries import CommandQueries
from spot_optimizer.application.models.queries import ModelQueries
from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.clock import Clock, Stopwatch
from spot_optimizer.application.ports.credentials import Credentials
from spot_optimizer.application.ports.decision_engine import (
    Announcer,
    DecisionEngine,
    EngineIdentity,
    EngineInService,
    EngineLoader,
    EngineSwitch,
)
from spot_optimizer.application.ports.exclusion import Exclusion
from spot_optimizer.application.ports.identity import Identifiers, Tokens
from spot_optimizer.application.ports.model_files import ModelFiles
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.replicas.queries import ReplicaQueries
from spot_optimizer.application.replicas.run_coordinator_pass import CoordinationQueries
from spot_optimizer.domain.compatibility import Compatibility
from tests.fakes import (
    CountingIdentifiers,
    FakeDecisionEngine,
    FixedClock,
    FixedEngine,
    FixedTokens,
    InMemoryCache,
    InMemoryCommandQueries,
    InMemoryCredentials,
    InMemoryUnitOfWork,
    SteadyStopwatch,
)
from tests.fakes.models import CountingAnnouncer, FakeLoader, InMemoryModelFiles, OneAtATime


def the_adapters(engine: Engine, directory: Path, identity: EngineIdentity) -> None:
    clock: Clock = SystemClock()
    stopwatch: Stopwatch = SystemStopwatch()
    identifiers: Identifiers = RandomIdentifiers()
    tokens: Tokens = SecretTokens()
    file_cache: Cache = FileCache(directory, clock)
    redis_cache: Cache = RedisCache("redis://localhost")
    decision_engine: DecisionEngine = RuleBasedDecisionEngine(identity)
    engines: EngineSwitch = EngineRegistry()
    work: UnitOfWork = SqlUnitOfWork(engine)
    credentials: Credentials = SqlCredentials(engine)
    admin_queries: AdminQueries = SqlAdminQueries(engine)
    agent_queries: AgentQueries = SqlAgentQueries(engine)
    command_queries: CommandQueries = SqlCommandQueries(engine)
    model_files: ModelFiles = DirectoryFiles(directory)
    model_objects: ModelFiles = ObjectFiles("s3://bucket")
    loader: EngineLoader = BuiltInEngines(
        files=model_files, module="module", class_name="name", strict=False
    )
    exclusion: Exclusion = DatabaseExclusion(engine, "models")
    silent: Announcer = SilentAnnouncer()
    announcer: Announcer = RedisAnnouncer("redis://localhost")
    model_queries: ModelQueries = SqlModelQueries(engine)
    coordination_queries: CoordinationQueries = SqlCoordinationQueries(engine)
    health_queries: HealthQueries = SqlHealthQueries(engine)
    replica_queries: ReplicaQueries = SqlReplicaQueries(engine)
    health_probe: HealthProbe = SqlHealthProbe(engine)
    fleet_queries: FleetQueries = SqlFleetQueries(engine, Compatibility())
    fleet_figures: FleetFigureQueries = SqlFleetFigureQueries(engine)


def the_fakes(decision: object) -> None:
    fixed_clock = FixedClock()
    in_memory = InMemoryUnitOfWork()
    fake_engine = FakeDecisionEngine(decision)

    clock: Clock = fixed_clock
    stopwatch: Stopwatch = SteadyStopwatch()
    identifiers: Identifiers = CountingIdentifiers()
    tokens: Tokens = FixedTokens()
    cache: Cache = InMemoryCache(fixed_clock)
    decision_engine: DecisionEngine = fake_engine
    engines: EngineInService = FixedEngine(fake_engine)
    work: UnitOfWork = in_memory
    factory: UnitOfWorkFactory = in_memory
    model_files: ModelFiles = InMemoryModelFiles()
    loader: EngineLoader = FakeLoader()
    exclusion: Exclusion = OneAtATime()
    announcer: Announcer = CountingAnnouncer()
    credentials: Credentials = InMemoryCredentials(in_memory)
    command_queries: CommandQueries = InMemoryCommandQueries(in_memory)
