"""A sign of life, and from whom it can be."""

from dataclasses import dataclass
from typing import Final

from spot_optimizer.domain.identifiers import InstanceId, PoolId
from spot_optimizer.domain.values import Mode

FAREWELL: Final = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What an agent says of itself every 30 s; None is not said."""

    status: str = "online"
    instance_id: InstanceId | None = None
    instance_type: str | None = None
    zone: str | None = None
    mode: Mode | None = None
    pool_id: PoolId | None = None
    monitored_instance_id: InstanceId | None = None
    """Agents before 4.0 name their instance only in the list that they watch."""

    @property
    def sender(self) -> InstanceId | None:
        return self.instance_id or self.monitored_instance_id

    @property
    def says_where(self) -> bool:
        return bool(self.instance_type or self.zone or self.mode or self.pool_id)

    @property
    def is_nameless_farewell(self) -> bool:
        """The last word of every agent program names no instance, so that a predecessor's cannot
        be told from the primary's by its content (contract/real-agents.md section 2)."""
        return self.status == FAREWELL and self.sender is None
