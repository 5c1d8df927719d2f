"""The life of a replica, as a table (contract/domain.md 4.7.4)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.state_machine import Arrow, transitions


class ReplicaStatus(StrEnum):
    LAUNCHING = "launching"
    SYNCING = "syncing"
    READY = "ready"
    PROMOTED = "promoted"
    TERMINATED = "terminated"
    FAILED = "failed"


class ReplicaEvent(StrEnum):
    LAUNCH = "reported launching"
    SYNCHRONISE = "reported syncing"
    GET_READY = "reported ready"
    FAIL = "fail"
    TERMINATE = "terminate"
    PROMOTE = "promote"
    DELETE = "deleted by a user"


_LAUNCHING, _SYNCING, _READY = (
    ReplicaStatus.LAUNCHING,
    ReplicaStatus.SYNCING,
    ReplicaStatus.READY,
)
_PROMOTED, _TERMINATED, _FAILED = (
    ReplicaStatus.PROMOTED,
    ReplicaStatus.TERMINATED,
    ReplicaStatus.FAILED,
)

# In these it protects its agent, as long as it is active (INV-5).
LIVE: Final = (_LAUNCHING, _SYNCING, _READY)

# Reports of a promoted or terminated replica lead nowhere: they are acknowledged with the status
# that is kept.
ARROWS: Final = (
    Arrow(LIVE, ReplicaEvent.LAUNCH, _LAUNCHING),
    Arrow(LIVE, ReplicaEvent.SYNCHRONISE, _SYNCING, effect="launched, if it was not"),
    Arrow(LIVE, ReplicaEvent.GET_READY, _READY, effect="ready now, if it was not"),
    Arrow((_FAILED,), ReplicaEvent.SYNCHRONISE, _SYNCING, guard="no other replica is live"),
    Arrow((_FAILED,), ReplicaEvent.GET_READY, _READY, guard="no other replica is live"),
    Arrow(LIVE, ReplicaEvent.FAIL, _FAILED, effect="stays listed, protects no more"),
    Arrow((*LIVE, _FAILED), ReplicaEvent.TERMINATE, _TERMINATED, effect="ended, costs settled"),
    Arrow(
        (_SYNCING, _READY),
        ReplicaEvent.PROMOTE,
        _PROMOTED,
        guard="its machine is known and not the primary already",
        effect="its machine is the primary",
    ),
    # The primary named in a termination notice may name it while it still launches (R9).
    Arrow(
        (_LAUNCHING,),
        ReplicaEvent.PROMOTE,
        _PROMOTED,
        guard="named by a termination notice, its machine is known",
        effect="its machine is the primary",
    ),
    Arrow((*LIVE, _FAILED), ReplicaEvent.DELETE, _TERMINATED, effect="ended, costs settled"),
    Arrow((_PROMOTED,), ReplicaEvent.DELETE, _TERMINATED, effect="closes the record only"),
)

TRANSITIONS: Final[Mapping[tuple[ReplicaStatus, ReplicaEvent], ReplicaStatus]] = transitions(ARROWS)

# What an agent may report, and the event that it is.
REPORTS: Final[Mapping[str, ReplicaEvent]] = {
    ReplicaStatus.LAUNCHING: ReplicaEvent.LAUNCH,
    ReplicaStatus.SYNCING: ReplicaEvent.SYNCHRONISE,
    ReplicaStatus.READY: ReplicaEvent.GET_READY,
    ReplicaStatus.FAILED: ReplicaEvent.FAIL,
    ReplicaStatus.TERMINATED: ReplicaEvent.TERMINATE,
}
