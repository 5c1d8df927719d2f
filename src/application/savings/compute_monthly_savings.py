from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from spot_optimizer.application.jobs.one_by_one import one_by_one
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import job_occurrences
from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.jobs import JobResult
from spot_optimizer.domain.monthly_bill import MonthlyBill, month_of


class BilledClients(Protocol):
    def active(self) -> Sequence[ClientId]: ...


@dataclass(frozen=True, slots=True)
class ComputeMonthlySavings:
    """What the current month costs and saves each active client, computed anew each day; a month
    that is over stays as it was."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    clients: BilledClients

    def __call__(self) -> JobResult:
        now = self.clock.now()

        def compute(client_id: ClientId) -> None:
            self._compute(client_id, now)

        clients = self._active()
        done, left_out = one_by_one(clients, compute, "client")
        return JobResult(
            processed=len(clients),
            updated=done,
            details={"left_out": left_out},
            occurrences=(job_occurrences.savings_computed(len(clients), now),),
        )

    @repeated_when_lost
    def _active(self) -> Sequence[ClientId]:
        return self.clients.active()

    @repeated_when_lost
    def _compute(self, client_id: ClientId, now: datetime) -> None:
        since, until = month_of(now.astimezone(UTC))
        with self.unit_of_work() as work:
            bill = MonthlyBill.of(
                work.billing.instances_of(client_id),
                work.billing.switches_of(client_id, since, until),
            )
            work.billing.put(client_id, since.year, since.month, bill, now)
            work.commit()
