"""What agents read about themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from spot_optimizer.domain.agents.agent import AgentSettings
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.errors import DomainError
from spot_optimizer.domain.identifiers import AgentId


@dataclass(frozen=True, slots=True)
class AgentQuestion:
    agent_id: AgentId
    caller: Caller


@dataclass(frozen=True, slots=True)
class AgentConfiguration:
    settings: AgentSettings
    limits: SwitchLimits


class AgentQueries(Protocol):
    def configurations(
        self, questions: Sequence[AgentQuestion]
    ) -> Sequence[AgentConfiguration | DomainError]:
        """In the order of the questions, by one statement; AgentNotFound in place of an agent that
        does not exist for its asker."""
        ...
