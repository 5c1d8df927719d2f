from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import agent_occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.cleanups import CleanupReport, TidiedAway
from spot_optimizer.domain.identifiers import AgentId


@dataclass(frozen=True, slots=True)
class RecordCleanup:
    """An agent has deleted old snapshots and images, or has failed to."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    @repeated_when_lost
    def __call__(self, agent_id: AgentId, tidied: TidiedAway, caller: Caller) -> CleanupReport:
        now = self.clock.now()
        with self.unit_of_work() as work:
            agent = work.agents.get_for_update(agent_id, caller.owner)
            report = CleanupReport(
                agent_id=agent.id,
                client_id=agent.client_id,
                tidied=tidied,
                executed_at=tidied.executed_at or now,
            )
            work.cleanups.add(report)
            work.agents.save(agent.clean_up(now), now)
            record(work, agent_occurrences.cleanup_completed(agent, tidied, now), caller)
            work.commit()
        return report
