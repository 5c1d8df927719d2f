"""What runs in the background, and in which process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from spot_optimizer.adapters.persistence.exclusion import DatabaseExclusion, FileExclusion
from spot_optimizer.adapters.scheduling.cron import CronSchedule
from spot_optimizer.application.interruptions.emergency_orders import EmergencyOrders
from spot_optimizer.application.jobs.job import Job
from spot_optimizer.application.jobs.run_job import RunJob
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.jobs import JobExclusions, JobQueue
from spot_optimizer.application.ports.messages import Receiver
from spot_optimizer.application.pricing.fill_price_gaps import FillPriceGaps
from spot_optimizer.domain.jobs import NOTHING_DONE, JobResult
from spot_optimizer.settings import Settings

if TYPE_CHECKING:
    from dramatiq import Broker

    from spot_optimizer.adapters.scheduling.worker import JobWorker


def every_seconds(seconds: int) -> CronSchedule:
    """Less than a minute, or whole minutes."""
    if seconds < 60:
        return CronSchedule(f"*/{seconds} * * * * *")
    return CronSchedule(f"*/{seconds // 60} * * * *")


def jobs_of(settings: Settings, monitor: Job, price_gaps: Job, *others: Job) -> Sequence[Job]:
    """Those that are to run."""
    monitors = [monitor, price_gaps] if settings.enable_replica_coordinator else []
    if not settings.enable_background_jobs:
        return monitors
    left_out = set() if settings.growth_backfill_on_empty else {"backfill_client_growth"}
    if not (settings.webhook_url or settings.slack_webhook_url):
        left_out.add("deliver_notifications")
    return [*monitors, *(job for job in others if job.name not in left_out)]


def make_receivers(settings: Settings) -> Sequence[Receiver]:
    if not (settings.webhook_url or settings.slack_webhook_url):
        return []
    # Seven megabytes, which a server that tells nobody need not pay.
    from spot_optimizer.adapters.webhooks.receivers import SlackWebhook, StandardWebhook

    receivers: list[Receiver] = []
    if settings.webhook_url:
        receivers.append(StandardWebhook(settings.webhook_url, settings.webhook_secret))
    if settings.slack_webhook_url:
        receivers.append(SlackWebhook(settings.slack_webhook_url))
    return receivers


def by_name(jobs: Sequence[Job]) -> Mapping[str, Job]:
    return {job.name: job for job in jobs}


def looking(look: Callable[[], Mapping[object, int]]) -> Callable[[], JobResult]:
    """For a job that changes nothing."""
    return lambda: JobResult(processed=sum(look().values()))


def estimating(fill: FillPriceGaps) -> Callable[[], JobResult]:
    def work() -> JobResult:
        quality = fill()
        return JobResult(
            inserted=quality.filled,
            details={"too_long": quality.too_long, "failed_pools": quality.failed_pools},
        )

    return work


def silently(do: Callable[[], None]) -> Callable[[], JobResult]:
    """For a job that counts nothing."""

    def work() -> JobResult:
        do()
        return NOTHING_DONE

    return work


def one_run_at_a_time(engine: Engine) -> JobExclusions:
    return lambda job: DatabaseExclusion(engine, f"job-{job}", patience_s=0)


def one_of_machine(settings: Settings) -> FileExclusion:
    return FileExclusion(settings.data_dir / "jobs.lock", patience_s=0)


def make_broker(settings: Settings) -> Broker:
    # Twelve megabytes, which processes without jobs need not pay.
    if settings.redis_url is not None:
        from spot_optimizer.adapters.scheduling.redis_broker import redis_broker

        return redis_broker(settings.redis_url)
    from spot_optimizer.adapters.scheduling.actors import in_memory_broker

    return in_memory_broker()


def make_queue(broker: Broker, settings: Settings) -> JobQueue:
    from spot_optimizer.adapters.scheduling.actors import DramatiqJobQueue

    if settings.redis_url is None:
        return DramatiqJobQueue(broker)
    from spot_optimizer.adapters.scheduling.redis_broker import UNREACHABLE

    return DramatiqJobQueue(broker, UNREACHABLE)


def declared(broker: Broker, jobs: Sequence[Job], run_job: RunJob) -> Broker:
    from spot_optimizer.adapters.scheduling.actors import declare_actors

    declare_actors(broker, jobs, run_job)
    return broker


def make_worker(broker: Broker, threads: int) -> JobWorker:
    """With a thread for each job none waits for another."""
    from spot_optimizer.adapters.scheduling.worker import JobWorker

    return JobWorker(broker, threads)


def make_emergency_orders(
    settings: Settings, identifiers: Identifiers, price_freshness: timedelta
) -> EmergencyOrders | None:
    return EmergencyOrders(identifiers, price_freshness) if settings.emergency_commands else None
