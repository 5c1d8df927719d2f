"""What happens to the commands of one agent together."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from spot_optimizer.domain.commands.command import Command, CommandStatus, Target
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import InstanceId

_BEFORE_EVERYTHING: Final = datetime.min.replace(tzinfo=UTC)


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
    occasion: str,
    now: datetime,
    compatibility: Compatibility,
) -> list[Command]:
    """The changed commands once another instance carries the workload.

    An order that was handed out to the former instance has been carried out: agents end their own
    machine before they report, so that the successor is often the only sign (ruling R9). One that
    nobody had been given makes no sense any longer.
    """
    changed = []
    for command in commands:
        if command.instance_id in (None, new_instance_id) or not command.is_open:
            continue
        told = f"{occasion} {new_instance_id}"
        if command.status is CommandStatus.EXECUTING and command.is_switch:
            changed.append(command.report(True, f"Executed: {told}", now, compatibility))
        else:
            changed.append(command.cancel(f"Superseded by {told}", now))
    return [command for command in changed if not command.is_open]


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
