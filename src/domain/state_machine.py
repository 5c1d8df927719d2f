"""A life cycle as a table: one row per arrow, and what is not in the table does not happen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Arrow(Generic[S, E]):
    """From each of the sources the event leads to the target, when the guard holds.

    `guard` and `effect` are for readers; the entity's methods are what they describe.
    """

    sources: tuple[S, ...]
    event: E
    target: S
    guard: str = ""
    effect: str = ""


def transitions(arrows: Iterable[Arrow[S, E]]) -> Mapping[tuple[S, E], S]:
    """Where each event leads from each state.

    Raises:
        ValueError: two arrows leave one state with one event.
    """
    table: dict[tuple[S, E], S] = {}
    for arrow in arrows:
        for source in arrow.sources:
            if (source, arrow.event) in table:
                raise ValueError(f"{source} is left twice by {arrow.event}")
            table[source, arrow.event] = arrow.target
    return table
