"""The replica that is made because a notice has come (contract/domain.md 4.7.7)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.errors import DomainError
from spot_optimizer.domain.identifiers import PoolId, ReplicaId
from spot_optimizer.domain.interruptions import SignalType
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.likeness import PoolPast
from spot_optimizer.domain.replicas.pools import NO_PASTS, NO_WISHES, PoolMarket, Wishes
from spot_optimizer.domain.replicas.replica import Placeholder, Replica, ReplicaType

_TYPES = {
    SignalType.REBALANCE_RECOMMENDATION: ReplicaType.AUTOMATIC_REBALANCE,
    SignalType.TERMINATION_NOTICE: ReplicaType.AUTOMATIC_TERMINATION,
}


class NoCapacity(DomainError):
    """There is no pool to go to."""

    def __init__(self) -> None:
        super().__init__(
            "No suitable pool found for emergency replica",
            hint="All pools may be at risk or unavailable",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyReplica:
    """Why it is wanted, and by whom."""

    signal_type: SignalType
    termination_at: datetime | None = None
    created_by: str


def pools_that_failed(replicas: Iterable[Replica]) -> frozenset[PoolId]:
    """Where replicas have failed that are still remembered."""
    return frozenset(
        one.pool_id for one in replicas if one.status is ReplicaStatus.FAILED and one.pool_id
    )


def make_emergency_replica(
    wanted: EmergencyReplica,
    agent: Agent,
    replicas: Iterable[Replica],
    market: PoolMarket,
    new_id: str,
    now: datetime,
    wishes: Wishes = NO_WISHES,
    pasts: Mapping[PoolId, PoolPast] = NO_PASTS,
) -> Replica:
    """In the safest pool, other pools than those of replicas that have failed first.

    Raises:
        NoCapacity: no other pool is there.
    """
    pool = market.safest(wishes, pools_that_failed(replicas), pasts)
    if pool is None:
        raise NoCapacity
    replica_id = ReplicaId(new_id)
    return Replica(
        id=replica_id,
        agent_id=agent.id,
        instance_id=Placeholder.EMERGENCY.of(replica_id),
        replica_type=_TYPES[wanted.signal_type],
        pool_id=pool.pool_id,
        instance_type=market.instance_type,
        region=market.region,
        zone=pool.zone,
        created_by=wanted.created_by,
        parent_instance_id=agent.primary_instance_id,
        created_at=now,
        hourly_cost=pool.price,
        signal_type=wanted.signal_type,
        interruption_detected_at=now,
        termination_at=wanted.termination_at,
    )
