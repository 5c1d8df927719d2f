"""A machine kept in step with the primary, ready to take over."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Self, TypeVar

from spot_optimizer.domain.agents.instances import Instance, Standby
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import NotFound, Refused
from spot_optimizer.domain.identifiers import (
    AgentId,
    InstanceId,
    PoolId,
    ReplicaId,
    is_real_instance,
)
from spot_optimizer.domain.interruptions import SignalType
from spot_optimizer.domain.replicas.life_cycle import (
    LIVE,
    REPORTS,
    TRANSITIONS,
    ReplicaEvent,
    ReplicaStatus,
)
from spot_optimizer.domain.values import money, percent

# A replica that takes longer has failed (contract/domain.md 4.7.2).
LAUNCH_TIMEOUT: Final = timedelta(seconds=600)
SYNC_TIMEOUT: Final = timedelta(seconds=1800)

T = TypeVar("T")

COMPLETE: Final = Decimal(100)
_SECONDS_PER_HOUR: Final = 3600


class ReplicaType(StrEnum):
    MANUAL = "manual"
    AUTOMATIC_REBALANCE = "automatic-rebalance"
    AUTOMATIC_TERMINATION = "automatic-termination"


class SyncStatus(StrEnum):
    """Whatever the agent says; not derived from the progress."""

    INITIALIZING = "initializing"
    SYNCING = "syncing"
    SYNCED = "synced"
    OUT_OF_SYNC = "out-of-sync"


class Placeholder(StrEnum):
    """Who asked for a machine that nobody has launched yet."""

    USER = "replica"
    COORDINATOR = "manual"
    EMERGENCY = "emergency"

    def of(self, replica_id: ReplicaId) -> InstanceId:
        return InstanceId(f"{self}-{replica_id[:8]}")


class ReplicaNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Replica not found")


class AlreadyTerminated(Refused):
    def __init__(self, terminated_at: datetime | None) -> None:
        super().__init__("Replica already terminated")
        self.terminated_at = terminated_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaReport:
    """What an agent says of a replica; None is not said."""

    status: ReplicaStatus | None = None
    instance_id: InstanceId | None = None
    sync_completed_at: datetime | None = None
    sync_status: SyncStatus | None = None
    sync_latency_ms: int | None = None
    progress: Decimal | None = None
    error: str | None = None
    is_sync: bool = False
    """Whether it is about the state transfer, whose time is noted whatever it says."""

    @property
    def event(self) -> ReplicaEvent | None:
        """What is said of the life cycle: everything transferred means ready, an explicit status
        wins, and a machine without a word is synchronising."""
        if self.status is not None:
            return REPORTS[self.status]
        if self.progress is not None and self.progress >= COMPLETE:
            return ReplicaEvent.GET_READY
        return ReplicaEvent.SYNCHRONISE if self.instance_id is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    id: ReplicaId
    agent_id: AgentId
    instance_id: InstanceId
    """Of the machine, or a placeholder until an agent has launched one."""
    replica_type: ReplicaType = ReplicaType.MANUAL
    pool_id: PoolId | None = None
    instance_type: str | None = None
    region: str | None = None
    zone: str | None = None
    status: ReplicaStatus = ReplicaStatus.LAUNCHING
    is_active: bool = True
    """Listed; promoted and failed replicas are too, and protect nobody."""
    created_by: str | None = None
    parent_instance_id: InstanceId | None = None
    created_at: datetime
    handed_out_at: datetime | None = None
    """When an agent was told last to launch it."""
    launched_at: datetime | None = None
    ready_at: datetime | None = None
    promoted_at: datetime | None = None
    failed_at: datetime | None = None
    terminated_at: datetime | None = None
    sync_status: SyncStatus = SyncStatus.INITIALIZING
    sync_latency_ms: int | None = None
    last_sync_at: datetime | None = None
    state_transfer_progress: Decimal = Decimal("0.00")
    """Percent."""
    hourly_cost: Decimal | None = None
    """USD per hour."""
    total_cost: Decimal = Decimal("0.0000")
    """USD, once it has ended."""
    total_runtime_hours: Decimal = Decimal("0.00")
    signal_type: SignalType | None = None
    interruption_detected_at: datetime | None = None
    termination_at: datetime | None = None
    failover_completed_at: datetime | None = None
    tags: Mapping[str, object] | None = None

    @property
    def is_live(self) -> bool:
        return self.is_active and self.status in LIVE

    @property
    def has_machine(self) -> bool:
        return is_real_instance(self.instance_id)

    @property
    def waits_for_launch(self) -> bool:
        return self.is_live and self.status is ReplicaStatus.LAUNCHING and not self.has_machine

    @property
    def is_automatic(self) -> bool:
        return self.replica_type is not ReplicaType.MANUAL

    @property
    def as_standby(self) -> Standby:
        return Standby(
            replica_id=self.id,
            agent_id=self.agent_id,
            instance_id=self.instance_id,
            replica_type=self.replica_type,
            status=self.status,
        )

    def may_be_handed_out(self, now: datetime, lease: timedelta) -> bool:
        """Whether an agent may be told to launch it: only one at a time is (ruling R9)."""
        told_at = self.handed_out_at
        return self.waits_for_launch and (told_at is None or now - told_at >= lease)

    def hand_out(self, now: datetime) -> Self:
        return replace(self, handed_out_at=now)

    def after(
        self, report: ReplicaReport, others_are_live: bool, now: datetime, compat: Compatibility
    ) -> "Replica":
        """Take a report. What has ended for good notes a machine that it hears of, no more."""
        if self.status in (ReplicaStatus.PROMOTED, ReplicaStatus.TERMINATED):
            named = report.instance_id or self.instance_id
            return self if self.has_machine else replace(self, instance_id=named)
        told = replace(
            self,
            instance_id=report.instance_id or self.instance_id,
            handed_out_at=None if report.instance_id else self.handed_out_at,
            launched_at=self.launched_at or (now if report.instance_id else None),
            sync_status=report.sync_status or self.sync_status,
            sync_latency_ms=_or(report.sync_latency_ms, self.sync_latency_ms),
            state_transfer_progress=_or(
                None
                if report.progress is None
                else percent(max(Decimal(0), min(report.progress, COMPLETE))),
                self.state_transfer_progress,
            ),
            last_sync_at=now if report.is_sync else report.sync_completed_at or self.last_sync_at,
        )
        event = report.event
        target = None if event is None else TRANSITIONS.get((self.status, event))
        came_back = self.status is ReplicaStatus.FAILED and target in LIVE
        if event is None or target is None or (came_back and others_are_live):
            return told
        dates_ready = not compat.replica_changes_touch_little or report.instance_id is None
        return _entered(told, target, now, compat, dates_ready=dates_ready)

    def fail(self, now: datetime) -> Self:
        """It will not become what it was meant to."""
        if (self.status, ReplicaEvent.FAIL) not in TRANSITIONS:
            return self
        return replace(self, status=ReplicaStatus.FAILED, handed_out_at=None, failed_at=now)

    def terminate(self, now: datetime) -> Self:
        """It is needed no longer; a promoted one is no replica any more and stays."""
        if (self.status, ReplicaEvent.TERMINATE) not in TRANSITIONS:
            return self
        return self.ended(now)

    def delete(self, now: datetime) -> Self:
        """A user ends it, whatever its status.

        Raises:
            AlreadyTerminated: it has ended before.
        """
        if not self.is_active:
            raise AlreadyTerminated(self.terminated_at)
        return self.ended(now)

    def promote(self, now: datetime, *, in_emergency: bool) -> Self:
        """Its machine carries the workload from now on; whether it may is the promotion's rule."""
        return replace(
            self,
            status=TRANSITIONS[self.status, ReplicaEvent.PROMOTE],
            promoted_at=now,
            failover_completed_at=now if in_emergency else self.failover_completed_at,
        )

    def has_timed_out(self, now: datetime) -> bool:
        """Whether it takes so long that nobody should wait for it."""
        if not self.is_live or self.status is ReplicaStatus.READY:
            return False
        if self.waits_for_launch:
            return now - self.created_at > LAUNCH_TIMEOUT
        return now - (self.launched_at or self.created_at) > SYNC_TIMEOUT

    @property
    def was_never_launched(self) -> bool:
        """Whether it failed because nobody launched it in time; who tries and finds no room says
        so earlier."""
        waited = (self.failed_at or self.created_at) - self.created_at
        has_failed = self.status is ReplicaStatus.FAILED
        return has_failed and not self.has_machine and waited >= LAUNCH_TIMEOUT

    def data_loss_seconds(self, now: datetime) -> int:
        """What the transfer had not reached yet when it was promoted (4.7.5 step 8)."""
        if self.status is ReplicaStatus.READY or self.last_sync_at is None:
            return 0
        return max(0, int((now - self.last_sync_at).total_seconds()))

    def ended(self, now: datetime) -> Self:
        """Over, whatever it was; with what it has cost (contract/domain.md 4.7.10)."""
        hours, cost = self.total_runtime_hours, self.total_cost
        if self.launched_at is not None and self.status is not ReplicaStatus.PROMOTED:
            seconds = Decimal(max(0, int((now - self.launched_at).total_seconds())))
            exact = seconds / _SECONDS_PER_HOUR
            hours, cost = exact.quantize(Decimal("0.01")), money(exact * (self.hourly_cost or 0))
        return replace(
            self,
            status=ReplicaStatus.TERMINATED,
            is_active=False,
            handed_out_at=None,
            failed_at=None,
            terminated_at=now,
            total_runtime_hours=hours,
            total_cost=cost,
        )


def _entered(
    replica: Replica,
    status: ReplicaStatus,
    now: datetime,
    compat: Compatibility,
    *,
    dates_ready: bool,
) -> Replica:
    little = compat.replica_changes_touch_little
    if status is ReplicaStatus.TERMINATED and not little:
        return replica.ended(now)
    is_ready = status is ReplicaStatus.READY and dates_ready
    return replace(
        replica,
        status=status,
        handed_out_at=replica.handed_out_at if status is ReplicaStatus.LAUNCHING else None,
        ready_at=replica.ready_at or (now if is_ready else None),
        failed_at=now if status is ReplicaStatus.FAILED and not little else None,
    )


def demoted(
    replica_id: ReplicaId,
    old: Instance,
    agent_id: AgentId,
    new_primary: InstanceId,
    now: datetime,
    compat: Compatibility,
) -> Replica:
    """The former primary as the standby of the new one: it runs and lacks nothing."""
    little = compat.promotion_touches_little
    return Replica(
        id=replica_id,
        agent_id=agent_id,
        instance_id=old.id,
        pool_id=old.pool_id,
        instance_type=old.instance_type,
        region=old.region,
        zone=old.zone,
        status=ReplicaStatus.READY,
        created_by="system",
        parent_instance_id=new_primary,
        created_at=now,
        ready_at=None if little else now,
        hourly_cost=None if little else old.spot_price,
    )


def _or(said: T | None, known: T) -> T:
    return known if said is None else said
