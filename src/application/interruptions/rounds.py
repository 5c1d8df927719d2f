"""What arrives together, one after the other where it is about the same agent."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from spot_optimizer.domain.identifiers import AgentId


class AboutAgent(Protocol):
    @property
    def agent_id(self) -> AgentId: ...


T = TypeVar("T", bound=AboutAgent)


def each_agent_once(received: Sequence[T]) -> Sequence[Sequence[tuple[int, T]]]:
    """With their places, in rounds: what is said of an agent again comes a round later."""
    rounds: list[list[tuple[int, T]]] = []
    said_before: dict[AgentId, int] = {}
    for place, one in enumerate(received):
        number = said_before.get(one.agent_id, 0)
        said_before[one.agent_id] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append((place, one))
    return rounds
