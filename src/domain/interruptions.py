"""Signs that a spot instance will be taken away, and what came of them (contract/domain.md 4.4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, NewType, Self

from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId, ReplicaId
from spot_optimizer.domain.interruption_features import NOTHING_LEARNT, Features

InterruptionId = NewType("InterruptionId", int)

# The same sign again within this time is the same sign (contract/domain.md 4.4.2), inclusive.
REPEAT_WINDOW: Final = timedelta(minutes=15)

# A notice is acted on for so long, and a rebalance recommendation expires then.
HORIZON: Final = timedelta(seconds=7200)

# Between a termination notice and the end of the instance; and how much later it is surely gone.
WARNING: Final = timedelta(seconds=120)
GRACE: Final = timedelta(seconds=60)

# A repeated notice is answered with the failover that it led to for so long (4.7.8 step 6).
FAILOVER_IS_REMEMBERED: Final = timedelta(minutes=10)

# An agent's clock may be this far ahead of ours; beyond, ours counts.
CLOCK_SKEW_TOLERATED: Final = timedelta(seconds=300)

NO_REPLICA: Final = "No replica available"

# In the metadata: the notice needs nothing more, and why (4.4.5); when a rebalance recommendation
# of a storm is to be handled.
_DONE: Final = "emergency_complete"
_WHY: Final = "reason"
_NOT_BEFORE: Final = "handle_after"
# A recommendation of a pool where moving does not pay: nothing is done about it.
_ONLY_WATCHED: Final = "only_watched"


class SignalType(StrEnum):
    REBALANCE_RECOMMENDATION = "rebalance-recommendation"
    TERMINATION_NOTICE = "termination-notice"


# Under other names, one of them AWS's own (contract/domain.md 1.1).
SIGNALS: Final[Mapping[str, SignalType]] = {
    **{signal.value: signal for signal in SignalType},
    "rebalance_recommendation": SignalType.REBALANCE_RECOMMENDATION,
    "termination_notice": SignalType.TERMINATION_NOTICE,
    "instance-termination": SignalType.TERMINATION_NOTICE,
    "spot-instance-interruption": SignalType.TERMINATION_NOTICE,
}


class Sign(NamedTuple):
    """That an instance was said to be in danger, and when."""

    instance_id: InstanceId
    signal_type: SignalType
    at: datetime


class ResponseAction(StrEnum):
    CREATED_REPLICA = "created-replica"
    PROMOTED_REPLICA = "promoted-existing-replica"
    EMERGENCY_SNAPSHOT = "emergency-snapshot"
    NONE = "no-action"


class Resolution(StrEnum):
    """Why nothing more is to be done about a notice."""

    FAILED_OVER = "failed over"
    CLEARED = "cleared"
    LOST = "lost"
    ESCALATED = "escalated"
    NOT_THE_PRIMARY = "not the primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """A notice that was accepted, and what was done about it."""

    id: InterruptionId | None = None
    """Given by the store."""
    agent_id: AgentId
    instance_id: InstanceId
    pool_id: PoolId | None
    signal_type: SignalType
    detected_at: datetime
    termination_at: datetime | None = None
    response_action: ResponseAction = ResponseAction.NONE
    replica_id: ReplicaId | None = None
    replica_ready: bool = False
    failover_completed: bool = False
    failover_time_ms: int | None = None
    data_loss_seconds: int = 0
    success: bool = True
    error_message: str | None = None
    features: Features = NOTHING_LEARNT
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_termination(self) -> bool:
        return self.signal_type is SignalType.TERMINATION_NOTICE

    @property
    def is_open(self) -> bool:
        return not self.failover_completed and not self.metadata.get(_DONE)

    @property
    def ends_at(self) -> datetime:
        """When AWS takes the instance, as far as anybody knows. What is announced far from the
        warning time of two minutes cannot be true."""
        expected = self.detected_at + WARNING
        announced = self.termination_at
        if announced is None or abs(announced - expected) > HORIZON:
            return expected
        return announced

    def is_lost(self, now: datetime) -> bool:
        """Whether the instance is gone without a failover."""
        return self.is_open and self.is_termination and now > self.ends_at + GRACE

    def has_expired(self, now: datetime) -> bool:
        """Whether a rebalance recommendation has come to nothing."""
        return self.is_open and not self.is_termination and now - self.detected_at > HORIZON

    def may_be_handled(self, now: datetime) -> bool:
        """Whether its turn has come; in a storm recommendations wait for one another."""
        said = self.metadata.get(_NOT_BEFORE)
        return not isinstance(said, str) or now >= datetime.fromisoformat(said)

    @property
    def is_only_watched(self) -> bool:
        """Whether it is on record and no more: what it warns of is expected to cost less than
        moving away."""
        return self.metadata.get(_ONLY_WATCHED) is True

    def only_watched(self) -> Self:
        return replace(self, metadata={**self.metadata, _ONLY_WATCHED: True})

    def delayed(self, until: datetime) -> Self:
        return replace(self, metadata={**self.metadata, _NOT_BEFORE: until.isoformat()})

    def answered_by(self, replica_id: ReplicaId) -> Self:
        """A replica was made."""
        return replace(self, response_action=ResponseAction.CREATED_REPLICA, replica_id=replica_id)

    def unanswered(self, coming: ReplicaId | None) -> Self:
        """Nobody can take over; `coming` is a replica that may be able to soon."""
        return replace(
            self,
            response_action=ResponseAction.EMERGENCY_SNAPSHOT,
            success=False,
            error_message=NO_REPLICA,
            replica_id=coming or self.replica_id,
        )

    def failed_over_to(self, replica_id: ReplicaId, took_ms: int, data_loss_seconds: int) -> Self:
        done = replace(
            self,
            response_action=ResponseAction.PROMOTED_REPLICA,
            replica_id=replica_id,
            replica_ready=True,
            failover_completed=True,
            failover_time_ms=took_ms,
            data_loss_seconds=data_loss_seconds,
            success=True,
            error_message=None,
        )
        return done.resolved(Resolution.FAILED_OVER)

    def standing(self) -> Self:
        """Open again: its instance carries the workload after all, and is still there."""
        kept = {key: it for key, it in self.metadata.items() if key not in (_DONE, _WHY)}
        return replace(self, metadata=kept, failover_completed=False)

    def resolved(self, why: Resolution) -> Self:
        return replace(
            self,
            success=self.success and why is not Resolution.LOST,
            metadata={**self.metadata, _DONE: True, _WHY: why},
        )


def same_notice(
    earlier: Iterable[Interruption], signal: SignalType, instance_id: InstanceId, now: datetime
) -> Interruption | None:
    """The notice that is already on record (INV-13): a recommendation of the agent within 15
    minutes; a termination notice for the same instance within 15 minutes, or while it is open."""
    for notice in earlier:
        is_recent = now - notice.detected_at <= REPEAT_WINDOW
        if notice.signal_type is not signal:
            continue
        if not notice.is_termination and is_recent:
            return notice
        is_theirs = notice.is_termination and notice.instance_id == instance_id
        if is_theirs and (is_recent or notice.is_open):
            return notice
    return None


def time_of_notice(claimed: datetime | None, received_at: datetime) -> datetime:
    """When the agent saw the sign. A time to come cannot be, and would keep it open for ever; one
    so long ago that nothing would be done about it any more is a clock that is wrong."""
    if claimed is None or not -HORIZON <= claimed - received_at <= CLOCK_SKEW_TOLERATED:
        return received_at
    return claimed
