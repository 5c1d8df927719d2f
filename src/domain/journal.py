"""What an action leaves behind for its three readers (contract/domain.md 4.9).

Events are for operators, notifications for the client, audit entries for whoever asks later who
changed what.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId
from spot_optimizer.domain.values import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemEvent:
    event_type: str
    severity: Severity
    message: str | None
    client_id: ClientId | None = None
    agent_id: AgentId | None = None
    instance_id: InstanceId | None = None
    metadata: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    client_id: ClientId
    message: str
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """`changes` holds [before, after] by field; tokens never appear in it."""

    entity_type: str
    entity_id: str
    action: str
    details: Mapping[str, object] | None = None
    changes: Mapping[str, tuple[object, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One thing that happened, in the words of each reader that is told of it."""

    at: datetime
    event: SystemEvent | None = None
    notification: Notification | None = None
    audit: AuditEntry | None = None


def changes(**fields: tuple[object, object]) -> dict[str, tuple[object, object]]:
    """Those of the fields whose value differs."""
    return {name: (before, after) for name, (before, after) in fields.items() if before != after}
