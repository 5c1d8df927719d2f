"""The last run of each background job, whichever process ran it: workers answer no scrapes."""

from collections.abc import Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from spot_optimizer.adapters.metrics.instruments import PREFIX
from spot_optimizer.domain.jobs import JobRun, RunStatus


def last_runs(runs: Mapping[str, JobRun]) -> Iterator[Metric]:
    """By the names of the jobs."""
    ended = _by_task("job_last_run_timestamp_seconds", "When the last run of a job ended.")
    took = _by_task("job_last_run_seconds", "How long the last run of a job took.")
    failed = _by_task("job_last_run_failed", "Whether the last run of a job failed.")
    for name, run in runs.items():
        if run.ended_at is not None:
            ended.add_metric([name], run.ended_at.timestamp())
        if run.duration is not None:
            took.add_metric([name], run.duration.total_seconds())
        failed.add_metric([name], float(run.status is RunStatus.FAILED))
    yield from (ended, took, failed)


def _by_task(name: str, help_text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, help_text, labels=["task"])
