"""What waits for agents."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.identifiers import AgentId, ClientId


@dataclass(frozen=True, slots=True)
class AgentQueue:
    """The open commands of an agent, of both queues, and whose agent it is."""

    owner: ClientId
    commands: Sequence[Command]


class CommandQueries(Protocol):
    def queues_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, AgentQueue]:
        """Of those that exist, by two statements."""
        ...
