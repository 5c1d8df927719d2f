from dataclasses import dataclass
from datetime import timedelta

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import agent_occurrences
from spot_optimizer.domain.callers import SYSTEM


@dataclass(frozen=True, slots=True)
class MarkSilentAgents:
    """Agents that have not been heard from for too long are offline."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    silence: timedelta

    @repeated_when_lost
    def __call__(self) -> int:
        """Returns how many fell silent."""
        now = self.clock.now()
        timeout_s = int(self.silence.total_seconds())
        with self.unit_of_work() as work:
            silent = work.agents.list_silent(now - self.silence)
            work.agents.save_all([agent.fall_silent() for agent in silent], now)
            for before in silent:
                after = before.fall_silent()
                told = agent_occurrences.agent_fell_silent(before, after, timeout_s, now)
                record(work, told, SYSTEM)
            work.commit()
        return len(silent)
