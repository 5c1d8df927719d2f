from dataclasses import dataclass
from datetime import datetime
from typing import Final

from spot_optimizer.application.commands.changes import save_changes
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import save_replicas
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import dashboard_occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId

_REASON: Final = "Agent deleted"


@dataclass(frozen=True, slots=True)
class DeleteAgent:
    """A client is done with an agent. Nothing is told to the agent or to the cloud, and what it
    did stays on record. Again, it leaves the same traces."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, agent_id: AgentId, caller: Caller) -> None:
        now = self.clock.now()
        with self.unit_of_work() as work:
            before = work.agents.get_for_update(agent_id, caller.owner)
            known = work.replicas.active_of(agent_id)
            ended = [one.terminate(now) for one in known]
            after = save_replicas(
                work, before.delete(), known, ended, now, caller, self.compatibility, _REASON
            )
            work.agents.save(after, now)
            self._close_instance(work, after, now)
            self._cancel_orders(work, after, caller, now)
            gone = [one.id for one in ended if not one.is_active]
            told = dashboard_occurrences.agent_deleted(before, after, gone, now)
            record(work, told, caller)
            work.commit()

    @staticmethod
    def _close_instance(work: UnitOfWork, agent: Agent, now: datetime) -> None:
        """Unless it has ended before, or carries somebody else's workload (FIX-8)."""
        if agent.primary_instance_id is None:
            return
        instance = work.instances.find(agent.primary_instance_id)
        if (
            instance is not None
            and instance.is_active
            and instance.client_id == agent.client_id
            and not work.agents.serves_another(instance.id, agent.id)
        ):
            work.instances.save(instance.close(now), now)

    @staticmethod
    def _cancel_orders(work: UnitOfWork, agent: Agent, caller: Caller, now: datetime) -> None:
        waiting = work.commands.open_of([agent.id]).get(agent.id, ())
        cancelled = [(one, after) for one in waiting if (after := one.cancel(_REASON, now)) != one]
        save_changes(work, cancelled, now, caller)
