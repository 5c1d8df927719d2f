from dataclasses import dataclass
from datetime import UTC, timedelta

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.jobs import JobResult
from spot_optimizer.domain.monthly_bill import DayOfSwitches


@dataclass(frozen=True, slots=True)
class SnapshotSavings:
    """Puts on record what the switches of yesterday save each client in a day
    (contract/admin-ml-and-jobs.md 4.10): views of the schema add it up."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    @repeated_when_lost
    def __call__(self) -> JobResult:
        now = self.clock.now()
        until = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        since = until - timedelta(days=1)
        with self.unit_of_work() as work:
            days = {
                client_id: DayOfSwitches.of(impacts)
                for client_id, impacts in work.billing.impacts_of_all(since, until).items()
            }
            work.billing.put_day(since.date(), days, now)
            work.commit()
        return JobResult(processed=sum(day.switches for day in days.values()), updated=len(days))
