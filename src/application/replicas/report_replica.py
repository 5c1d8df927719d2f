from dataclasses import dataclass

from spot_optimizer.application.interruptions.failover import Failover
from spot_optimizer.application.ports.clock import Clock, Stopwatch
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import save_if_changed, save_replicas
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, ReplicaId
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica, ReplicaNotFound, ReplicaReport
from spot_optimizer.domain.replicas.standbys import live


@dataclass(frozen=True, slots=True)
class ReportReplica:
    """An agent says what has become of a replica. What gets ready while the primary is about to be
    lost takes over at once (contract/real-agents.md 3.3)."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    stopwatch: Stopwatch
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(
        self, agent_id: AgentId, replica_id: ReplicaId, report: ReplicaReport, caller: Caller
    ) -> Replica | None:
        """Returns the replica as it is now; None if the agent has none of that id.

        Raises:
            ReplicaNotFound: nor is there such an agent.
        """
        now = self.clock.now()
        with self.unit_of_work() as work:
            try:
                agent = work.agents.get_for_update(agent_id, caller.owner)
            except AgentNotFound as unknown:
                raise ReplicaNotFound from unknown
            found = work.replicas.find(agent_id, replica_id)
            if found is None or agent.is_deleted:
                return None
            known = list(work.replicas.active_of(agent_id))
            others = [replica for replica in live(known) if replica.id != replica_id]
            told = found.after(report, bool(others), now, self.compatibility)
            if all(replica.id != replica_id for replica in known):
                known.append(found)  # ended: it counts no more, and is still told about
            counted = save_replicas(
                work, agent, known, [told], now, caller, self.compatibility, report.error
            )
            if self.compatibility.replica_changes_touch_little:
                counted = agent
            if told.status is ReplicaStatus.READY and not self.compatibility.notices_leave_little:
                began_s = self.stopwatch.seconds()
                failover = Failover(work, now, self.stopwatch, self.compatibility, began_s)
                counted = failover.as_somebody_is_ready(counted, caller)
                told = work.replicas.find(agent_id, replica_id) or told
            save_if_changed(work, agent, counted, now)
            work.commit()
        return told
