"""Steps and a server of our own making, to try the replay with."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.contract.recording import Request, Step
from tests.contract.reply import Reply
from tests.contract.server import Routes
from tests.contract.templates import Scope


def a_step(name: str, **changes: Any) -> Step:
    return msgspec.convert(
        {
            "name": name,
            "route": f"POST /{name}",
            "request": {"method": "POST", "path": f"/{name}"},
            "response": {"status": 200, "content_type": "", "body_kind": "empty"},
            **changes,
        },
        Step,
    )


class SilentServer:
    """Has some of the routes, and does nothing there."""

    def __init__(self, *routes: str) -> None:
        self.routes = Routes.named(routes)
        self.asked: list[str] = []

    def coordinate(self) -> None:
        pass

    def send(self, request: Request, scope: Scope) -> Reply:
        self.asked.append(scope.expand(request.path))
        return Reply(status=200, content_type="", kind="empty", headers={})
