from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.replicas.queries import ListedReplica, ReplicaQueries
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.identifiers import AgentId


@dataclass(frozen=True, slots=True)
class HandOutReplicas:
    """Agents ask which machines to launch; each is told to one asker and then leased (ruling R9).

    Most polls find nothing, and then nothing is locked or written.
    """

    queries: ReplicaQueries
    unit_of_work: UnitOfWorkFactory
    clock: Clock
    lease: timedelta

    @repeated_when_lost
    def __call__(
        self, agent_id: AgentId, caller: Caller, *, to_launch: bool
    ) -> Sequence[ListedReplica]:
        """Those that wait for their launch; `to_launch` tells that the asker will do it."""
        now = self.clock.now()
        waiting = {
            listed.replica.id: listed
            for listed in self.queries.replicas_of(agent_id, caller.owner, ended_too=False)
            if listed.replica.may_be_handed_out(now, self.lease)
        }
        if not waiting or not to_launch or not self.lease:
            return list(waiting.values())
        with self.unit_of_work() as work:
            work.agents.get_for_update(agent_id, caller.owner)
            given = [
                replica.hand_out(now)
                for replica in work.replicas.active_of(agent_id)
                if replica.id in waiting and replica.may_be_handed_out(now, self.lease)
            ]
            work.replicas.save_all(given)
            work.commit()
        return [waiting[replica.id] for replica in given]
