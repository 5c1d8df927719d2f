"""Paths are taken as they are written: `/config/` is not `/config`, nor is `//config`
(contract 1.1)."""

from typing import Final

from litestar.enums import ScopeType
from litestar.exceptions import NotFoundException
from litestar.types import ASGIApp, Receive, Scope, Send

TAKES_ANY_PATH: Final = "takes_any_path"
"""The option of a handler that looks at paths by itself."""


def is_exact(raw_path: bytes) -> bool:
    """The framework's router overlooks slashes that this one does not."""
    path, _, _ = raw_path.partition(b"?")  # which some servers leave there
    return not path.endswith(b"/") and b"//" not in path


class ExactPaths:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == ScopeType.HTTP
            and not is_exact(scope["raw_path"])
            and TAKES_ANY_PATH not in scope["route_handler"].opt
        ):
            raise NotFoundException
        await self._app(scope, receive, send)
