"""Machines of an agent that may still run though they carry its workload no longer
(contract/domain.md 4.6.4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from spot_optimizer.domain.agents.agent import AgentSettings
from spot_optimizer.domain.identifiers import AgentId, InstanceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Zombie:
    """Neither the primary nor a standby of its agent, and nobody has said that it has ended."""

    instance_id: InstanceId
    agent_id: AgentId
    settings: AgentSettings
    replaced_at: datetime | None
    """When its agent last moved; None where nobody has written that down."""

    def should_have_ended(self, now: datetime) -> bool:
        """Whether its agent was to end it, and has had the time to."""
        if not self.settings.auto_terminate_enabled or self.replaced_at is None:
            return False
        wait = timedelta(seconds=self.settings.switch_terminate_wait_seconds)
        return now - self.replaced_at > wait
