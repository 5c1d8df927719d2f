"""Which standbys the server keeps for an agent, and how the fleet's owner sets it."""

from enum import StrEnum


class ReplicaMode(StrEnum):
    """The server's mode of an agent, by the standbys it has."""

    NONE = "none"
    """Neither flag: the server fails over only if a standby happens to exist."""
    AUTOMATIC = "automatic"
    """A standby from a rebalance recommendation or notice on; how every agent begins."""
    MANUAL = "manual"
    """One standby at all times."""
