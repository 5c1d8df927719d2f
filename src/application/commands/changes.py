from collections.abc import Sequence
from datetime import datetime

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain import command_occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import Command


def save_changes(
    work: UnitOfWork, changes: Sequence[tuple[Command, Command]], now: datetime, by: Caller
) -> None:
    """Save what became of commands, each as it was and as it is, and tell about it."""
    work.commands.save_all([after for _, after in changes])
    for before, after in changes:
        record(work, command_occurrences.command_changed(before, after, now), by)
