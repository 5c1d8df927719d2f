"""Which standbys the server keeps for an agent."""

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
        """The agent's settings that mean it."""
        return {
            "auto_switch_enabled": self is ReplicaMode.AUTOMATIC,
            "manual_replica_enabled": self is ReplicaMode.MANUAL,
        }
