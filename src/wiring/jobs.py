"""What runs in the background."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from dependency_injector import providers

from spot_optimizer.adapters.metrics.measured import job_outcomes
from spot_optimizer.adapters.ml.learning_set import CsvLearningSet
from spot_optimizer.adapters.persistence.billing import SqlBilledClients
from spot_optimizer.adapters.persistence.coordination_queries import SqlCoordinationQueries
from spot_optimizer.adapters.persistence.exclusion import DatabaseExclusion
from spot_optimizer.adapters.persistence.health_queries import SqlHealthQueries
from spot_optimizer.adapters.persistence.job_runs import SqlJobRunQueries
from spot_optimizer.adapters.persistence.messages import SqlUndeliveredMessages
from spot_optimizer.adapters.persistence.price_windows import SqlPriceWindows
from spot_optimizer.adapters.persistence.trusted_prices import SqlTrustedPrices
from spot_optimizer.adapters.persistence.zombie_queries import SqlZombieQueries
from spot_optimizer.adapters.scheduling.cron import CronSchedule
from spot_optimizer.adapters.scheduling.embedded import EmbeddedJobs, JobService
from spot_optimizer.adapters.scheduling.pulse import Pulse
from spot_optimizer.adapters.scheduling.scheduler import Scheduler
from spot_optimizer.application.admin.purge_old_rows import PurgeOldRows
from spot_optimizer.application.agents.detect_zombies import DetectZombies
from spot_optimizer.application.agents.mark_silent_agents import MarkSilentAgents
from spot_optimizer.application.agents.monitor_health import MonitorHealth
from spot_optimizer.application.clients.snapshot_growth import BackfillGrowth, SnapshotGrowth
from spot_optimizer.application.commands.expire_commands import ExpireCommands
from spot_optimizer.application.jobs.fire_due_jobs import FireDueJobs
from spot_optimizer.application.jobs.job import Job, counted
from spot_optimizer.application.jobs.list_jobs import ListJobs
from spot_optimizer.application.jobs.run_job import RunJob
from spot_optimizer.application.models.watch_drift import WatchDrift
from spot_optimizer.application.notifications.deliver_messages import DeliverMessages
from spot_optimizer.application.pricing.build_learning_set import BuildLearningSet
from spot_optimizer.application.pricing.deduplicate_submissions import DeduplicateSubmissions
from spot_optimizer.application.pricing.fill_price_gaps import FillPriceGaps
from spot_optimizer.application.replicas.coordinate_agent import CoordinateAgent
from spot_optimizer.application.replicas.run_coordinator_pass import RunCoordinatorPass
from spot_optimizer.application.savings.compute_monthly_savings import ComputeMonthlySavings
from spot_optimizer.application.savings.snapshot_savings import SnapshotSavings
from spot_optimizer.domain import job_occurrences
from spot_optimizer.domain.retention import days_kept
from spot_optimizer.wiring.background import (
    by_name,
    declared,
    estimating,
    every_seconds,
    jobs_of,
    looking,
    make_broker,
    make_queue,
    make_receivers,
    make_worker,
    one_of_machine,
    one_run_at_a_time,
    silently,
)
from spot_optimizer.wiring.dashboard_routes import DashboardRoutes
from spot_optimizer.wiring.foundation import Foundation
from spot_optimizer.wiring.models import Models

_TIME_LIMIT_OF_MONITORS: Final = timedelta(seconds=60)
# They take as long as there are rows, and let others pass meanwhile.
_TIME_LIMIT_OF_LONG_JOBS: Final = timedelta(hours=1)


class BackgroundJobs(DashboardRoutes, Models):
    coordinator_pass = providers.Singleton(
        RunCoordinatorPass,
        queries=providers.Singleton(SqlCoordinationQueries, engine=Foundation.reading_engine),
        clock=Foundation.clock,
        coordinate=Foundation.compatible(
            CoordinateAgent,
            identifiers=Foundation.identifiers,
            stopwatch=Foundation.stopwatch,
            price_freshness=Foundation.price_freshness,
        ),
        compatibility=Foundation.compatibility,
    )
    fill_price_gaps = Foundation.in_background(
        FillPriceGaps,
        windows=providers.Singleton(SqlPriceWindows, engine=Foundation.background_engine),
    )
    jobs: providers.Provider[Sequence[Job]] = providers.Callable(
        jobs_of,
        Foundation.settings,
        providers.Singleton(
            Job,
            name="replica_monitor",
            work=providers.Callable(counted, coordinator_pass),
            schedule=providers.Callable(
                every_seconds, Foundation.settings.provided.replica_monitor_seconds
            ),
            time_limit=_TIME_LIMIT_OF_MONITORS,
            retries=0,
            pause_after_failure=timedelta(seconds=30),
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="pricing_data_quality",
            work=providers.Callable(estimating, fill_price_gaps),
            schedule=providers.Callable(
                every_seconds, Foundation.settings.provided.data_quality_seconds
            ),
            time_limit=_TIME_LIMIT_OF_MONITORS,
            retries=0,
            pause_after_failure=timedelta(seconds=60),
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="mark_stale_agents_offline",
            work=providers.Callable(
                counted,
                Foundation.in_background(
                    MarkSilentAgents,
                    silence=providers.Factory(
                        timedelta, seconds=Foundation.settings.provided.agent_heartbeat_timeout
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
                    queries=providers.Singleton(
                        SqlHealthQueries, engine=Foundation.background_engine
                    ),
                    clock=Foundation.clock,
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
                    queries=providers.Singleton(
                        SqlZombieQueries, engine=Foundation.background_engine
                    ),
                    clock=Foundation.clock,
                ),
            ),
            schedule=providers.Singleton(CronSchedule, "*/5 * * * *"),
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="roll_up_prices",
            work=providers.Callable(silently, DashboardRoutes.price_views.provided.roll_up),
            schedule=providers.Singleton(CronSchedule, "0 * * * *"),
            at_start=True,
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="expire_commands",
            work=providers.Callable(
                counted,
                Foundation.in_background(ExpireCommands, compatibility=Foundation.compatibility),
            ),
            schedule=providers.Singleton(CronSchedule, "* * * * *"),
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="watch_model_drift",
            work=providers.Callable(
                silently,
                Foundation.in_background(
                    WatchDrift,
                    queries=Models.model_queries,
                    admin=Foundation.admin_queries,
                    trial=Models.trial,
                    serve=Models.serve_models,
                ),
            ),
            schedule=providers.Singleton(CronSchedule, "0 */6 * * *"),
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="deliver_notifications",
            work=Foundation.in_background(
                DeliverMessages,
                messages=providers.Singleton(
                    SqlUndeliveredMessages, engine=Foundation.background_engine
                ),
                receivers=providers.Singleton(make_receivers, settings=Foundation.settings),
                cache=Foundation.cache,
            ),
            schedule=providers.Singleton(CronSchedule, "*/5 * * * * *"),
            time_limit=timedelta(minutes=5),
            retries=0,
            keeps_history=False,
        ),
        providers.Singleton(
            Job,
            name="aggregate_pricing_hourly",
            work=Foundation.in_background(DeduplicateSubmissions),
            schedule=providers.Singleton(CronSchedule, "10 * * * *"),
        ),
        providers.Singleton(
            Job,
            name="snapshot_client_growth",
            work=Foundation.in_background(SnapshotGrowth),
            schedule=providers.Singleton(CronSchedule, "5 0 * * *"),
        ),
        providers.Singleton(
            Job,
            name="snapshot_daily_savings",
            work=Foundation.in_background(SnapshotSavings),
            schedule=providers.Singleton(CronSchedule, "10 0 * * *"),
        ),
        providers.Singleton(
            Job,
            name="calculate_monthly_savings",
            work=Foundation.in_background(
                ComputeMonthlySavings,
                clients=providers.Singleton(SqlBilledClients, engine=Foundation.background_engine),
            ),
            schedule=providers.Singleton(CronSchedule, "0 1 * * *"),
            tell_failure=providers.Object(job_occurrences.savings_failed),
        ),
        providers.Singleton(
            Job,
            name="cleanup_old_data",
            work=Foundation.in_background(
                PurgeOldRows,
                stopwatch=Foundation.stopwatch,
                rest=providers.Object(time.sleep),
                days_kept=providers.Callable(
                    days_kept, Foundation.settings.provided.retention_days
                ),
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
                clock=Foundation.clock,
                prices=providers.Singleton(SqlTrustedPrices, engine=Foundation.background_engine),
                file=providers.Singleton(CsvLearningSet, files=Models.model_files),
            ),
            schedule=providers.Singleton(CronSchedule, "20 0,6,12,18 * * *"),
            time_limit=_TIME_LIMIT_OF_LONG_JOBS,
        ),
        providers.Singleton(
            Job,
            name="backfill_client_growth",
            work=Foundation.in_background(BackfillGrowth),
            schedule=None,
            keeps_history=False,
        ),
    )
    job_run_queries = providers.Singleton(SqlJobRunQueries, engine=Foundation.background_engine)
    one_run_at_a_time = providers.Singleton(one_run_at_a_time, engine=Foundation.background_engine)
    run_job = Foundation.in_background(
        RunJob,
        jobs=providers.Callable(by_name, jobs),
        one_at_a_time=one_run_at_a_time,
        on_end=providers.Singleton(job_outcomes, Foundation.instruments),
    )
    broker = providers.Singleton(
        declared,
        broker=providers.Singleton(make_broker, settings=Foundation.settings),
        jobs=jobs,
        run_job=run_job,
    )
    fire_due_jobs = Foundation.in_background(
        FireDueJobs,
        jobs=jobs,
        queries=job_run_queries,
        queue=providers.Singleton(make_queue, broker=broker, settings=Foundation.settings),
        one_at_a_time=one_run_at_a_time,
        first_entry=providers.Singleton(
            DatabaseExclusion, engine=Foundation.background_engine, name="jobs"
        ),
    )
    pulse = providers.Singleton(Pulse, clock=Foundation.clock)
    scheduler = providers.Singleton(
        Scheduler, fire=fire_due_jobs, clock=Foundation.clock, pulse=pulse
    )
    job_worker = providers.Singleton(
        make_worker, broker=broker, threads=providers.Callable(len, jobs)
    )
    list_jobs = providers.Singleton(
        ListJobs, jobs=jobs, queries=job_run_queries, clock=Foundation.clock
    )
    embedded_jobs = providers.Singleton(
        EmbeddedJobs,
        one_of_machine=providers.Singleton(one_of_machine, settings=Foundation.settings),
        make=providers.Factory(JobService, scheduler=scheduler, worker=job_worker).provider,
    )
