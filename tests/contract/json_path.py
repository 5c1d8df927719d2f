"""Paths into a JSON document: $.a.b[0].c and $['odd key']."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tests.contract.recording import Json

_PIECE: Final = re.compile(r"\.([A-Za-z_][\w\-]*)|\[(\d+)\]|\['([^']+)'\]")


class NotThere(LookupError):
    """The document has nothing at this path."""


def look_up(document: Json, path: str) -> Json:
    found = document
    for piece in _pieces(path):
        try:
            found = found[piece]
        except (LookupError, TypeError):
            raise NotThere(path) from None
    return found


def _pieces(path: str) -> Iterator[str | int]:
    if not path.startswith("$"):
        raise ValueError(f"a path starts with $: {path}")
    position = 1
    while position < len(path):
        piece = _PIECE.match(path, position)
        if piece is None:
            raise ValueError(f"bad path {path!r}")
        yield int(piece[2]) if piece[2] is not None else piece[1] or piece[3]
        position = piece.end()
