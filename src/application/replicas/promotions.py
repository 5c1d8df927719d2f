from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from spot_optimizer.application.commands.settle_former import settle_former
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.application.replicas.changes import save_replicas
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance, StartingPrices
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.queue import Occasion
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import ReplicaId
from spot_optimizer.domain.replicas.occurrences import primary_changed
from spot_optimizer.domain.replicas.promotion import (
    Primaries,
    Promotion,
    PromotionReason,
    promote,
)
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.values import Mode


def primary_of(work: UnitOfWork, agent: Agent) -> Instance | None:
    """The row of the agent's primary; a row of another client is none."""
    if agent.primary_instance_id is None:
        return None
    found = work.instances.find(agent.primary_instance_id)
    return found if found is not None and found.client_id == agent.client_id else None


def carry_out(
    work: UnitOfWork,
    agent: Agent,
    replicas: Sequence[Replica],
    chosen: Replica,
    reason: PromotionReason,
    now: datetime,
    by: Caller,
    compatibility: Compatibility,
    demote_as: ReplicaId | None = None,
    *,
    unlogged: bool = False,
) -> Agent:
    """Promote the chosen one of the agent's replicas: all of it in this transaction (INV-7).

    `unlogged` leaves the old instance and the short log as they are, as the former server's loop
    did. Returns the agent, not saved yet.
    """
    known = work.instances.find(chosen.instance_id)
    prices = StartingPrices.for_instance(
        Mode.SPOT,
        work.prices.on_demand_price(chosen.instance_type or "", chosen.region or ""),
        chosen.hourly_cost,
    )
    primaries = Primaries(old=primary_of(work, agent), new=known, starting_prices=prices)
    promotion = promote(agent, chosen, primaries, reason, now, compatibility, demote_as)
    moved = promotion.agent
    counted = save_replicas(work, moved, replicas, [promotion.replica], now, by, compatibility)
    if promotion.standby is not None:
        others = [one if one.id != chosen.id else promotion.replica for one in replicas]
        both = save_replicas(work, moved, others, [promotion.standby], now, by, compatibility)
        counted = counted if compatibility.promotion_touches_little else both
    if unlogged:
        promotion = replace(promotion, old_instance=None)
    else:
        work.switches.add_primary_change(promotion.change)
    _save_instances(work, promotion, known, now)
    if not compatibility.promotion_touches_little:
        settle_former(work, counted, Occasion.PROMOTION, now, by, compatibility)
    record(work, primary_changed(promotion), by)
    return counted


def _save_instances(
    work: UnitOfWork, promotion: Promotion, known: Instance | None, now: datetime
) -> None:
    if promotion.new_instance is not None:
        if known is None:
            work.instances.add(promotion.new_instance, now)
        else:
            work.instances.save(promotion.new_instance, now)
    if promotion.old_instance is not None:
        work.instances.save(promotion.old_instance, now)
