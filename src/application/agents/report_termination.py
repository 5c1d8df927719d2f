from collections.abc import Mapping
from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import save_replicas
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import agent_occurrences
from spot_optimizer.domain.agents.agent import Agent
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
            if (
                report.instance_id is not None
                and not self.compatibility.termination_spares_instance
            ):
                after = self._end(work, after, report.instance_id, caller)
            work.agents.save(after, now)
            told = agent_occurrences.agent_terminated(
                before, after, report.reason, report.as_received, now
            )
            record(work, told, caller)
            work.commit()

    def _end(
        self, work: UnitOfWork, agent: Agent, instance_id: InstanceId, caller: Caller
    ) -> Agent:
        """The instance is gone, and a replica on it protects nobody any longer."""
        now = self.clock.now()
        instance = work.instances.find(instance_id)
        if instance is not None and instance.agent_id == agent.id:
            work.instances.save(instance.close(now), now)
        known = work.replicas.active_of(agent.id)
        lost = [one.fail(now) for one in known if one.is_live and one.instance_id == instance_id]
        if not lost:
            return agent
        return save_replicas(
            work, agent, known, lost, now, caller, self.compatibility, "its instance has ended"
        )
