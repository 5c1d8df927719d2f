"""Replicas, and the standbys that they are, in memory."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from spot_optimizer.application.replicas.queries import ListedReplica
from spot_optimizer.domain.agents.instances import Standby
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId, PoolId, ReplicaId
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.replicas.coordination import Situation
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica, ReplicaType
from tests.builders import NOON
from tests.fakes.identity import InMemoryAgents
from tests.fakes.interruptions import InMemoryInterruptions
from tests.fakes.keeping import Keeping, refuse_twice


class InMemoryReplicas(Keeping):
    def __init__(self, replicas: Iterable[Replica]) -> None:
        self.kept = {replica.id: replica for replica in replicas}

    def find(self, agent_id: AgentId, replica_id: ReplicaId) -> Replica | None:
        replica = self.kept.get(replica_id)
        return replica if replica is not None and replica.agent_id == agent_id else None

    def active_of(self, agent_id: AgentId) -> Sequence[Replica]:
        return newest_first(
            one for one in self.kept.values() if one.agent_id == agent_id and one.is_active
        )

    def of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Sequence[Replica]]:
        return {one: found for one in agent_ids if (found := self.active_of(one))}

    def add(self, replica: Replica) -> None:
        refuse_twice(replica.id in self.kept)
        self.kept[replica.id] = replica

    def add_all(self, replicas: Sequence[Replica]) -> None:
        for replica in replicas:
            self.add(replica)

    def save_all(self, replicas: Sequence[Replica]) -> None:
        for replica in replicas:
            if replica.id in self.kept:
                self.kept[replica.id] = replica


class InMemoryStandbys:
    """Reads the replicas."""

    def __init__(self, replicas: InMemoryReplicas, agents: InMemoryAgents) -> None:
        self._replicas = replicas
        self._agents = agents

    def on_instance(self, client_id: ClientId, instance_id: InstanceId) -> Standby | None:
        owners = self._agents.kept
        return next(
            (
                replica.as_standby
                for replica in newest_first(self._replicas.kept.values())
                if replica.is_live
                and replica.instance_id == instance_id
                and replica.agent_id in owners
                and owners[replica.agent_id].client_id == client_id
            ),
            None,
        )

    def of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Sequence[Standby]]:
        found: dict[AgentId, list[Standby]] = {}
        for replica in self._replicas.kept.values():
            if replica.agent_id in agent_ids and replica.is_live:
                found.setdefault(replica.agent_id, []).append(replica.as_standby)
        return found


class InMemoryReplicaQueries:
    """Reads the replicas and pools of a unit of work."""

    def __init__(
        self, agents: InMemoryAgents, replicas: InMemoryReplicas, pools: Mapping[PoolId, SpotPool]
    ) -> None:
        self._agents, self._replicas, self._pools = agents, replicas, pools

    def replicas_of(
        self, agent_id: AgentId, owner: ClientId | None, *, ended_too: bool
    ) -> Sequence[ListedReplica]:
        self._agents.get(agent_id, owner)
        return [
            ListedReplica(replica, self._pool(replica))
            for replica in newest_first(self._replicas.kept.values())
            if replica.agent_id == agent_id and (ended_too or replica.is_active)
        ]

    def _pool(self, replica: Replica) -> SpotPool:
        known = self._pools.get(replica.pool_id) if replica.pool_id else None
        return known or SpotPool.of(
            replica.instance_type or "", replica.region or "", replica.zone or "", replica.pool_id
        )


class InMemoryCoordinationQueries:
    """Reads the agents, replicas and notices of a unit of work."""

    def __init__(
        self,
        agents: InMemoryAgents,
        replicas: InMemoryReplicas,
        interruptions: InMemoryInterruptions,
    ) -> None:
        self._agents, self._replicas, self._interruptions = agents, replicas, interruptions

    def situations(self, since: datetime) -> Sequence[Situation]:
        return [
            Situation(
                agent=agent,
                replicas=[
                    one
                    for one in self._replicas.active_of(agent.id)
                    if one.is_live
                    or (one.status is ReplicaStatus.FAILED and one.created_at >= since)
                ],
                notices=[
                    one
                    for one in self._interruptions.list_of(agent.id, since)
                    if not one.failover_completed
                ],
            )
            for _, agent in sorted(self._agents.kept.items())
            if not agent.is_deleted
        ]


def replica_of(standby: Standby) -> Replica:
    """What a standby is, as far as it says."""
    status = ReplicaStatus(standby.status)
    return Replica(
        id=standby.replica_id,
        agent_id=standby.agent_id,
        instance_id=standby.instance_id,
        replica_type=ReplicaType(standby.replica_type),
        status=status,
        is_active=status is not ReplicaStatus.TERMINATED,
        created_at=NOON,
    )


def newest_first(replicas: Iterable[Replica]) -> list[Replica]:
    return sorted(replicas, key=lambda one: (-one.created_at.timestamp(), one.id))
