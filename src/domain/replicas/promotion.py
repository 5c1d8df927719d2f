"""A replica becomes the primary (contract/domain.md 4.7.5, INV-7 and INV-8)."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from spot_optimizer.domain.agents.agent import Agent, Placement
from spot_optimizer.domain.agents.instances import Instance, StartingPrices
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import Refused
from spot_optimizer.domain.identifiers import AgentId, InstanceId, ReplicaId
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica, demoted
from spot_optimizer.domain.values import Mode


class PromotionReason(StrEnum):
    MANUAL = "manual-replica-promotion"
    FAILOVER = "automatic-interruption-failover"


class NotReady(Refused):
    def __init__(self, replica: Replica) -> None:
        super().__init__(
            "Replica not ready for promotion",
            current_status=replica.status,
            required_status="ready or syncing",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryChange:
    """An entry of the short log; promotions are no switches."""

    agent_id: AgentId
    old_instance_id: InstanceId | None
    new_instance_id: InstanceId
    reason: PromotionReason
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Everything that changes together."""

    agent: Agent
    replica: Replica
    new_instance: Instance | None
    """None: it is on record for somebody else, whose row is not ours to touch."""
    old_instance: Instance | None
    """None: it goes on as it is."""
    standby: Replica | None
    """The former primary, if it was demoted."""
    change: PrimaryChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Primaries:
    """What is on record of the two machines, and what a new one starts with."""

    old: Instance | None
    """None: nobody ever wrote it down, which keeps no emergency waiting."""
    new: Instance | None
    starting_prices: StartingPrices


def check_promotable(replica: Replica, agent: Agent, compat: Compatibility) -> None:
    """On a user's order.

    Raises:
        NotReady: its status, or that nobody has launched it (ruling R6), or that it is the primary.
    """
    if replica.status not in (ReplicaStatus.READY, ReplicaStatus.SYNCING):
        raise NotReady(replica)
    if compat.placeholders_are_promoted:
        return
    if not replica.has_machine or replica.instance_id == agent.primary_instance_id:
        raise NotReady(replica)


def promote(
    agent: Agent,
    replica: Replica,
    primaries: Primaries,
    reason: PromotionReason,
    now: datetime,
    compat: Compatibility,
    demote_as: ReplicaId | None = None,
) -> Promotion:
    """The replica takes over; the former primary becomes a standby under the id `demote_as`, or is
    closed."""
    in_emergency = reason is PromotionReason.FAILOVER
    promoted = replica.promote(now, in_emergency=in_emergency)
    place = Placement(
        instance_type=replica.instance_type or agent.placement.instance_type,
        region=replica.region or agent.placement.region,
        zone=replica.zone or agent.placement.zone,
        mode=Mode.SPOT,
    )
    place = replace(place, pool_id=replica.pool_id or place.derived_pool)
    if compat.promotion_touches_little:
        place = agent.placement
    moved = agent.follow(replica.instance_id, place).fail_over(now, in_emergency=in_emergency)
    new = _new_primary(moved, promoted, primaries, now, compat)
    old, closed = primaries.old, None
    if old is not None and new is not None and old.id == new.id:
        old = new  # only where the former server is reproduced
    if old is not None and demote_as is None:
        closed = old.close(now)
        if compat.promotion_touches_little:
            closed = replace(old, is_active=False)
    return Promotion(
        agent=moved,
        replica=promoted,
        new_instance=new,
        old_instance=closed,
        standby=None
        if demote_as is None or old is None
        else demoted(demote_as, old, agent.id, replica.instance_id, now, compat),
        change=PrimaryChange(
            agent_id=agent.id,
            old_instance_id=agent.primary_instance_id,
            new_instance_id=replica.instance_id,
            reason=reason,
            at=now,
        ),
    )


def _new_primary(
    agent: Agent, replica: Replica, primaries: Primaries, now: datetime, compat: Compatibility
) -> Instance | None:
    known, prices = primaries.new, primaries.starting_prices
    if known is not None and known.client_id != agent.client_id:
        return None
    instance = known or Instance(
        id=replica.instance_id,
        client_id=agent.client_id,
        agent_id=None,
        instance_type=replica.instance_type or agent.placement.instance_type or "",
        region=replica.region or agent.placement.region or "",
        zone=replica.zone or agent.placement.zone or "",
        ami_id=None if compat.promotion_touches_little else agent.ami_id,
        on_demand_price=prices.on_demand,
        baseline_on_demand_price=prices.on_demand,
        installed_at=now,
    )
    return replace(
        instance,
        agent_id=instance.agent_id if compat.promotion_touches_little else agent.id,
        instance_type=replica.instance_type or instance.instance_type,
        region=replica.region or instance.region,
        zone=replica.zone or instance.zone,
        mode=Mode.SPOT,
        pool_id=replica.pool_id,
        spot_price=instance.spot_price if replica.hourly_cost is None else replica.hourly_cost,
        is_active=True,
        terminated_at=None,
    )
