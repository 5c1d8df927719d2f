from types import TracebackType
from typing import Protocol, Self

from spot_optimizer.application.ports.batch_repositories import (
    BillingRepository,
    GrowthRepository,
    OldRowsRepository,
    RawSubmissionRepository,
)
from spot_optimizer.application.ports.decision_repositories import DecisionLog, ModelRepository
from spot_optimizer.application.ports.jobs import JobRunRepository
from spot_optimizer.application.ports.journal import AuditTrail, EventLog, Inbox, NotificationSink
from spot_optimizer.application.ports.market_repositories import (
    PriceRepository,
    SpotPoolRepository,
)
from spot_optimizer.application.ports.messages import MessageLog
from spot_optimizer.application.ports.repositories import (
    AgentRepository,
    CleanupLog,
    ClientRepository,
    CommandRepository,
    InstanceRepository,
    InterruptionRepository,
    ReplicaRepository,
    StandbyRepository,
    SwitchRepository,
)


class StoreUnavailable(Exception):
    """The place where things are kept cannot be reached, or gave no answer in time."""


class TransactionLost(Exception):
    """Another transaction came in between, or the connection broke before the commit: nothing
    happened, and the same may be tried again from the start."""


class AlwaysLost(StoreUnavailable):
    """The transaction gave way every time it was tried; a smaller one may well get through."""


class UnitOfWork(Protocol):
    """One transaction. Leaving the block without `commit` forgets everything done in it.

    Rows are locked in the order client, agent, replica, instance, command, and within a kind in
    the order of their ids, so that two transactions never wait for each other.

    Raises:
        TransactionLost, StoreUnavailable: from any operation and from `commit`; after a failed
            commit only StoreUnavailable, because nobody knows whether it took effect.
    """

    @property
    def clients(self) -> ClientRepository: ...
    @property
    def agents(self) -> AgentRepository: ...
    @property
    def standbys(self) -> StandbyRepository: ...
    @property
    def replicas(self) -> ReplicaRepository: ...
    @property
    def instances(self) -> InstanceRepository: ...
    @property
    def commands(self) -> CommandRepository: ...
    @property
    def switches(self) -> SwitchRepository: ...
    @property
    def pools(self) -> SpotPoolRepository: ...
    @property
    def prices(self) -> PriceRepository: ...
    @property
    def interruptions(self) -> InterruptionRepository: ...
    @property
    def decisions(self) -> DecisionLog: ...
    @property
    def models(self) -> ModelRepository: ...
    @property
    def job_runs(self) -> JobRunRepository: ...
    @property
    def message_log(self) -> MessageLog: ...
    @property
    def submissions(self) -> RawSubmissionRepository: ...
    @property
    def old_rows(self) -> OldRowsRepository: ...
    @property
    def billing(self) -> BillingRepository: ...
    @property
    def growth(self) -> GrowthRepository: ...
    @property
    def cleanups(self) -> CleanupLog: ...
    @property
    def events(self) -> EventLog: ...
    @property
    def notifications(self) -> NotificationSink: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def audit(self) -> AuditTrail: ...

    def commit(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class UnitOfWorkFactory(Protocol):
    def __call__(self) -> UnitOfWork: ...
