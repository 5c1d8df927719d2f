"""What many dashboards ask at the same time, asked of the database once."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

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


def each_asked_once(
    view: Callable[..., A],
) -> Callable[[Sequence[ClientQuestion]], Sequence[A | DomainError]]:
    """In the order of the questions; ClientNotFound in place of a foreign client's rows. Equal
    questions get the same answer, which `view` gives for a client and what is wanted."""

    def answer(questions: Sequence[ClientQuestion]) -> Sequence[A | DomainError]:
        known: dict[tuple[Hashable, ...], A] = {}
        answers: list[A | DomainError] = []
        for question in questions:
            try:
                client_id = question.caller.asking_about(question.client_id)
            except DomainError as refusal:
                answers.append(refusal)
                continue
            asked = (client_id, *question.wanted)
            if asked not in known:
                known[asked] = view(*asked)
            answers.append(known[asked])
        return answers

    return answer
