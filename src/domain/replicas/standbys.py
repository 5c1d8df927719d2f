"""All replicas of one agent together (contract/domain.md 4.7)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.agents.agent import Agent, AgentSettings
from spot_optimizer.domain.identifiers import InstanceId, ReplicaId
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica

# After failed replicas the next one waits, twice as long each time (contract/domain.md 4.7.2).
FIRST_RETRY_PAUSE: Final = timedelta(seconds=30)
LONGEST_RETRY_PAUSE: Final = timedelta(seconds=600)

# So many in a row that nobody even launched are no chance: that agent's program does not launch
# replicas for the server (contract/real-agents.md 4.5), and may be another one some day.
UNLAUNCHED_ARE_ENOUGH: Final = 3
FIRST_UNLAUNCHED_PAUSE: Final = timedelta(hours=2)
LONGEST_UNLAUNCHED_PAUSE: Final = timedelta(hours=24)

_PREFERENCE: Final = {
    ReplicaStatus.READY: 0,
    ReplicaStatus.SYNCING: 1,
    ReplicaStatus.LAUNCHING: 2,
}


class ReplicaMode(StrEnum):
    """What protects an agent; derived from two settings, automatic wins if both are on (4.7.3)."""

    AUTO = "auto"
    MANUAL = "manual"
    OFF = "off"

    @classmethod
    def of(cls, settings: AgentSettings) -> "ReplicaMode":
        if settings.auto_switch_enabled:
            return cls.AUTO
        return cls.MANUAL if settings.manual_replica_enabled else cls.OFF


def live(replicas: Iterable[Replica]) -> list[Replica]:
    return [replica for replica in replicas if replica.is_live]


def newest(replicas: Iterable[Replica]) -> Replica | None:
    return min(replicas, key=_newest_first, default=None)


def best_first(replicas: Iterable[Replica]) -> list[Replica]:
    """Ready before syncing before launching, then the newest, then by id (4.7.9)."""
    return sorted(
        live(replicas), key=lambda replica: (_PREFERENCE[replica.status], *_newest_first(replica))
    )


def recounted(agent: Agent, replicas: Iterable[Replica]) -> Agent:
    """With the number of live replicas and the one that counts: the same if it is still live, else
    the newest, else none (INV-6)."""
    living = live(replicas)
    current: ReplicaId | None = agent.current_replica_id
    if all(replica.id != current for replica in living):
        successor = newest(living)
        current = successor.id if successor else None
    return agent.has_replicas(len(living), current)


def failover_candidate(
    replicas: Iterable[Replica], primary: InstanceId | None, named: ReplicaId | None = None
) -> Replica | None:
    """Who takes over when the primary is about to be lost (4.7.8 step 2).

    The replica that the notice names, if it lives and has a machine; else the best that is ready or
    syncing: ready first, then the oldest, then by id.
    """
    able = [
        replica
        for replica in live(replicas)
        if replica.has_machine and replica.instance_id != primary
    ]
    chosen = next((replica for replica in able if replica.id == named), None)
    return chosen or min(
        (replica for replica in able if replica.status is not ReplicaStatus.LAUNCHING),
        key=lambda one: (_PREFERENCE[one.status], one.created_at, one.id),
        default=None,
    )


def may_be_replaced_at(replicas: Sequence[Replica]) -> datetime | None:
    """When the next replica may be made, after the newest ones have failed: 30 s x 2^(n-1), at most
    600 s, after the n-th failure in a row; 2 h x 2^(n-3), at most a day, once the newest three or
    more have not even been launched; None is at once."""
    failures: list[Replica] = []
    for replica in sorted(replicas, key=_newest_first):
        if replica.status is not ReplicaStatus.FAILED:
            break
        failures.append(replica)
    if not failures:
        return None
    unlaunched = 0
    while unlaunched < len(failures) and failures[unlaunched].was_never_launched:
        unlaunched += 1
    last = failures[0].failed_at or failures[0].created_at
    if unlaunched >= UNLAUNCHED_ARE_ENOUGH:
        return last + _doubled(
            FIRST_UNLAUNCHED_PAUSE, unlaunched - UNLAUNCHED_ARE_ENOUGH, LONGEST_UNLAUNCHED_PAUSE
        )
    return last + _doubled(FIRST_RETRY_PAUSE, len(failures) - 1, LONGEST_RETRY_PAUSE)


def _doubled(first: timedelta, times: int, longest: timedelta) -> timedelta:
    pause: timedelta = first * 2 ** min(times, 10)
    return min(pause, longest)


def _newest_first(replica: Replica) -> tuple[float, str]:
    return -replica.created_at.timestamp(), replica.id
