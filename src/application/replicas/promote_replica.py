from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.replicas.machines import primary_of
from spot_optimizer.application.replicas.promotions import Takeover, carry_out
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound, NotFound
from spot_optimizer.domain.identifiers import AgentId, InstanceId, ReplicaId
from spot_optimizer.domain.replicas.promotion import PromotionReason, check_promotable


class NoActiveReplica(NotFound):
    def __init__(self) -> None:
        super().__init__("Replica not found or inactive")


@dataclass(frozen=True, slots=True)
class Promoted:
    new_instance_id: InstanceId
    old_instance_id: InstanceId | None
    demoted: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class PromoteReplica:
    """A user moves the workload to a replica; of two at once the second finds it promoted."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(
        self, agent_id: AgentId, replica_id: ReplicaId, demote_old_primary: bool, caller: Caller
    ) -> Promoted:
        now = self.clock.now()
        with self.unit_of_work() as work:
            try:
                before = work.agents.get_for_update(agent_id, caller.owner)
            except AgentNotFound as unknown:
                raise NoActiveReplica from unknown
            replicas = work.replicas.active_of(agent_id)
            chosen = next((one for one in replicas if one.id == replica_id), None)
            if chosen is None or before.is_deleted:
                raise NoActiveReplica
            check_promotable(chosen, before, self.compatibility)
            if primary_of(work, before) is None:
                raise AgentNotFound
            takeover = Takeover(
                agent=before,
                replicas=replicas,
                chosen=chosen,
                by=caller,
                demote_as=ReplicaId(self.identifiers.new_id()) if demote_old_primary else None,
            )
            (after,) = carry_out(work, [takeover], PromotionReason.MANUAL, now, self.compatibility)
            work.agents.save(after, now)
            work.commit()
        return Promoted(chosen.instance_id, before.primary_instance_id, demote_old_primary, now)
