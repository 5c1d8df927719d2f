from collections.abc import Mapping
from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, InstanceId


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationReport:
    reason: str | None
    instance_id: InstanceId | None
    as_received: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ReportTermination:
    """An agent's instance has ended, and the agent with it until it comes back."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, agent_id: AgentId, report: TerminationReport, caller: Caller) -> None:
        now = self.clock.now()
        with self.unit_of_work() as work:
            before = work.agents.get_for_update(agent_id, caller.owner)
            after = before.terminate(now)
            work.agents.save(after, now)
            if (
                report.instance_id is not None
                and not self.compatibility.termination_spares_instance
            ):
                instance = work.instances.find(report.instance_id)
                if instance is not None and instance.agent_id == before.id:
                    work.instances.save(instance.close(now), now)
            told = occurrences.agent_terminated(
                before, after, report.reason, report.as_received, now
            )
            record(work, told, caller)
            work.commit()
