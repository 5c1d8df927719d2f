"""Signs that a spot instance will be taken away (contract/domain.md 4.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId

# The same sign again within this time is the same sign (contract/domain.md 4.4.2), inclusive.
REPEAT_WINDOW: Final = timedelta(minutes=15)


class SignalType(StrEnum):
    REBALANCE_RECOMMENDATION = "rebalance-recommendation"
    TERMINATION_NOTICE = "termination-notice"


class ResponseAction(StrEnum):
    CREATED_REPLICA = "created-replica"
    PROMOTED_REPLICA = "promoted-existing-replica"
    EMERGENCY_SNAPSHOT = "emergency-snapshot"
    NONE = "no-action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """A notice that was accepted, and what was done about it."""

    agent_id: AgentId
    instance_id: InstanceId
    pool_id: PoolId | None
    signal_type: SignalType
    detected_at: datetime
    response_action: ResponseAction = ResponseAction.NONE
    metadata: Mapping[str, object] = field(default_factory=dict)
