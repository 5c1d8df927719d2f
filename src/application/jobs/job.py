from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from spot_optimizer.application.ports.jobs import Schedule
from spot_optimizer.domain.jobs import JobResult
from spot_optimizer.domain.journal import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A use case without arguments, and when it is due."""

    name: str
    work: Callable[[], JobResult]
    schedule: Schedule | None
    """None: at each start of a scheduler, and not again."""
    at_start: bool = False
    """Whether it is due at each start, too."""
    time_limit: timedelta = timedelta(minutes=10)
    retries: int = 3
    pause_after_failure: timedelta | None = None
    """Until it runs again, whatever its schedule says; None goes by the schedule."""
    keeps_history: bool = True
    """Otherwise its last run alone stays on record."""
    tell_failure: Callable[[str, datetime], Occurrence] | None = None


def counted(use_case: Callable[[], int]) -> Callable[[], JobResult]:
    """For one that says how many rows it has changed."""
    return lambda: JobResult(updated=use_case())
