"""Which standbys the server keeps for an agent."""

from collections.abc import Mapping
from enum import StrEnum


class ReplicaMode(StrEnum):
    """The server's mode of an agent, by the standbys it has."""

    NONE = "none"
    """Neither flag: the server fails over only if a standby happens to exist."""
    AUTOMATIC = "automatic"
    """A standby from a rebalance recommendation or a notice on; how every agent begins."""
    MANUAL = "manual"
    """One standby at all times."""

    @property
    def settings(self) -> dict[str, object]:
        """What a dashboard sends to set it."""
        automatic, manual = self._flags
        return {"autoSwitchEnabled": automatic, "manualReplicaEnabled": manual}

    def is_stored(self, answer: Mapping[str, object]) -> bool:
        """Whether the server's answer to that says so."""
        stored = (answer.get("auto_switch_enabled"), answer.get("manual_replica_enabled"))
        return stored == self._flags

    @property
    def _flags(self) -> tuple[bool, bool]:
        return (self is ReplicaMode.AUTOMATIC, self is ReplicaMode.MANUAL)
