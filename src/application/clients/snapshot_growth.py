from dataclasses import dataclass
from datetime import UTC

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.growth import GrowthSnapshot, made_up_history
from spot_optimizer.domain.jobs import NOTHING_DONE, JobResult


@dataclass(frozen=True, slots=True)
class SnapshotGrowth:
    """Puts on record how many clients there are today."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    @repeated_when_lost
    def __call__(self) -> JobResult:
        now = self.clock.now()
        today = now.astimezone(UTC).date()
        with self.unit_of_work() as work:
            before = work.growth.newest_total_before(today)
            snapshot = GrowthSnapshot.of(today, work.growth.clients_now(), before)
            work.growth.put([snapshot], now)
            work.commit()
        return JobResult(processed=snapshot.total, updated=1)


@dataclass(frozen=True, slots=True)
class BackfillGrowth:
    """Gives a new installation with clients a chart of the last month."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    @repeated_when_lost
    def __call__(self) -> JobResult:
        now = self.clock.now()
        with self.unit_of_work() as work:
            clients = work.growth.clients_now().total
            if clients == 0 or not work.growth.is_empty():
                return NOTHING_DONE
            history = made_up_history(now.astimezone(UTC).date(), clients)
            work.growth.put(history, now)
            work.commit()
        return JobResult(inserted=len(history))
