"""What has to be done about the replicas of one agent: its state in, one step out.

The steps stand in their order of urgency (contract/domain.md 4.7.9); after each one the state is
looked at again, until nothing is left to do.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from spot_optimizer.domain.agents.agent import Agent, AgentStatus
from spot_optimizer.domain.interruptions import Interruption, Resolution
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.replicas.standbys import (
    ReplicaMode,
    best_first,
    failover_candidate,
    live,
    may_be_replaced_at,
    recounted,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    agent: Agent
    replicas: Sequence[Replica]
    """The active ones."""
    notices: Sequence[Interruption]
    """Those that may still be open, the newest first."""

    @property
    def mode(self) -> ReplicaMode:
        return ReplicaMode.of(self.agent.settings)

    @property
    def open_notices(self) -> list[Interruption]:
        return [notice for notice in self.notices if notice.is_open]

    @property
    def is_coordinated(self) -> bool:
        """Enabled and online, or about to be lost whatever its status (4.7.9)."""
        if self.agent.is_deleted:
            return False
        works = self.agent.settings.enabled and self.agent.status is AgentStatus.ONLINE
        return works or bool(self.open_notices)

    def stands(self, notice: Interruption) -> bool:
        """Whether it is about the instance that carries the workload."""
        return notice.instance_id == self.agent.primary_instance_id


class Reason(StrEnum):
    TIMED_OUT = "timed out"
    SURPLUS = "surplus"
    EMERGENCY_OVER = "emergency over"


@dataclass(frozen=True, slots=True)
class RepairMode:
    """Both modes are on; automatic wins (4.7.3)."""


@dataclass(frozen=True, slots=True)
class GiveUpOn:
    replicas: Sequence[Replica]


@dataclass(frozen=True, slots=True)
class EndReplicas:
    replicas: Sequence[Replica]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Recount:
    """The counts on record are not those of the live replicas (INV-6)."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    notice: Interruption


@dataclass(frozen=True, slots=True)
class Resolve:
    notice: Interruption
    why: Resolution


@dataclass(frozen=True, slots=True)
class MakeEmergencyReplica:
    notice: Interruption


@dataclass(frozen=True, slots=True)
class MakeStandby:
    """The one that manual mode keeps."""


Step = (
    RepairMode
    | GiveUpOn
    | EndReplicas
    | Recount
    | TakeOver
    | Resolve
    | MakeEmergencyReplica
    | MakeStandby
)


def next_step(seen: Situation, now: datetime, given_up: Collection[type] = ()) -> Step | None:
    """The most urgent thing to do; `given_up` are steps that proved impossible for now."""
    if not seen.is_coordinated:
        return None
    step = _about_notices(seen, now) or _about_counts(seen, now) or _about_protection(seen, now)
    return None if step is None or type(step) in given_up else step


def _about_notices(seen: Situation, now: datetime) -> Step | None:
    for notice in seen.open_notices:
        if notice.is_termination and seen.stands(notice):
            if failover_candidate(seen.replicas, seen.agent.primary_instance_id):
                return TakeOver(notice)
            if notice.is_lost(now):
                return Resolve(notice, Resolution.LOST)
        elif not seen.stands(notice):
            return Resolve(notice, Resolution.NOT_THE_PRIMARY)
        elif notice.has_expired(now):
            return Resolve(notice, Resolution.CLEARED)
    return None


def _about_counts(seen: Situation, now: datetime) -> Step | None:
    settings = seen.agent.settings
    if settings.auto_switch_enabled and settings.manual_replica_enabled:
        return RepairMode()
    if late := [replica for replica in seen.replicas if replica.has_timed_out(now)]:
        return GiveUpOn(late)
    return Recount() if recounted(seen.agent, seen.replicas) != seen.agent else None


def _about_protection(seen: Situation, now: datetime) -> Step | None:
    living = best_first(seen.replicas)
    if len(living) > 1:
        return EndReplicas(living[1:], Reason.SURPLUS)
    if seen.mode is ReplicaMode.MANUAL:
        return MakeStandby() if not living and _may_make_one(seen, now) else None
    if not seen.open_notices:
        over = [replica for replica in living if replica.is_automatic]
        return EndReplicas(over, Reason.EMERGENCY_OVER) if over else None
    warnings = (one for one in seen.open_notices if not one.is_termination)
    advice = next((one for one in warnings if not one.is_only_watched), None)
    if seen.mode is ReplicaMode.OFF or advice is None or living:
        return None
    wanted = advice.may_be_handled(now) and _may_make_one(seen, now)
    return MakeEmergencyReplica(advice) if wanted else None


def _may_make_one(seen: Situation, now: datetime) -> bool:
    """Only for a primary that is known, and not right after one has failed."""
    agent, earliest = seen.agent, may_be_replaced_at(seen.replicas)
    is_known = agent.primary_instance_id is not None and agent.placement.instance_type is not None
    return is_known and (earliest is None or now >= earliest) and not live(seen.replicas)
