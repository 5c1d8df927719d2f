"""Lists by the page: `?limit=&cursor=`. The answer stays a bare array; where it goes on stands in
a `Link` header (RFC 8288), so that nothing changes for who does not ask."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol
from urllib.parse import urlencode

from spot_optimizer.adapters.http.dashboard.fields import limited
from spot_optimizer.adapters.http.routing import AnyRequest
from spot_optimizer.adapters.http.wire import invalid
from spot_optimizer.application.dashboard.paging import Page, Position

_UNASKED: Final = 100
_MOST: Final = 1000
_LONGEST_CURSOR: Final = 500


def page_of(request: AnyRequest, *, asked_by: tuple[str, ...] = ("cursor", "limit")) -> Page | None:
    """None unless the query has one of these names.

    Raises:
        ValidationFailed: the cursor is none of ours.
    """
    query = request.query_params
    if not any(name in query for name in asked_by):
        return None
    cursor = query.get("cursor")
    return Page(
        limited(request, "limit", _UNASKED, 1, _MOST), _position(cursor) if cursor else None
    )


class _Placed(Protocol):
    @property
    def position(self) -> Position: ...


def link_to_next(request: AnyRequest, page: Page, lines: Sequence[_Placed]) -> dict[str, str]:
    """Nothing follows a page that is not full."""
    if len(lines) < page.limit:
        return {}
    query = {**dict(request.query_params.items()), "cursor": _cursor(lines[-1].position)}
    return {"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'}


def _cursor(position: Position) -> str:
    at = "" if position.at is None else str(int(position.at.timestamp()))
    return urlsafe_b64encode(f"{at}:{position.id}".encode()).decode().rstrip("=")


def _position(cursor: str) -> Position:
    try:
        if len(cursor) > _LONGEST_CURSOR:
            raise ValueError
        padded = cursor + "=" * (-len(cursor) % 4)
        at, separator, key = urlsafe_b64decode(padded.encode()).decode().partition(":")
        if not separator:
            raise ValueError
        return Position(datetime.fromtimestamp(int(at), UTC) if at else None, key)
    except (NotBase64, ValueError, OverflowError, OSError) as error:
        raise invalid({"cursor": ["Not a valid cursor."]}) from error
