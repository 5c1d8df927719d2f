"""Lists of a hundred lines, written once for all who ask for the same one at the same time."""

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from litestar import MediaType, Response
from msgspec import json

from spot_optimizer.adapters.http.answers import JsonAnswer
from spot_optimizer.application.dashboard.questions import Wanted
from spot_optimizer.domain.identifiers import ClientId

_LISTS_REMEMBERED: Final = 256

L = TypeVar("L")


class WrittenList(NamedTuple, Generic[L]):
    lines: Sequence[L]
    document: bytes
    """The same as it is answered."""

    def response(self, headers: Mapping[str, str] | None = None) -> Response[bytes]:
        return _in_json(self.document, headers)


def a_list(items: Sequence[object], headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """The answer for one who asks for what nobody else does."""
    return _in_json(json.encode(items), headers)


def _in_json(document: bytes, headers: Mapping[str, str] | None) -> Response[bytes]:
    return JsonAnswer(document, media_type=MediaType.JSON, headers=headers)


def written(
    view: Callable[..., Sequence[L]], answered_as: Callable[[Sequence[L]], Any]
) -> Callable[..., WrittenList[L]]:
    """What the view gives, together with its answer; both are made in the view's thread, which
    leaves the event loop to others."""

    def write(*asked: Any) -> WrittenList[L]:
        lines = view(*asked)
        return WrittenList(lines, json.encode(answered_as(lines)))

    return write


def all_written(
    view: Callable[[Collection[Wanted]], Mapping[Wanted, Sequence[L]]],
    answered_as: Callable[[Sequence[L]], Any],
) -> Callable[[Collection[Wanted]], Mapping[Wanted, WrittenList[L]]]:
    """As `written`, of several lists at once, and only where the lines are not the same as the
    last time."""
    kept: dict[Wanted, WrittenList[L]] = {}

    def one_written(asked: Wanted, lines: Sequence[L]) -> WrittenList[L]:
        before = kept.get(asked)
        if before is not None and before.lines == lines:
            return before
        if len(kept) >= _LISTS_REMEMBERED:
            kept.clear()
        now = kept[asked] = WrittenList(lines, json.encode(answered_as(lines)))
        return now

    def write(asked: Collection[Wanted]) -> Mapping[Wanted, WrittenList[L]]:
        return {one: one_written(one, lines) for one, lines in view(asked).items()}

    return write


class WrittenUntilNews(Generic[L]):
    """Lists that are only added to, written again once something was added; `edition_of` tells,
    for a client, by what is on record."""

    def __init__(
        self,
        write: Callable[..., WrittenList[L]],
        edition_of: Callable[[ClientId], Hashable],
    ) -> None:
        self._write, self._edition_of = write, edition_of
        self._kept: dict[tuple[Hashable, ...], tuple[Hashable, WrittenList[L]]] = {}

    def __call__(self, client_id: ClientId, *wanted: Hashable) -> WrittenList[L]:
        # Asked first: what is added in between belongs to a later edition than the list is kept as.
        edition = self._edition_of(client_id)
        asked = (client_id, *wanted)
        kept = self._kept.get(asked)
        if kept is not None and kept[0] == edition:
            return kept[1]
        listed = self._write(*asked)
        if len(self._kept) >= _LISTS_REMEMBERED:
            self._kept.clear()
        self._kept[asked] = edition, listed
        return listed
