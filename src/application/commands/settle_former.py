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
    """Close what was ordered of the agent's former instances, and those that were to end by it."""
    if agent.primary_instance_id is None:
        return
    commands = {c.id: c for c in work.commands.open_of([agent.id]).get(agent.id, ())}
    settled = settle_after_move(
        commands.values(), agent.primary_instance_id, occasion, now, compatibility
    )
    for command in settled:
        if command.success and command.ends_the_old_instance and command.instance_id:
            former = work.instances.find(command.instance_id)
            if former is not None and former.agent_id == agent.id and former.is_active:
                work.instances.save(former.close(now), now)
    save_changes(work, [(commands[after.id], after) for after in settled], now, by)


def cancel_for_notice(
    work: UnitOfWork, agent: Agent, instance_id: InstanceId, now: datetime, by: Caller
) -> None:
    commands = {c.id: c for c in work.commands.open_of([agent.id]).get(agent.id, ())}
    cancelled = cancelled_by_notice(commands.values(), instance_id, now)
    save_changes(work, [(commands[after.id], after) for after in cancelled], now, by)
