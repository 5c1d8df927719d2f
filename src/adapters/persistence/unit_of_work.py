from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from spot_optimizer.adapters.persistence.agents import SqlAgentRepository
from spot_optimizer.adapters.persistence.billing import SqlBillingRepository
from spot_optimizer.adapters.persistence.cleanups import SqlCleanupLog
from spot_optimizer.adapters.persistence.clients import SqlClientRepository
from spot_optimizer.adapters.persistence.commands import SqlCommandRepository
from spot_optimizer.adapters.persistence.decisions import SqlDecisionLog
from spot_optimizer.adapters.persistence.failures import meaning_of
from spot_optimizer.adapters.persistence.growth import SqlGrowthRepository
from spot_optimizer.adapters.persistence.inbox import SqlInbox
from spot_optimizer.adapters.persistence.instances import SqlInstanceRepository
from spot_optimizer.adapters.persistence.interruptions import SqlInterruptionRepository
from spot_optimizer.adapters.persistence.job_runs import SqlJobRunRepository
from spot_optimizer.adapters.persistence.journal import (
    SqlAuditTrail,
    SqlEventLog,
    SqlNotificationSink,
)
from spot_optimizer.adapters.persistence.messages import SqlMessageLog
from spot_optimizer.adapters.persistence.models import SqlModelRepository
from spot_optimizer.adapters.persistence.old_rows import SqlOldRowsRepository
from spot_optimizer.adapters.persistence.pools import SqlSpotPoolRepository
from spot_optimizer.adapters.persistence.prices import SqlPriceRepository
from spot_optimizer.adapters.persistence.raw_submissions import SqlRawSubmissionRepository
from spot_optimizer.adapters.persistence.replicas import SqlReplicaRepository
from spot_optimizer.adapters.persistence.standbys import SqlStandbyRepository
from spot_optimizer.adapters.persistence.switches import SqlSwitchRepository
from spot_optimizer.adapters.persistence.turns import Turns
from spot_optimizer.domain.journal import SystemEvent


class SqlUnitOfWork:
    clients: SqlClientRepository
    agents: SqlAgentRepository
    standbys: SqlStandbyRepository
    replicas: SqlReplicaRepository
    instances: SqlInstanceRepository
    commands: SqlCommandRepository
    switches: SqlSwitchRepository
    pools: SqlSpotPoolRepository
    prices: SqlPriceRepository
    interruptions: SqlInterruptionRepository
    decisions: SqlDecisionLog
    models: SqlModelRepository
    cleanups: SqlCleanupLog
    job_runs: SqlJobRunRepository
    message_log: SqlMessageLog
    submissions: SqlRawSubmissionRepository
    old_rows: SqlOldRowsRepository
    billing: SqlBillingRepository
    growth: SqlGrowthRepository
    events: SqlEventLog
    notifications: SqlNotificationSink
    inbox: SqlInbox
    audit: SqlAuditTrail
    _connection: Connection

    def __init__(
        self,
        engine: Engine,
        turns: Turns | None = None,
        *,
        is_urgent: bool = False,
        on_committed: Callable[[Sequence[SystemEvent]], None] | None = None,
    ) -> None:
        """`is_urgent`: before others that wait for their turn. `on_committed` is told of the
        events of each unit of work that is committed."""
        self._engine = engine
        self._turns = turns
        self._is_urgent = is_urgent
        self._on_committed = on_committed

    def __enter__(self) -> Self:
        if self._turns is not None:
            self._turns.take(urgent=self._is_urgent)
        try:
            self._connection = self._engine.connect().execution_options(writes=True)
        except BaseException as error:
            if self._turns is not None:
                self._turns.pass_on()
            if isinstance(error, SQLAlchemyError):
                raise meaning_of(error) from error
            raise
        connection = self._connection
        self.clients = SqlClientRepository(connection)
        self.agents = SqlAgentRepository(connection)
        self.standbys = SqlStandbyRepository(connection)
        self.replicas = SqlReplicaRepository(connection)
        self.instances = SqlInstanceRepository(connection)
        self.commands = SqlCommandRepository(connection)
        self.switches = SqlSwitchRepository(connection)
        self.pools = SqlSpotPoolRepository(connection)
        self.prices = SqlPriceRepository(connection)
        self.interruptions = SqlInterruptionRepository(connection)
        self.decisions = SqlDecisionLog(connection)
        self.models = SqlModelRepository(connection)
        self.cleanups = SqlCleanupLog(connection)
        self.job_runs = SqlJobRunRepository(connection)
        self.message_log = SqlMessageLog(connection)
        self.submissions = SqlRawSubmissionRepository(connection)
        self.old_rows = SqlOldRowsRepository(connection)
        self.billing = SqlBillingRepository(connection)
        self.growth = SqlGrowthRepository(connection)
        self.events = SqlEventLog(connection)
        self.notifications = SqlNotificationSink(connection)
        self.inbox = SqlInbox(connection)
        self.audit = SqlAuditTrail(connection)
        return self

    def commit(self) -> None:
        self.audit.flush()
        self.events.flush()
        self.notifications.flush()
        try:
            self._connection.commit()
        except SQLAlchemyError as error:
            raise meaning_of(error, committing=True) from error
        if self._on_committed is not None and self.events.added:
            self._on_committed(self.events.added)
            self.events.added.clear()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._connection.close()  # rolls back whatever was not committed
        except SQLAlchemyError as on_close:
            error = error or on_close
        finally:
            if self._turns is not None:
                self._turns.pass_on()
        if isinstance(error, SQLAlchemyError):
            raise meaning_of(error) from error
