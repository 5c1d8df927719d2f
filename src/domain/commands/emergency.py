"""The order to leave an instance that is about to be lost (contract/domain.md 4.7.8 step 4)."""

from datetime import datetime

from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.commands.command import (
    PRIORITY_EMERGENCY,
    TRIGGERED_BY_TERMINATION,
    Command,
    CommandType,
)
from spot_optimizer.domain.identifiers import CommandId, PoolId
from spot_optimizer.domain.values import Mode


def emergency_switch(
    agent: Agent, pool_id: PoolId | None, command_id: CommandId, now: datetime
) -> Command:
    """To that pool, or to on demand when there is none; nobody waits for the old instance, which
    ends by itself."""
    return Command(
        id=command_id,
        client_id=agent.client_id,
        agent_id=agent.id,
        command_type=CommandType.EMERGENCY_SWITCH,
        target_mode=Mode.ON_DEMAND if pool_id is None else Mode.SPOT,
        target_pool_id=pool_id,
        instance_id=agent.primary_instance_id,
        priority=PRIORITY_EMERGENCY,
        terminate_wait_seconds=0,
        created_by="system",
        trigger=TRIGGERED_BY_TERMINATION,
        created_at=now,
    )
