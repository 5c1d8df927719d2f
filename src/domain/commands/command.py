"""Work orders for agents, carried out and reported at most once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import InvalidTransition
from spot_optimizer.domain.identifiers import AgentId, ClientId, CommandId, InstanceId, PoolId
from spot_optimizer.domain.state_machine import Arrow, transitions
from spot_optimizer.domain.values import Mode


class CommandType(StrEnum):
    SWITCH = "switch"
    EMERGENCY_SWITCH = "emergency_switch"
    SWITCH_TO_ON_DEMAND = "switch_to_ondemand"
    CREATE_REPLICA = "create_replica"


class CommandStatus(StrEnum):
    PENDING = "pending"
    EXECUTING = "executing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class CommandEvent(StrEnum):
    DELIVER = "deliver"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    EXPIRE = "expire"


_OPEN: Final = (CommandStatus.PENDING, CommandStatus.EXECUTING)

# The life of a command (contract/domain.md 4.3.4). Delivery starts a lease (ruling R9), so that one
# order makes one machine; a cancelled command changes only when the agent tells late what it did
# (INV-11).
ARROWS: Final = (
    Arrow(
        (CommandStatus.PENDING,),
        CommandEvent.DELIVER,
        CommandStatus.EXECUTING,
        guard="no other order is in hand",
        effect="leased from now on",
    ),
    Arrow(
        (CommandStatus.EXECUTING,),
        CommandEvent.DELIVER,
        CommandStatus.EXECUTING,
        guard="the lease has ended",
        effect="leased anew",
    ),
    Arrow(_OPEN, CommandEvent.SUCCEED, CommandStatus.COMPLETED, effect="equal orders cancelled"),
    Arrow(_OPEN, CommandEvent.FAIL, CommandStatus.FAILED),
    Arrow(
        (CommandStatus.PENDING,),
        CommandEvent.CANCEL,
        CommandStatus.CANCELLED,
        effect="the message tells why",
    ),
    Arrow(
        (CommandStatus.PENDING,),
        CommandEvent.EXPIRE,
        CommandStatus.CANCELLED,
        guard="older than its trigger allows",
    ),
    Arrow(
        (CommandStatus.EXECUTING,),
        CommandEvent.EXPIRE,
        CommandStatus.FAILED,
        guard="delivered 1,800 s and the terminate wait ago",
    ),
    Arrow((CommandStatus.CANCELLED,), CommandEvent.SUCCEED, CommandStatus.COMPLETED),
    Arrow((CommandStatus.CANCELLED,), CommandEvent.FAIL, CommandStatus.FAILED),
)

TRANSITIONS: Final[Mapping[tuple[CommandStatus, CommandEvent], CommandStatus]] = transitions(ARROWS)

OPEN: Final = frozenset(_OPEN)
SWITCHES: Final = frozenset(
    {CommandType.SWITCH, CommandType.EMERGENCY_SWITCH, CommandType.SWITCH_TO_ON_DEMAND}
)

# Triggers (contract/domain.md 4.3.2); the column holds 20 characters.
TRIGGERED_BY_MODEL: Final = "ml_recommendation"
TRIGGERED_BY_USER: Final = "manual_ui"
TRIGGERED_BY_TERMINATION: Final = "termination_notice"
TRIGGERED_BY_REBALANCE: Final = "rebalance_notice"

# How long an order makes sense (contract/domain.md 4.3.2).
EXPIRY_BY_TRIGGER: Final[Mapping[str, timedelta]] = {
    TRIGGERED_BY_TERMINATION: timedelta(seconds=120),
    TRIGGERED_BY_REBALANCE: timedelta(seconds=7200),
    TRIGGERED_BY_MODEL: timedelta(seconds=3600),
}
EXPIRY_OTHERWISE: Final = timedelta(seconds=86_400)
EXPIRY_OF_EXECUTION: Final = timedelta(seconds=1800)
SHORTEST_EXPIRY: Final = min(EXPIRY_BY_TRIGGER.values())

PRIORITY_EMERGENCY: Final = 100
PRIORITY_MANUAL: Final = 75
PRIORITY_URGENT: Final = 50
PRIORITY_NORMAL: Final = 25
PRIORITY_SCHEDULED: Final = 10


def clamp_priority(priority: int) -> int:
    return max(1, min(100, priority))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a switch leads; two commands with the same target are the same order."""

    mode: Mode
    pool_id: PoolId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    id: CommandId
    client_id: ClientId
    agent_id: AgentId
    command_type: str = CommandType.SWITCH
    target_mode: str | None
    target_pool_id: PoolId | None
    instance_id: InstanceId | None
    priority: int | None = PRIORITY_NORMAL
    terminate_wait_seconds: int | None = None
    status: CommandStatus = CommandStatus.PENDING
    success: bool | None = None
    message: str | None = None
    created_by: str | None = None
    trigger: str | None = None
    created_at: datetime | None = None
    executed_at: datetime | None = None
    """When it was delivered last, or reported if it never was."""
    completed_at: datetime | None = None
    is_legacy: bool = False
    """Lives in the older queue, under a decimal number."""

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def ends_the_old_instance(self) -> bool:
        return self.is_switch and (self.terminate_wait_seconds or 0) > 0

    @property
    def is_switch(self) -> bool:
        return self.command_type in SWITCHES

    def equals(self, target: Target) -> bool:
        return (
            self.is_switch
            and self.target_mode == target.mode
            and self.target_pool_id == target.pool_id
        )

    def is_leased(self, now: datetime, lease: timedelta) -> bool:
        """Handed out, and the agent still has time to say what came of it."""
        return (
            self.status is CommandStatus.EXECUTING
            and self.executed_at is not None
            and now - self.executed_at < lease
        )

    def is_stale(self, now: datetime) -> bool:
        """Ordered so long ago that carrying it out would surprise."""
        patience = EXPIRY_BY_TRIGGER.get(self.trigger or "", EXPIRY_OTHERWISE)
        return self.created_at is not None and now - self.created_at > patience

    def has_expired(self, now: datetime) -> bool:
        """Nobody asked for it in time, or nobody told in time what came of it."""
        if self.status is CommandStatus.EXECUTING:
            patience = EXPIRY_OF_EXECUTION + timedelta(seconds=self.terminate_wait_seconds or 0)
            return self.executed_at is not None and now - self.executed_at > patience
        return self.is_stale(now)

    def deliver(self, now: datetime) -> Self:
        return replace(self._after(CommandEvent.DELIVER), executed_at=now)

    def report(
        self, success: bool | None, message: str, now: datetime, compatibility: Compatibility
    ) -> Self:
        """What the agent says came of it. The first word on a finished command stands."""
        event = CommandEvent.SUCCEED if success else CommandEvent.FAIL
        if compatibility.last_execution_report_wins:
            status = TRANSITIONS[CommandStatus.EXECUTING, event]
            return replace(
                self,
                status=status,
                success=success,
                message=message,
                executed_at=now,
                completed_at=now,
            )
        if (self.status, event) not in TRANSITIONS:
            return self
        return replace(
            self._after(event),
            success=bool(success),
            message=message,
            executed_at=now,
            completed_at=now,
        )

    def cancel(self, reason: str, now: datetime) -> Self:
        """Withdraw it. What an agent may be carrying out already is left alone."""
        if self.status is not CommandStatus.PENDING:
            return self
        return replace(self._after(CommandEvent.CANCEL), message=reason, completed_at=now)

    def expire(self, now: datetime) -> Self:
        if not self.is_open or not self.has_expired(now):
            return self
        if self.status is CommandStatus.EXECUTING:
            ended = replace(self._after(CommandEvent.EXPIRE), success=False)
            return replace(ended, message="Execution timed out", completed_at=now)
        ended = self._after(CommandEvent.EXPIRE)
        return replace(ended, message="Command expired", completed_at=now)

    def repeat(self, priority: int, trigger: str, terminate_wait_seconds: int) -> Self:
        """The same order again: one command, with the more urgent of both wishes. What an agent
        has been told already is not changed."""
        if self.status is not CommandStatus.PENDING or priority <= (self.priority or 0):
            return self
        return replace(
            self,
            priority=priority,
            trigger=trigger,
            terminate_wait_seconds=terminate_wait_seconds,
        )

    def _after(self, event: CommandEvent) -> Self:
        status = TRANSITIONS.get((self.status, event))
        if status is None:
            raise InvalidTransition(
                f"A {self.status} command cannot {event}", current_status=self.status
            )
        return replace(self, status=status)
