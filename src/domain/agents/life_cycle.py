"""The life of an agent, as a table (contract/domain.md 4.6.3)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.state_machine import Arrow, transitions


class AgentStatus(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    DISABLED = "disabled"
    SWITCHING = "switching"
    ERROR = "error"
    DELETED = "deleted"


class AgentEvent(StrEnum):
    REGISTER = "register"
    HEAR_ONLINE = "heartbeat online"
    HEAR_OFFLINE = "heartbeat offline or deleted"
    HEAR_DISABLED = "heartbeat disabled"
    HEAR_SWITCHING = "heartbeat switching"
    HEAR_ERROR = "heartbeat error"
    FALL_SILENT = "fall silent"
    TERMINATE = "termination reported"
    DELETE = "deleted by a client"


_REPORTED: Final = tuple(status for status in AgentStatus if status is not AgentStatus.DELETED)

# Registration alone leads out of `deleted` (INV-10); `switching`, `error` and `disabled` are only
# ever set by the agent's own heartbeat.
ARROWS: Final[tuple[Arrow[AgentStatus, AgentEvent], ...]] = (
    Arrow(
        _REPORTED,
        AgentEvent.REGISTER,
        AgentStatus.ONLINE,
        guard="from its primary, from a new instance, or while the primary is dead",
        effect="the primary is where it registers from",
    ),
    Arrow(
        (AgentStatus.DELETED,),
        AgentEvent.REGISTER,
        AgentStatus.ONLINE,
        effect="the same agent, with default settings",
    ),
    Arrow(_REPORTED, AgentEvent.HEAR_ONLINE, AgentStatus.ONLINE, effect="heard from now"),
    Arrow(_REPORTED, AgentEvent.HEAR_OFFLINE, AgentStatus.OFFLINE, effect="the client is told"),
    Arrow(_REPORTED, AgentEvent.HEAR_DISABLED, AgentStatus.DISABLED),
    Arrow(_REPORTED, AgentEvent.HEAR_SWITCHING, AgentStatus.SWITCHING),
    Arrow(_REPORTED, AgentEvent.HEAR_ERROR, AgentStatus.ERROR),
    Arrow(
        (AgentStatus.ONLINE,),
        AgentEvent.FALL_SILENT,
        AgentStatus.OFFLINE,
        guard="nothing heard for 120 s",
        effect="the client is told",
    ),
    Arrow(_REPORTED, AgentEvent.TERMINATE, AgentStatus.OFFLINE, effect="the client is told"),
    Arrow(
        tuple(AgentStatus),
        AgentEvent.DELETE,
        AgentStatus.DELETED,
        effect="replicas and orders end with it",
    ),
)

# Where each status may lead.
TRANSITIONS: Final[Mapping[AgentStatus, frozenset[AgentStatus]]] = {
    status: frozenset(
        target for (source, _), target in transitions(ARROWS).items() if source is status
    )
    for status in AgentStatus
}
