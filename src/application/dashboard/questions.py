"""What many dashboards ask at the same time, asked of the database once."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.errors import DomainError
from spot_optimizer.domain.identifiers import ClientId

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class ClientQuestion:
    """About the rows of a client, by somebody who may not be allowed to see them; `wanted` is
    what else matters to the answer."""

    client_id: ClientId
    wanted: tuple[Hashable, ...]
    caller: Caller


# The client, and what else matters.
Wanted: TypeAlias = tuple[Any, ...]


def each_asked_once(
    view: Callable[..., A],
) -> Callable[[Sequence[ClientQuestion]], Sequence[A | DomainError]]:
    """As `all_asked_together`, with a view that takes one question at a time."""
    return all_asked_together(lambda wanted: {one: view(*one) for one in wanted})


def all_asked_together(
    view: Callable[[Collection[Wanted]], Mapping[Wanted, A]],
) -> Callable[[Sequence[ClientQuestion]], Sequence[A | DomainError]]:
    """In the order of the questions; ClientNotFound in place of a foreign client's rows. Equal
    questions get the same answer, which `view` gives for all that differ."""

    def answer(questions: Sequence[ClientQuestion]) -> Sequence[A | DomainError]:
        asked: list[Wanted | DomainError] = []
        for question in questions:
            try:
                client_id = question.caller.asking_about(question.client_id)
            except DomainError as refusal:
                asked.append(refusal)
            else:
                asked.append((client_id, *question.wanted))
        told = view({one: None for one in asked if isinstance(one, tuple)}.keys())
        return [told[one] if isinstance(one, tuple) else one for one in asked]

    return answer
