from dataclasses import dataclass

from spot_optimizer.application.commands.changes import save_changes
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import SYSTEM
from spot_optimizer.domain.commands.command import SHORTEST_EXPIRY
from spot_optimizer.domain.compatibility import Compatibility


@dataclass(frozen=True, slots=True)
class ExpireCommands:
    """Orders that nobody fetched or answered in time are closed."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self) -> int:
        """Returns how many ended."""
        if self.compatibility.commands_never_expire:
            return 0
        now = self.clock.now()
        with self.unit_of_work() as work:
            overdue = work.commands.list_overdue(now - SHORTEST_EXPIRY)
            ended = [(one, after) for one in overdue if (after := one.expire(now)) != one]
            save_changes(work, ended, now, SYSTEM)
            work.commit()
        return len(ended)
