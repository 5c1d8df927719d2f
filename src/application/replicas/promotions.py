from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from spot_optimizer.application.commands.settle_former import settle_formers
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.application.replicas.changes import ReplicaChanges, save_replicas_of_all
from spot_optimizer.application.replicas.machines import instances_named, primary_among
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance, StartingPrices
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.queue import Occasion
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import InstanceId, ReplicaId
from spot_optimizer.domain.replicas.occurrences import primary_changed
from spot_optimizer.domain.replicas.promotion import (
    Primaries,
    Promotion,
    PromotionReason,
    promote,
)
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.values import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """Which of its replicas an agent is to be moved to."""

    agent: Agent
    replicas: Sequence[Replica]
    chosen: Replica
    by: Caller
    demote_as: ReplicaId | None = None
    """The id of the standby that the former primary becomes; None: it is closed."""


def carry_out(
    work: UnitOfWork,
    takeovers: Sequence[Takeover],
    reason: PromotionReason,
    now: datetime,
    compatibility: Compatibility,
    *,
    unlogged: bool = False,
) -> Sequence[Agent]:
    """Promote the chosen replicas of different agents: all of it in this transaction (INV-7), by a
    fixed number of statements, however many agents they are.

    `unlogged` leaves the old instances and the short log as they are, as the former server's loop
    did. Returns the agents, not saved yet.
    """
    coming = [one.chosen.instance_id for one in takeovers]
    going = [one.agent.primary_instance_id for one in takeovers]
    known = instances_named(work, [*coming, *going])
    promotions = _promotions(work, takeovers, known, reason, now, compatibility)
    pairs = list(zip(takeovers, promotions, strict=True))
    counted = save_replicas_of_all(
        work,
        [
            ReplicaChanges(agent=made.agent, known=one.replicas, changed=[made.replica], by=one.by)
            for one, made in pairs
        ],
        now,
        compatibility,
    )
    with_standbys = _save_standbys(work, pairs, counted, now, compatibility)
    if not compatibility.promotion_touches_little:
        counted = with_standbys
    if unlogged:
        promotions = [replace(made, old_instance=None) for made in promotions]
    else:
        work.switches.add_primary_changes([made.change for made in promotions])
    _save_instances(work, promotions, known.keys(), now)
    if not compatibility.promotion_touches_little:
        moved = [(agent, one.by) for agent, one in zip(counted, takeovers, strict=True)]
        settle_formers(work, moved, Occasion.PROMOTION, now, compatibility)
    for (one, _), promotion in zip(pairs, promotions, strict=True):
        record(work, primary_changed(promotion), one.by)
    return counted


def _promotions(
    work: UnitOfWork,
    takeovers: Sequence[Takeover],
    known: Mapping[InstanceId, Instance],
    reason: PromotionReason,
    now: datetime,
    compatibility: Compatibility,
) -> Sequence[Promotion]:
    places = [(one.chosen.instance_type or "", one.chosen.region or "") for one in takeovers]
    on_demand = work.prices.on_demand_prices(set(places))
    promotions = []
    for one, place in zip(takeovers, places, strict=True):
        prices = StartingPrices.for_instance(
            Mode.SPOT, on_demand.get(place), one.chosen.hourly_cost
        )
        primaries = Primaries(
            old=primary_among(known, one.agent),
            new=known.get(one.chosen.instance_id),
            starting_prices=prices,
        )
        promotions.append(
            promote(one.agent, one.chosen, primaries, reason, now, compatibility, one.demote_as)
        )
    return promotions


def _save_standbys(
    work: UnitOfWork,
    pairs: Sequence[tuple[Takeover, Promotion]],
    counted: Sequence[Agent],
    now: datetime,
    compatibility: Compatibility,
) -> Sequence[Agent]:
    """The agents counted with those of their former primaries that have become standbys."""
    demotions = [
        ReplicaChanges(
            agent=made.agent,
            known=[one if one.id != made.replica.id else made.replica for one in asked.replicas],
            changed=[made.standby],
            by=asked.by,
        )
        for asked, made in pairs
        if made.standby is not None
    ]
    after = {agent.id: agent for agent in counted}
    for agent in save_replicas_of_all(work, demotions, now, compatibility):
        after[agent.id] = agent
    return list(after.values())


def _save_instances(
    work: UnitOfWork,
    promotions: Sequence[Promotion],
    known: Collection[InstanceId],
    now: datetime,
) -> None:
    new = [made.new_instance for made in promotions if made.new_instance is not None]
    old = [made.old_instance for made in promotions if made.old_instance is not None]
    work.instances.add_all([one for one in new if one.id not in known], now)
    work.instances.save_all([*(one for one in new if one.id in known), *old], now)
