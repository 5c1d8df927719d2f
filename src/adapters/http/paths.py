"""Paths are taken as they are written: `/config/` is not `/config` (contract 1.1)."""

from litestar.enums import ScopeType
from litestar.exceptions import NotFoundException
from litestar.types import ASGIApp, Receive, Scope, Send


class ExactPaths:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["raw_path"].endswith(b"/"):
            raise NotFoundException
        await self._app(scope, receive, send)
