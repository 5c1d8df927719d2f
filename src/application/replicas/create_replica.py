from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from spot_optimizer.application.interruptions.failover import Failover
from spot_optimizer.application.ports.clock import Clock, Stopwatch
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import save_if_changed, save_replicas
from spot_optimizer.application.replicas.machines import primary_of
from spot_optimizer.application.replicas.market import (
    market_around,
    pasts_of_equals,
    pool_of_replica,
)
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.agent import Agent, AgentStatus
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound, NotFound, Refused, ValidationFailed
from spot_optimizer.domain.identifiers import (
    POOL_ID_LENGTH,
    AgentId,
    InstanceId,
    PoolId,
    ReplicaId,
    zone_of,
)
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.pricing.report import SpotPool, is_aws_name
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.pools import NO_WISHES, PoolMarket, Wishes
from spot_optimizer.domain.replicas.replica import Placeholder, Replica, ReplicaReport
from spot_optimizer.domain.replicas.standbys import live


class NoSuchAgentOnline(NotFound):
    def __init__(self) -> None:
        super().__init__("Agent not found or offline")


class TooManyReplicas(Refused):
    def __init__(self, count: int) -> None:
        super().__init__(
            "Replica already exists for this agent",
            current_count=count,
            max_allowed=1,
            note="Manual replica mode maintains exactly 1 replica. Delete existing replica first.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaOrder:
    """What a user wants, or what an agent says of the machine that it has launched already."""

    pool_id: PoolId | None = None
    wishes: Wishes = NO_WISHES
    tags: Mapping[str, object]
    created_by: str = "unknown"
    machine: InstanceId | None = None
    status: ReplicaStatus = ReplicaStatus.LAUNCHING


@dataclass(frozen=True, slots=True)
class CreatedReplica:
    replica: Replica
    pool: SpotPool


@dataclass(frozen=True, slots=True)
class CreateReplica:
    """A standby for an agent; of several requests at once one wins, because the agent is held.

    A machine that runs already is taken in whatever the settings say: refusing it would leave it
    to nobody (contract/real-agents.md, POST replicas). If it is ready while the primary is about to
    be lost, it takes over at once.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    stopwatch: Stopwatch
    identifiers: Identifiers
    price_freshness: timedelta
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, agent_id: AgentId, order: ReplicaOrder, caller: Caller) -> CreatedReplica:
        now = self.clock.now()
        with self.unit_of_work() as work:
            agent = self._agent(work, agent_id, order, caller)
            primary = primary_of(work, agent)
            if order.machine is None and primary is None:
                raise NoSuchAgentOnline
            if order.machine is None and not agent.settings.manual_replica_enabled:
                raise Refused(
                    "Manual replicas not enabled for this agent",
                    hint="Enable manual_replica_enabled in agent settings",
                )
            known = work.replicas.active_of(agent.id)
            replica, pool = self._made(work, agent, primary, known, order, now)
            counted = save_replicas(work, agent, known, [replica], now, caller, self.compatibility)
            if replica.status is ReplicaStatus.READY:
                began_s = self.stopwatch.seconds()
                failover = Failover(work, now, self.stopwatch, self.compatibility, began_s)
                counted = failover.as_somebody_is_ready(counted, caller)
                replica = work.replicas.find(agent.id, replica.id) or replica
            save_if_changed(work, agent, counted, now)
            work.commit()
        return CreatedReplica(replica, pool)

    @staticmethod
    def _agent(work: UnitOfWork, agent_id: AgentId, order: ReplicaOrder, caller: Caller) -> Agent:
        try:
            agent = work.agents.get_for_update(agent_id, caller.owner)
        except AgentNotFound as unknown:
            raise NoSuchAgentOnline from unknown
        is_there = not agent.is_deleted if order.machine else agent.status is AgentStatus.ONLINE
        if not is_there:
            raise NoSuchAgentOnline
        return agent

    def _made(
        self,
        work: UnitOfWork,
        agent: Agent,
        primary: Instance | None,
        known: Sequence[Replica],
        order: ReplicaOrder,
        now: datetime,
    ) -> tuple[Replica, SpotPool]:
        living = live(known)
        if living and order.machine is not None:
            taken_in = self._taken_in(living, order, now)
            return taken_in, pool_of_replica(work, taken_in)
        if living:
            raise TooManyReplicas(len(living))
        pool, hourly_cost = self._pool(work, agent, primary, order, now)
        replica_id = ReplicaId(self.identifiers.new_id())
        runs = order.machine is not None
        return (
            Replica(
                id=replica_id,
                agent_id=agent.id,
                instance_id=order.machine or Placeholder.USER.of(replica_id),
                pool_id=pool.id,
                instance_type=pool.instance_type,
                region=pool.region,
                zone=pool.zone,
                status=order.status,
                created_by=order.created_by,
                parent_instance_id=agent.primary_instance_id,
                created_at=now,
                launched_at=now if runs else None,
                ready_at=now if order.status is ReplicaStatus.READY else None,
                hourly_cost=hourly_cost,
                tags=order.tags,
            ),
            pool,
        )

    def _taken_in(self, living: list[Replica], order: ReplicaOrder, now: datetime) -> Replica:
        """The same machine again, or the one that a replica has been waiting for."""
        for replica in living:
            if replica.instance_id == order.machine:
                return replica
        waiting = next((one for one in living if one.waits_for_launch), None)
        if waiting is None:
            raise TooManyReplicas(len(living))
        report = ReplicaReport(instance_id=order.machine, status=order.status)
        return waiting.after(report, False, now, self.compatibility)

    def _pool(
        self,
        work: UnitOfWork,
        agent: Agent,
        primary: Instance | None,
        order: ReplicaOrder,
        now: datetime,
    ) -> tuple[SpotPool, Decimal | None]:
        market = market_around(work, agent, primary, now, self.price_freshness)
        if order.pool_id is not None:
            pool = self._named_pool(work, order, order.pool_id, market, now)
            return pool, _price(work, pool, now)
        pasts = pasts_of_equals(work, market, market.equally_cheap(order.wishes))
        chosen: PricedPool | None = market.cheapest(order.wishes, pasts)
        if chosen is None and order.machine is not None:
            chosen = next((one for one in market.pools if one.pool_id == market.current), None)
        found = work.pools.find(chosen.pool_id) if chosen is not None else None
        if chosen is None or found is None:
            raise ValidationFailed(
                "No suitable pool found", hint="Try adjusting exclude_zones or max_hourly_cost"
            )
        return found, chosen.price

    @staticmethod
    def _named_pool(
        work: UnitOfWork,
        order: ReplicaOrder,
        pool_id: PoolId,
        market: PoolMarket,
        now: datetime,
    ) -> SpotPool:
        pool = work.pools.find(pool_id)
        if pool is None and order.machine is not None and is_aws_name(pool_id, POOL_ID_LENGTH):
            runs_in = SpotPool.of(market.instance_type, market.region, zone_of(pool_id), pool_id)
            kept_as = work.pools.ensure([runs_in], now)[pool_id]
            pool = work.pools.find(kept_as)
        if pool is None:
            raise NotFound("Pool not found")
        if pool.instance_type != market.instance_type and order.machine is None:
            raise ValidationFailed(
                "Pool instance type mismatch",
                agent_type=market.instance_type,
                pool_type=pool.instance_type,
            )
        return pool


def _price(work: UnitOfWork, pool: SpotPool, now: datetime) -> Decimal | None:
    priced = work.pools.list_priced(pool.instance_type, pool.region, now)
    known = next((one for one in priced if one.pool_id == pool.id), None)
    return work.prices.latest_spot_price(pool.id) if known is None else known.price
