from collections.abc import Sequence
from datetime import datetime

from spot_optimizer.application.commands.changes import save_changes
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.queue import (
    Occasion,
    cancelled_by_notice,
    settle_after_move,
)
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import InstanceId


def settle_former(
    work: UnitOfWork,
    agent: Agent,
    occasion: Occasion,
    now: datetime,
    by: Caller,
    compatibility: Compatibility,
) -> None:
    """As `settle_formers`, of one agent."""
    settle_formers(work, [(agent, by)], occasion, now, compatibility)


def settle_formers(
    work: UnitOfWork,
    moved: Sequence[tuple[Agent, Caller]],
    occasion: Occasion,
    now: datetime,
    compatibility: Compatibility,
) -> None:
    """Close what was ordered of the agents' former instances, and those that were to end by it."""
    waiting = work.commands.open_of([agent.id for agent, _ in moved])
    for agent, by in moved:
        if agent.primary_instance_id is None:
            continue
        commands = {c.id: c for c in waiting.get(agent.id, ())}
        settled = settle_after_move(
            commands.values(), agent.primary_instance_id, occasion, now, compatibility
        )
        for command in settled:
            if command.success and command.ends_the_old_instance and command.instance_id:
                former = work.instances.find(command.instance_id)
                if former is not None and former.agent_id == agent.id and former.is_active:
                    work.instances.save(former.close(now), now)
        save_changes(work, [(commands[after.id], after) for after in settled], now, by)


def cancel_for_notices(
    work: UnitOfWork, lost: Sequence[tuple[Agent, InstanceId, Caller]], now: datetime
) -> None:
    """What was ordered of instances that are about to be lost."""
    waiting = work.commands.open_of([agent.id for agent, _, _ in lost])
    for agent, instance_id, by in lost:
        commands = {c.id: c for c in waiting.get(agent.id, ())}
        cancelled = cancelled_by_notice(commands.values(), instance_id, now)
        save_changes(work, [(commands[after.id], after) for after in cancelled], now, by)
