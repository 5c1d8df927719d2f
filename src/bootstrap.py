"""What is built from what, out of the parts that `wiring` makes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from dependency_injector import containers, providers
from litestar import Litestar
from sqlalchemy import Engine

from spot_optimizer.adapters.advisor.bands import SpotAdvisor
from spot_optimizer.adapters.http.access import AdminAuth, Gatekeeper, OperatorAccess
from spot_optimizer.adapters.http.admin import admin_handlers
from spot_optimizer.adapters.http.admin_clients import admin_client_handlers
from spot_optimizer.adapters.http.admin_fleet import admin_fleet_handlers
from spot_optimizer.adapters.http.admin_jobs import admin_job_handlers
from spot_optimizer.adapters.http.agents import agent_handlers
from spot_optimizer.adapters.http.app import HttpSettings, make_http_app
from spot_optimizer.adapters.http.batching import Joined, same_for_all
from spot_optimizer.adapters.http.built_dashboard import dashboard_handlers
from spot_optimizer.adapters.http.clients import client_handlers
from spot_optimizer.adapters.http.commands import command_handlers
from spot_optimizer.adapters.http.dashboard.agents import (
    agent_items,
    dashboard_agent_handlers,
)
from spot_optimizer.adapters.http.dashboard.clients import dashboard_client_handlers
from spot_optimizer.adapters.http.dashboard.decisions import decision_view_handlers
from spot_optimizer.adapters.http.dashboard.exports import export_handlers
from spot_optimizer.adapters.http.dashboard.instances import (
    dashboard_instance_handlers,
    instance_items,
)
from spot_optimizer.adapters.http.dashboard.notifications import notification_handlers
from spot_optimizer.adapters.http.dashboard.prices import dashboard_price_handlers
from spot_optimizer.adapters.http.dashboard.replicas import dashboard_replica_handlers
from spot_optimizer.adapters.http.dashboard.savings import dashboard_savings_handlers
from spot_optimizer.adapters.http.dashboard.switches import (
    dashboard_switch_handlers,
)
from spot_optimizer.adapters.http.decisions import decision_handlers
from spot_optimizer.adapters.http.documentation.pages import documentation_handlers
from spot_optimizer.adapters.http.emergencies import emergency_handlers
from spot_optimizer.adapters.http.health import health_handlers
from spot_optimizer.adapters.http.interruptions import interruption_handlers
from spot_optimizer.adapters.http.metrics import metrics_handlers
from spot_optimizer.adapters.http.models import model_handlers
from spot_optimizer.adapters.http.pricing import pricing_handlers
from spot_optimizer.adapters.http.replicas import replica_handlers
from spot_optimizer.adapters.http.session_cookie import SessionCookie
from spot_optimizer.adapters.http.sessions import session_handlers
from spot_optimizer.adapters.http.switching import switching_handlers
from spot_optimizer.adapters.http.system_health import system_health_handlers
from spot_optimizer.adapters.metrics.exposition import Exposition
from spot_optimizer.adapters.metrics.instruments import Instruments
from spot_optimizer.adapters.metrics.measured import (
    CommittedEvents,
    MeasuredDecide,
    MeasuredEmergencies,
    MeasuredFailOver,
    job_outcomes,
)
from spot_optimizer.adapters.metrics.sharing import SharedFigures
from spot_optimizer.adapters.ml.learning_set import CsvLearningSet
from spot_optimizer.adapters.ml.loader import BuiltInEngines, TryOut
from spot_optimizer.adapters.ml.registry import EngineRegistry
from spot_optimizer.adapters.ml.trial import TrialProcesses
from spot_optimizer.adapters.persistence.admin_queries import SqlAdminQueries, SqlHealthProbe
from spot_optimizer.adapters.persistence.agent_queries import SqlAgentQueries
from spot_optimizer.adapters.persistence.billing import SqlBilledClients
from spot_optimizer.adapters.persistence.client_queries import SqlClientQueries
from spot_optimizer.adapters.persistence.command_queries import SqlCommandQueries
from spot_optimizer.adapters.persistence.coordination_queries import SqlCoordinationQueries
from spot_optimizer.adapters.persistence.credentials import SqlCredentials
from spot_optimizer.adapters.persistence.dashboard.agents import SqlAgentViews
from spot_optimizer.adapters.persistence.dashboard.clients import SqlClientViews
from spot_optimizer.adapters.persistence.dashboard.exports import SqlExportSource
from spot_optimizer.adapters.persistence.dashboard.instances import SqlInstanceViews
from spot_optimizer.adapters.persistence.dashboard.notifications import SqlNotificationViews
from spot_optimizer.adapters.persistence.dashboard.prices import SqlPriceViews
from spot_optimizer.adapters.persistence.dashboard.replicas import SqlReplicaViews
from spot_optimizer.adapters.persistence.dashboard.savings import SqlSavingsViews
from spot_optimizer.adapters.persistence.dashboard.switches import SqlSwitchViews
from spot_optimizer.adapters.persistence.decision_records import SqlDecisionRecords
from spot_optimizer.adapters.persistence.engine import (
    make_background_engine,
    make_engine,
    make_reading_engine,
)
from spot_optimizer.adapters.persistence.exclusion import DatabaseExclusion
from spot_optimizer.adapters.persistence.fleet_figure_queries import SqlFleetFigureQueries
from spot_optimizer.adapters.persistence.fleet_queries import SqlFleetQueries
from spot_optimizer.adapters.persistence.health_queries import SqlHealthQueries
from spot_optimizer.adapters.persistence.job_runs import SqlJobRunQueries
from spot_optimizer.adapters.persistence.messages import SqlUndeliveredMessages
from spot_optimizer.adapters.persistence.model_queries import SqlModelQueries
from spot_optimizer.adapters.persistence.price_windows import SqlPriceWindows
from spot_optimizer.adapters.persistence.replica_queries import SqlReplicaQueries
from spot_optimizer.adapters.persistence.trusted_prices import SqlTrustedPrices
from spot_optimizer.adapters.persistence.turns import make_turns
from spot_optimizer.adapters.persistence.unit_of_work import SqlUnitOfWork
from spot_optimizer.adapters.persistence.zombie_queries import SqlZombieQueries
from spot_optimizer.adapters.scheduling.cron import CronSchedule
from spot_optimizer.adapters.scheduling.embedded import EmbeddedJobs, JobService
from spot_optimizer.adapters.scheduling.engine_watch import EngineWatch
from spot_optimizer.adapters.scheduling.pulse import Pulse
from spot_optimizer.adapters.scheduling.scheduler import Scheduler
from spot_optimizer.adapters.system import (
    RandomIdentifiers,
    SecretTokens,
    SystemClock,
    SystemStopwatch,
)
from spot_optimizer.application.admin.inspect_system import InspectSystem
from spot_optimizer.application.admin.purge_old_rows import PurgeOldRows
from spot_optimizer.application.agents.configure_agent import ConfigureAgent
from spot_optimizer.application.agents.delete_agent import DeleteAgent
from spot_optimizer.application.agents.detect_zombies import DetectZombies
from spot_optimizer.application.agents.mark_silent_agents import MarkSilentAgents
from spot_optimizer.application.agents.monitor_health import MonitorHealth
from spot_optimizer.application.agents.record_cleanup import RecordCleanup
from spot_optimizer.application.agents.record_heartbeats import RecordHeartbeats
from spot_optimizer.application.agents.register_agent import RegisterAgent
from spot_optimizer.application.agents.report_termination import ReportTermination
from spot_optimizer.application.agents.toggle_agent import ToggleAgent
from spot_optimizer.application.authenticate import (
    Authenticate,
    RecordRefusedCredentials,
)
from spot_optimizer.application.clients.create_client import CreateClient
from spot_optimizer.application.clients.delete_client import DeleteClient
from spot_optimizer.application.clients.regenerate_token import RegenerateToken
from spot_optimizer.application.clients.show_token import ShowToken
from spot_optimizer.application.clients.snapshot_growth import BackfillGrowth, SnapshotGrowth
from spot_optimizer.application.commands.expire_commands import ExpireCommands
from spot_optimizer.application.commands.force_switch import ForceSwitch
from spot_optimizer.application.commands.hand_out_commands import HandOutCommands
from spot_optimizer.application.commands.issue_switch_command import IssueSwitchCommand
from spot_optimizer.application.commands.report_command_execution import ReportCommandExecution
from spot_optimizer.application.decisions.costs import AgentCosts
from spot_optimizer.application.decisions.decide import Decide
from spot_optimizer.application.decisions.market import MarketPasts
from spot_optimizer.application.decisions.price_histories import PriceHistories
from spot_optimizer.application.decisions.questions import AskEngine
from spot_optimizer.application.decisions.recommend_switch import RecommendSwitch
from spot_optimizer.application.decisions.replay_decision import ReplayDecision
from spot_optimizer.application.interruptions.ensure_emergency_replica import (
    EnsureEmergencyReplica,
)
from spot_optimizer.application.interruptions.fail_over import FailOver
from spot_optimizer.application.interruptions.handle_rebalance import HandleRebalance
from spot_optimizer.application.jobs.fire_due_jobs import FireDueJobs
from spot_optimizer.application.jobs.job import Job, counted
from spot_optimizer.application.jobs.list_jobs import ListJobs
from spot_optimizer.application.jobs.run_job import RunJob
from spot_optimizer.application.models.follow_models import FollowModels
from spot_optimizer.application.models.record_start import RecordStart
from spot_optimizer.application.models.serve_models import ServeModels
from spot_optimizer.application.models.upload_engine import UploadEngine
from spot_optimizer.application.models.upload_models import UploadModels
from spot_optimizer.application.models.watch_drift import WatchDrift
from spot_optimizer.application.notifications.deliver_messages import DeliverMessages
from spot_optimizer.application.notifications.mark_read import MarkRead
from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.decision_engine import Announcer
from spot_optimizer.application.ports.model_files import ModelFiles
from spot_optimizer.application.pricing.build_learning_set import BuildLearningSet
from spot_optimizer.application.pricing.deduplicate_submissions import DeduplicateSubmissions
from spot_optimizer.application.pricing.fill_price_gaps import FillPriceGaps
from spot_optimizer.application.pricing.ingest_pricing_reports import IngestPricingReports
from spot_optimizer.application.replicas.coordinate_agent import CoordinateAgent
from spot_optimizer.application.replicas.create_replica import CreateReplica
from spot_optimizer.application.replicas.hand_out_replicas import HandOutReplicas
from spot_optimizer.application.replicas.promote_replica import PromoteReplica
from spot_optimizer.application.replicas.report_replica import ReportReplica
from spot_optimizer.application.replicas.run_coordinator_pass import RunCoordinatorPass
from spot_optimizer.application.replicas.terminate_replica import TerminateReplica
from spot_optimizer.application.savings.compute_monthly_savings import ComputeMonthlySavings
from spot_optimizer.application.sessions.attempts import Attempts
from spot_optimizer.application.sessions.log_in import LogIn
from spot_optimizer.application.sessions.log_out import LogOut
from spot_optimizer.application.sessions.open_sessions import OpenSessions
from spot_optimizer.application.switching.record_switch import RecordSwitch
from spot_optimizer.domain import job_occurrences
from spot_optimizer.domain.retention import days_kept
from spot_optimizer.settings import Settings
from spot_optimizer.wiring.background import (
    by_name,
    declared,
    estimating,
    every_seconds,
    jobs_of,
    looking,
    make_broker,
    make_emergency_orders,
    make_queue,
    make_receivers,
    make_worker,
    one_of_machine,
    one_run_at_a_time,
    silently,
)
from spot_optimizer.wiring.questions import (
    all_listed_for_callers,
    joined_for_callers,
    listed_for_callers,
    switch_histories,
)
from spot_optimizer.wiring.stores import (
    cache_of_prices,
    downtime_values,
    make_admin_token,
    make_announcer,
    make_cache,
    make_files,
    make_loader,
    make_trial,
)

# What a notice has to wait for is a batch of them.
_NOTICES_AT_A_TIME = 16

# Emergency replicas take longer than notices, which are not to wait for many of them.
_EMERGENCIES_AT_A_TIME = 8


# A reader who is slow holds a connection for as long as that takes.
_EXPORTS_AT_A_TIME = 4

_TIME_LIMIT_OF_MONITORS: Final = timedelta(seconds=60)
# They take as long as there are rows, and let others pass meanwhile.
_TIME_LIMIT_OF_LONG_JOBS: Final = timedelta(hours=1)


# Two jobs, and whoever looks after models.
_CONNECTIONS_OF_JOBS = 3


def _connections(settings: Settings) -> int:
    """Nobody who has a thread waits for a connection."""
    lanes = 1 + _EMERGENCIES_AT_A_TIME
    return settings.db_pool_size + lanes + _CONNECTIONS_OF_JOBS


class Container(containers.DeclarativeContainer):
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
    figures_dir: providers.Object[Path | None] = providers.Object(None)
    is_draining: providers.Object[Callable[[], bool]] = providers.Object(lambda: False)
    shared_figures = providers.Singleton(
        SharedFigures, registry=instruments.provided.registry, directory=figures_dir
    )
    on_committed = providers.Singleton(CommittedEvents, instruments=instruments)
    turns = providers.Singleton(make_turns, engine)
    unit_of_work = providers.Factory(
        SqlUnitOfWork, engine=engine, turns=turns, on_committed=on_committed
    )
    urgent_unit_of_work = providers.Factory(
        SqlUnitOfWork, engine=engine, turns=turns, is_urgent=True, on_committed=on_committed
    )
    notice_lane = providers.Singleton(ThreadPoolExecutor, 1, thread_name_prefix="notice")
    emergency_lane = providers.Singleton(ThreadPoolExecutor, 1, thread_name_prefix="emergency")
    background_engine: providers.Singleton[Engine] = providers.Singleton(
        make_background_engine, engine=engine
    )
    background_work = providers.Factory(
        SqlUnitOfWork, engine=background_engine, turns=turns, on_committed=on_committed
    )
    engines = providers.Singleton(EngineRegistry)
    ask_engine = providers.Singleton(AskEngine, engines=engines)
    compatibility = settings.provided.peculiarities
    stopwatch = providers.Singleton(SystemStopwatch)
    command_lease = providers.Factory(timedelta, seconds=settings.provided.command_lease_seconds)
    price_freshness = providers.Factory(
        timedelta, seconds=settings.provided.price_freshness_seconds
    )

    agent_costs = providers.Singleton(
        AgentCosts, downtime=providers.Callable(downtime_values, settings)
    )
    market_pasts = providers.Singleton(
        MarketPasts,
        costs=agent_costs,
        advisor=providers.Singleton(SpotAdvisor, file=settings.provided.spot_advisor_file),
    )

    price_histories = providers.Singleton(PriceHistories)

    transactional = partial(providers.Singleton, unit_of_work=unit_of_work.provider, clock=clock)
    compatible = partial(transactional, compatibility=compatibility)

    admin_queries = providers.Singleton(SqlAdminQueries, engine=reading_engine)
    model_queries = providers.Singleton(SqlModelQueries, engine=reading_engine)
    model_files: providers.Singleton[ModelFiles] = providers.Singleton(
        make_files, settings=settings, folder=settings.provided.model_dir, name="models"
    )
    engine_files: providers.Singleton[ModelFiles] = providers.Singleton(
        make_files,
        settings=settings,
        folder=settings.provided.decision_engine_dir,
        name="decision_engines",
    )
    try_out_model: providers.Provider[TryOut] = providers.Singleton(TrialProcesses)
    loader: providers.Singleton[BuiltInEngines] = providers.Singleton(
        make_loader, settings=settings, files=model_files, try_out=try_out_model
    )
    announcer: providers.Singleton[Announcer] = providers.Singleton(
        make_announcer, settings=settings
    )
    one_upload_at_a_time = providers.Singleton(DatabaseExclusion, engine=engine, name="models")
    engine_watch = providers.Singleton(
        EngineWatch,
        follow=providers.Singleton(
            FollowModels, queries=model_queries, loader=loader, engines=engines
        ),
        announcer=announcer,
    )
    trial = providers.Singleton(make_trial, settings=settings)
    serve_models = compatible(
        ServeModels,
        files=model_files,
        one_at_a_time=one_upload_at_a_time,
        loader=loader,
        engines=engines,
        announcer=announcer,
        trial=trial,
    )
    replay_decision = providers.Singleton(
        ReplayDecision,
        records=providers.Singleton(SqlDecisionRecords, engine=reading_engine),
        engines=loader,
    )
    record_start = transactional(RecordStart, cache=cache, engines=engines)

    emergency_orders = providers.Singleton(
        make_emergency_orders, settings, identifiers, price_freshness
    )

    agent_queries = providers.Singleton(SqlAgentQueries, engine=reading_engine)
    replica_queries = providers.Singleton(SqlReplicaQueries, engine=reading_engine)
    health_probe = providers.Singleton(SqlHealthProbe, engine=reading_engine)
    admin_token = providers.Singleton(make_admin_token, settings=settings)
    operator_access = providers.Singleton(
        OperatorAccess,
        token_sha256=admin_token,
        mode=providers.Callable(AdminAuth, settings.provided.admin_auth),
    )
    authenticate = providers.Singleton(
        Authenticate, credentials=providers.Singleton(SqlCredentials, engine=reading_engine)
    )
    sessions = providers.Singleton(OpenSessions, cache=cache, token_sha256=admin_token)
    session_cookie = providers.Singleton(SessionCookie, sessions=sessions)
    gatekeeper = providers.Singleton(
        Gatekeeper,
        authenticate=providers.Singleton(Joined, authenticate),
        refused=transactional(RecordRefusedCredentials),
        operator=operator_access,
        session=session_cookie,
    )

    joined_for_callers = partial(joined_for_callers, authenticate)
    listed_for_callers = partial(listed_for_callers, authenticate)
    all_listed_for_callers = partial(all_listed_for_callers, authenticate)

    http = providers.List(
        providers.Singleton(
            admin_handlers,
            gatekeeper=gatekeeper,
            totals=providers.Singleton(same_for_all, admin_queries.provided.totals),
            engines=engines,
        ),
        providers.Singleton(
            admin_client_handlers,
            gatekeeper=gatekeeper,
            queries=admin_queries,
            delete_client=compatible(DeleteClient),
            regenerate_token=transactional(
                RegenerateToken, tokens=providers.Singleton(SecretTokens)
            ),
        ),
        providers.Singleton(
            admin_fleet_handlers,
            gatekeeper=gatekeeper,
            queries=providers.Singleton(
                SqlFleetQueries, engine=reading_engine, compatibility=compatibility
            ),
            clock=clock,
        ),
        providers.Singleton(
            agent_handlers,
            gatekeeper=gatekeeper,
            register_agent=compatible(RegisterAgent, identifiers=identifiers),
            record_heartbeats=joined_for_callers(compatible(RecordHeartbeats)),
            configurations=joined_for_callers(agent_queries.provided.configurations),
            report_termination=compatible(ReportTermination),
            record_cleanup=transactional(RecordCleanup),
            compatibility=compatibility,
        ),
        providers.Singleton(
            client_handlers,
            gatekeeper=gatekeeper,
            create_client=transactional(
                CreateClient, identifiers=identifiers, tokens=providers.Singleton(SecretTokens)
            ),
            client_lines=providers.Singleton(same_for_all, admin_queries.provided.clients),
            show_token=transactional(ShowToken),
            client_queries=providers.Singleton(SqlClientQueries, engine=reading_engine),
        ),
        providers.Singleton(
            command_handlers,
            gatekeeper=gatekeeper,
            hand_out_commands=joined_for_callers(
                compatible(
                    HandOutCommands,
                    queries=providers.Singleton(SqlCommandQueries, engine=reading_engine),
                    lease=command_lease,
                ),
            ),
            report_command_execution=compatible(ReportCommandExecution),
            issue_switch_command=compatible(IssueSwitchCommand, identifiers=identifiers),
            compatibility=compatibility,
        ),
        providers.Singleton(
            decision_handlers,
            gatekeeper=gatekeeper,
            decide=joined_for_callers(
                providers.Singleton(
                    MeasuredDecide,
                    decide=transactional(
                        Decide,
                        stopwatch=stopwatch,
                        ask=ask_engine,
                        price_freshness=price_freshness,
                        histories=price_histories,
                        markets=market_pasts,
                    ),
                    instruments=instruments,
                ),
            ),
            recommend_switch=compatible(
                RecommendSwitch,
                ask=ask_engine,
                price_freshness=price_freshness,
                markets=market_pasts,
                histories=price_histories,
            ),
            compatibility=compatibility,
        ),
        providers.Singleton(
            interruption_handlers,
            gatekeeper=gatekeeper,
            handle_rebalance=transactional(
                HandleRebalance,
                goes_by_record=settings.provided.weighs_places,
                costs=agent_costs,
            ),
            compatibility=compatibility,
        ),
        providers.Singleton(
            model_handlers,
            gatekeeper=gatekeeper,
            upload_models=compatible(
                UploadModels,
                identifiers=identifiers,
                files=model_files,
                one_at_a_time=one_upload_at_a_time,
                loader=loader,
                announcer=announcer,
                unsafe=settings.provided.allow_unsafe_uploads,
            ),
            upload_engine=transactional(
                UploadEngine,
                files=engine_files,
                one_at_a_time=one_upload_at_a_time,
                loader=loader,
                engines=engines,
                unsafe=settings.provided.allow_unsafe_uploads,
            ),
            serve_models=serve_models,
            queries=model_queries,
        ),
        providers.Singleton(
            system_health_handlers,
            gatekeeper=gatekeeper,
            inspect_system=providers.Singleton(
                InspectSystem,
                probe=health_probe,
                queries=model_queries,
                model_files=model_files,
                engine_files=engine_files,
            ),
            engines=engines,
            clock=clock,
            pool_size=settings.provided.db_pool_size,
        ),
        providers.Singleton(
            pricing_handlers,
            gatekeeper=gatekeeper,
            ingest_pricing_reports=joined_for_callers(
                compatible(IngestPricingReports, identifiers=identifiers)
            ),
            compatibility=compatibility,
        ),
        providers.Singleton(
            session_handlers,
            gatekeeper=gatekeeper,
            cookie=session_cookie,
            log_in=transactional(
                LogIn,
                identifiers=identifiers,
                tokens=providers.Singleton(SecretTokens),
                sessions=sessions,
                attempts=providers.Singleton(Attempts, cache=cache, token_sha256=admin_token),
                opens=operator_access.provided.opens,
            ),
            log_out=transactional(LogOut, sessions=sessions),
            has_dashboard=providers.Callable(bool, settings.provided.dashboard_dir),
        ),
        providers.Singleton(
            dashboard_handlers,
            gatekeeper=gatekeeper,
            directory=settings.provided.dashboard_dir,
        ),
        providers.Singleton(
            replica_handlers,
            gatekeeper=gatekeeper,
            clock=clock,
            create_replica=compatible(
                CreateReplica,
                stopwatch=stopwatch,
                identifiers=identifiers,
                price_freshness=price_freshness,
            ),
            replica_queries=replica_queries,
            hand_out_replicas=transactional(
                HandOutReplicas, queries=replica_queries, lease=command_lease
            ),
            promote_replica=compatible(PromoteReplica, identifiers=identifiers),
            terminate_replica=compatible(TerminateReplica),
            report_replica=compatible(ReportReplica, stopwatch=stopwatch),
            compatibility=compatibility,
        ),
        providers.Singleton(
            emergency_handlers,
            gatekeeper=gatekeeper,
            ensure_emergency_replica=joined_for_callers(
                providers.Singleton(
                    MeasuredEmergencies,
                    ensure=compatible(
                        EnsureEmergencyReplica,
                        identifiers=identifiers,
                        price_freshness=price_freshness,
                    ),
                    instruments=instruments,
                ),
                lane=emergency_lane,
                largest=_EMERGENCIES_AT_A_TIME,
            ),
            fail_over=joined_for_callers(
                providers.Singleton(
                    MeasuredFailOver,
                    fail_over=providers.Singleton(
                        FailOver,
                        unit_of_work=urgent_unit_of_work.provider,
                        clock=clock,
                        stopwatch=stopwatch,
                        compatibility=compatibility,
                        emergency_orders=emergency_orders,
                    ),
                    instruments=instruments,
                ),
                lane=notice_lane,
                largest=_NOTICES_AT_A_TIME,
            ),
            compatibility=compatibility,
        ),
        providers.Singleton(
            switching_handlers,
            gatekeeper=gatekeeper,
            record_switch=compatible(RecordSwitch, identifiers=identifiers),
            compatibility=compatibility,
        ),
    )

    # What dashboards read and change.
    agent_views = providers.Singleton(SqlAgentViews, engine=reading_engine)
    instance_views = providers.Singleton(SqlInstanceViews, engine=reading_engine)
    switch_views = providers.Singleton(SqlSwitchViews, engine=reading_engine)
    price_views = providers.Singleton(
        SqlPriceViews,
        engine=reading_engine,
        clock=clock,
        cache=providers.Callable(cache_of_prices, settings, cache),
    )
    http.add_args(
        providers.Singleton(
            dashboard_client_handlers,
            gatekeeper=gatekeeper,
            client_views=providers.Singleton(SqlClientViews, engine=reading_engine),
        ),
        providers.Singleton(
            dashboard_agent_handlers,
            gatekeeper=gatekeeper,
            agent_lists=all_listed_for_callers(agent_views.provided.of_clients, agent_items),
            agent_views=agent_views,
            toggle_agent=compatible(ToggleAgent),
            configure_agent=compatible(ConfigureAgent),
            delete_agent=compatible(DeleteAgent),
            compatibility=compatibility,
        ),
        providers.Singleton(
            decision_view_handlers, gatekeeper=gatekeeper, agent_views=agent_views, clock=clock
        ),
        providers.Singleton(
            dashboard_instance_handlers,
            gatekeeper=gatekeeper,
            instance_lists=all_listed_for_callers(
                instance_views.provided.of_clients, instance_items
            ),
            instance_views=instance_views,
            force_switch=transactional(ForceSwitch, identifiers=identifiers),
            clock=clock,
        ),
        providers.Singleton(
            dashboard_price_handlers,
            gatekeeper=gatekeeper,
            instance_charts=joined_for_callers(price_views.provided.of_instances),
            price_views=price_views,
        ),
        providers.Singleton(
            dashboard_replica_handlers,
            gatekeeper=gatekeeper,
            replica_views=providers.Singleton(SqlReplicaViews, engine=reading_engine),
        ),
        providers.Singleton(
            dashboard_savings_handlers,
            gatekeeper=gatekeeper,
            savings_views=providers.Singleton(SqlSavingsViews, engine=reading_engine),
            clock=clock,
        ),
        providers.Singleton(
            dashboard_switch_handlers,
            gatekeeper=gatekeeper,
            histories=listed_for_callers(
                providers.Singleton(switch_histories, switch_views, compatibility)
            ),
            switch_lists=listed_for_callers(switch_views.provided.of_client),
        ),
        providers.Singleton(
            export_handlers,
            gatekeeper=gatekeeper,
            source=providers.Singleton(SqlExportSource, engine=exporting_engine),
            clock=clock,
        ),
        providers.Singleton(
            notification_handlers,
            gatekeeper=gatekeeper,
            notification_views=providers.Singleton(SqlNotificationViews, engine=reading_engine),
            mark_read=transactional(MarkRead),
        ),
    )

    # What runs in the background.
    coordinator_pass = providers.Singleton(
        RunCoordinatorPass,
        queries=providers.Singleton(SqlCoordinationQueries, engine=reading_engine),
        clock=clock,
        coordinate=compatible(
            CoordinateAgent,
            identifiers=identifiers,
            stopwatch=stopwatch,
            price_freshness=price_freshness,
        ),
        compatibility=compatibility,
    )
    in_background = partial(providers.Singleton, unit_of_work=background_work.provider, clock=clock)
    fill_price_gaps = in_background(
        FillPriceGaps, windows=providers.Singleton(SqlPriceWindows, engine=background_engine)
    )
    jobs: providers.Provider[Sequence[Job]] = providers.Callable(
        jobs_of,
        settings,
        providers.Singleton(
            Job,
            name="replica_monitor",
            work=providers.Callable(counted, coordinator_pass),
            schedule=providers.Callable(every_seconds, settings.provided.replica_monitor_seconds),
            time_limit=_TIME_LIMIT_OF_MONITORS,
            retries=0,
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="pricing_data_quality",
            work=providers.Callable(estimating, fill_price_gaps),
            schedule=providers.Callable(every_seconds, settings.provided.data_quality_seconds),
            time_limit=_TIME_LIMIT_OF_MONITORS,
            retries=0,
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="mark_stale_agents_offline",
            work=providers.Callable(
                counted,
                in_background(
                    MarkSilentAgents,
                    silence=providers.Factory(
                        timedelta, seconds=settings.provided.agent_heartbeat_timeout
                    ),
                ),
            ),
            schedule=providers.Singleton(CronSchedule, "*/5 * * * *"),
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="monitor_agent_health",
            work=providers.Callable(
                looking,
                providers.Singleton(
                    MonitorHealth,
                    queries=providers.Singleton(SqlHealthQueries, engine=background_engine),
                    clock=clock,
                ),
            ),
            schedule=providers.Singleton(CronSchedule, "*/5 * * * *"),
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="detect_zombies",
            work=providers.Callable(
                counted,
                providers.Singleton(
                    DetectZombies,
                    queries=providers.Singleton(SqlZombieQueries, engine=background_engine),
                    clock=clock,
                ),
            ),
            schedule=providers.Singleton(CronSchedule, "*/5 * * * *"),
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="roll_up_prices",
            work=providers.Callable(silently, price_views.provided.roll_up),
            schedule=providers.Singleton(CronSchedule, "0 * * * *"),
            at_start=True,
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="expire_commands",
            work=providers.Callable(
                counted, in_background(ExpireCommands, compatibility=compatibility)
            ),
            schedule=providers.Singleton(CronSchedule, "* * * * *"),
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="watch_model_drift",
            work=providers.Callable(
                silently,
                in_background(
                    WatchDrift,
                    queries=model_queries,
                    admin=admin_queries,
                    trial=trial,
                    serve=serve_models,
                ),
            ),
            schedule=providers.Singleton(CronSchedule, "0 */6 * * *"),
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="deliver_notifications",
            work=in_background(
                DeliverMessages,
                messages=providers.Singleton(SqlUndeliveredMessages, engine=background_engine),
                receivers=providers.Singleton(make_receivers, settings=settings),
                cache=cache,
            ),
            schedule=providers.Singleton(CronSchedule, "*/5 * * * * *"),
            time_limit=timedelta(minutes=5),
            retries=0,
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="aggregate_pricing_hourly",
            work=in_background(DeduplicateSubmissions),
            schedule=providers.Singleton(CronSchedule, "10 * * * *"),
        ),
        providers.Singleton(
            Job,
            name="snapshot_client_growth",
            work=in_background(SnapshotGrowth),
            schedule=providers.Singleton(CronSchedule, "5 0 * * *"),
        ),
        providers.Singleton(
            Job,
            name="calculate_monthly_savings",
            work=in_background(
                ComputeMonthlySavings,
                clients=providers.Singleton(SqlBilledClients, engine=background_engine),
            ),
            schedule=providers.Singleton(CronSchedule, "0 1 * * *"),
            tell_failure=providers.Object(job_occurrences.savings_failed),
        ),
        providers.Singleton(
            Job,
            name="cleanup_old_data",
            work=in_background(
                PurgeOldRows,
                stopwatch=stopwatch,
                rest=providers.Object(time.sleep),
                days_kept=providers.Callable(days_kept, settings.provided.retention_days),
            ),
            schedule=providers.Singleton(CronSchedule, "0 2 * * *"),
            time_limit=_TIME_LIMIT_OF_LONG_JOBS,
            tell_failure=providers.Object(job_occurrences.cleanup_failed),
        ),
        providers.Singleton(
            Job,
            name="aggregate_pricing_daily",
            work=providers.Callable(estimating, fill_price_gaps),
            schedule=providers.Singleton(CronSchedule, "0 3 * * *"),
        ),
        providers.Singleton(
            Job,
            name="refresh_ml_dataset",
            work=providers.Singleton(
                BuildLearningSet,
                clock=clock,
                prices=providers.Singleton(SqlTrustedPrices, engine=background_engine),
                file=providers.Singleton(CsvLearningSet, files=model_files),
            ),
            schedule=providers.Singleton(CronSchedule, "20 0,6,12,18 * * *"),
            time_limit=_TIME_LIMIT_OF_LONG_JOBS,
        ),
        providers.Singleton(
            Job,
            name="backfill_client_growth",
            work=in_background(BackfillGrowth),
            schedule=None,
            keeps_history=False,
        ),
    )
    job_run_queries = providers.Singleton(SqlJobRunQueries, engine=background_engine)
    one_run_at_a_time = providers.Singleton(one_run_at_a_time, engine=background_engine)
    run_job = in_background(
        RunJob,
        jobs=providers.Callable(by_name, jobs),
        one_at_a_time=one_run_at_a_time,
        on_end=providers.Singleton(job_outcomes, instruments),
    )
    broker = providers.Singleton(
        declared,
        broker=providers.Singleton(make_broker, settings=settings),
        jobs=jobs,
        run_job=run_job,
    )
    fire_due_jobs = in_background(
        FireDueJobs,
        jobs=jobs,
        queries=job_run_queries,
        queue=providers.Singleton(make_queue, broker=broker, settings=settings),
        one_at_a_time=one_run_at_a_time,
        first_entry=providers.Singleton(DatabaseExclusion, engine=background_engine, name="jobs"),
    )
    pulse = providers.Singleton(Pulse, clock=clock)
    scheduler = providers.Singleton(Scheduler, fire=fire_due_jobs, clock=clock, pulse=pulse)
    job_worker = providers.Singleton(
        make_worker, broker=broker, threads=providers.Callable(len, jobs)
    )
    list_jobs = providers.Singleton(ListJobs, jobs=jobs, queries=job_run_queries, clock=clock)
    http.add_args(
        providers.Singleton(admin_job_handlers, gatekeeper=gatekeeper, list_jobs=list_jobs)
    )
    embedded_jobs = providers.Singleton(
        EmbeddedJobs,
        one_of_machine=providers.Singleton(one_of_machine, settings=settings),
        make=providers.Factory(JobService, scheduler=scheduler, worker=job_worker).provider,
    )
    http.add_args(
        providers.Singleton(documentation_handlers),
        providers.Singleton(
            health_handlers,
            clock=clock,
            engines=engines,
            database_answers=providers.Singleton(
                same_for_all, health_probe.provided.database_answers
            ),
            health_probe=health_probe,
            stalled_jobs=pulse.provided.stalled,
            is_draining=is_draining,
        ),
        providers.Singleton(
            metrics_handlers,
            gatekeeper=gatekeeper,
            exposition=providers.Singleton(
                Exposition,
                shared=shared_figures,
                fleet=providers.Singleton(SqlFleetFigureQueries, engine=reading_engine),
                clock=clock,
            ),
            scraper_token=settings.provided.metrics_token,
        ),
    )


def create_app(
    figures_dir: Path | None = None, is_draining: Callable[[], bool] = lambda: False
) -> Litestar:
    """uvicorn spot_optimizer.bootstrap:create_app --factory

    Processes with the same directory for their figures answer with those of all of them. One
    that is draining is about to end, and sends its callers away.
    """
    container = Container(
        settings=Settings.from_environment(), figures_dir=figures_dir, is_draining=is_draining
    )
    return web_app(container, on_start=container.record_start())


def web_app(container: Container, on_start: Callable[[], None] = lambda: None) -> Litestar:
    settings = container.settings()

    has_jobs = settings.redis_url is None and bool(container.jobs())

    def start() -> None:
        container.engine_watch().start()
        container.shared_figures().start()
        on_start()
        if has_jobs:
            container.embedded_jobs().start()

    def stop() -> None:
        if has_jobs:
            container.embedded_jobs().stop()
        container.engine_watch().stop()
        container.shared_figures().stop()
        container.reading_engine().dispose()
        container.exporting_engine().dispose()
        container.engine().dispose()

    app = make_http_app(
        [handler for feature in container.http() for handler in feature],
        container.gatekeeper(),
        container.cache(),
        HttpSettings(
            request_threads=settings.db_pool_size,
            largest_body_bytes=settings.max_upload_bytes,
            allowed_origins=[origin.strip() for origin in settings.cors_allow_origins.split(",")],
        ),
        on_startup=start,
        on_shutdown=stop,
        on_answer=container.instruments().request_answered,
        is_draining=container.is_draining(),
    )
    if settings.otel_exporter_otlp_endpoint:
        from spot_optimizer.adapters.http.tracing import Tracing

        tracing = Tracing(settings.otel_exporter_otlp_endpoint)
        app.asgi_handler = tracing.around(app.asgi_handler)
        app.on_shutdown.append(tracing.stop)
    return app
