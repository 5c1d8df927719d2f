"""What happens to the commands of one agent together."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.commands.command import Command, CommandStatus, Target
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import InstanceId

_BEFORE_EVERYTHING: Final = datetime.min.replace(tzinfo=UTC)


class Occasion(StrEnum):
    """Why another instance carries the workload."""

    REGISTRATION = "registration of"
    HEARTBEAT = "heartbeat of"
    SWITCH = "switch to"
    RETURN = "return of"
    """A former instance takes over from a dead one."""
    PROMOTION = "promotion of"


# What an order that the former instance was carrying out has come to. Agents end their own machine
# before they report, so that a new instance is often the only sign of success there is (ruling R9);
# one that was there before is none, and a promotion says nothing about it.
_CAME_TO: Final[Mapping[Occasion, bool | None]] = {
    Occasion.REGISTRATION: True,
    Occasion.HEARTBEAT: True,
    Occasion.SWITCH: True,
    Occasion.RETURN: False,
    Occasion.PROMOTION: None,
}


def in_order(commands: Iterable[Command]) -> list[Command]:
    """Most urgent first, then oldest first, then by id."""
    return sorted(
        commands,
        key=lambda command: (
            command.priority is None,
            -(command.priority or 0),
            command.created_at or _BEFORE_EVERYTHING,
            command.id,
        ),
    )


def to_hand_out(
    commands: Sequence[Command], now: datetime, lease: timedelta, compatibility: Compatibility
) -> list[Command]:
    """The open commands that a poll is answered with.

    Without a lease every poll gets all of them. With one, an agent is given a single order at a
    time, and the next when it has said what came of it or the lease has ended (ruling R9).
    """
    current = [
        command
        for command in in_order(commands)
        if command.is_open and (compatibility.commands_never_expire or not command.is_stale(now))
    ]
    if not lease:
        return current
    if any(command.is_leased(now, lease) for command in commands):
        return []
    return current[:1]


def equal_to(target: Target, commands: Iterable[Command]) -> Command | None:
    """The open command that already orders this (INV-12)."""
    return next((c for c in in_order(commands) if c.is_open and c.equals(target)), None)


def settle_after_move(
    commands: Iterable[Command],
    new_instance_id: InstanceId,
    occasion: Occasion,
    now: datetime,
    compatibility: Compatibility,
) -> list[Command]:
    """The changed commands once another instance carries the workload.

    An order that was handed out to the former instance has come to what the occasion says. One
    that nobody had been given makes no sense any longer.
    """
    changed = []
    for command in commands:
        if command.instance_id in (None, new_instance_id) or not command.is_open:
            continue
        told = f"{occasion} {new_instance_id}"
        if command.status is CommandStatus.EXECUTING and command.is_switch:
            success = _CAME_TO[occasion]
            if success is not None:
                verdict = "Executed" if success else "Not executed"
                changed.append(command.report(success, f"{verdict}: {told}", now, compatibility))
        else:
            changed.append(command.cancel(f"Superseded by {told}", now))
    return [command for command in changed if not command.is_open]


def cancelled_by_notice(
    commands: Iterable[Command], instance_id: InstanceId, now: datetime
) -> list[Command]:
    """Switches that nobody has begun make no sense once the instance is to be lost (4.3.7)."""
    return [
        command.cancel(f"Superseded by termination notice for {instance_id}", now)
        for command in commands
        if command.status is CommandStatus.PENDING and command.is_switch
    ]


def duplicates_of(done: Command, commands: Iterable[Command], now: datetime) -> list[Command]:
    """Equal orders, cancelled because the first success counts for all of them (INV-12)."""
    if not done.is_switch or done.target_mode is None:
        return []
    return [
        command.cancel(f"Duplicate of {done.id}", now)
        for command in commands
        if command.id != done.id
        and command.status is CommandStatus.PENDING
        and command.is_switch
        and command.target_mode == done.target_mode
        and command.target_pool_id == done.target_pool_id
    ]
