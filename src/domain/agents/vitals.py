"""The few facts about an agent that its telemetry is compared with."""

from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.domain.agents.agent import AgentStatus, Placement
from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId
from spot_optimizer.domain.values import Mode


@dataclass(frozen=True, slots=True)
class Vitals:
    """An agent as telemetry sees it; nine requests in ten need nothing else of it."""

    id: AgentId
    client_id: ClientId
    status: AgentStatus
    primary_instance_id: InstanceId | None
    placement: Placement
    client_heard_at: datetime | None = None
    """When any agent of the client last gave a sign of life, to the second."""

    def is_first_sign_of_its_client(self, now: datetime) -> bool:
        """Whether nothing was noted of the client in this second yet."""
        return self.client_heard_at is None or self.client_heard_at < now.replace(microsecond=0)

    @property
    def is_deleted(self) -> bool:
        return self.status is AgentStatus.DELETED

    def belongs_to(self, owner: ClientId | None) -> bool:
        """Whether somebody who sees this client's rows sees it; None sees all."""
        return owner is None or owner == self.client_id

    def are_confirmed_by(self, heartbeat: Heartbeat) -> bool:
        """Whether the primary says nothing new, so that only the time has to be noted.

        True only where the full rules would change nothing else either; any doubt is False.
        """
        at = self.placement
        return (
            heartbeat.status == self.status
            and heartbeat.sender in (None, self.primary_instance_id)
            and not heartbeat.is_nameless_farewell
            and heartbeat.instance_type in (None, at.instance_type)
            and heartbeat.zone in (None, at.zone)
            and heartbeat.mode in (None, Mode.UNKNOWN, at.mode)
            and heartbeat.pool_id in (None, at.pool_id)
            and (not heartbeat.says_where or at.pool_id == at.derived_pool)
        )
