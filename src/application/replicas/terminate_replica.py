from dataclasses import dataclass

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import save_if_changed, save_replicas
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, ReplicaId
from spot_optimizer.domain.replicas.replica import Replica, ReplicaNotFound


@dataclass(frozen=True, slots=True)
class TerminateReplica:
    """A user ends a replica; of a promoted one only the record is closed."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, agent_id: AgentId, replica_id: ReplicaId, caller: Caller) -> Replica:
        now = self.clock.now()
        with self.unit_of_work() as work:
            try:
                agent = work.agents.get_for_update(agent_id, caller.owner)
            except AgentNotFound as unknown:
                raise ReplicaNotFound from unknown
            found = work.replicas.find(agent_id, replica_id)
            if found is None:
                raise ReplicaNotFound
            ended = found.delete(now)
            known = work.replicas.active_of(agent_id)
            counted = save_replicas(work, agent, known, [ended], now, caller, self.compatibility)
            save_if_changed(work, agent, counted, now)
            work.commit()
        return ended
