"""What is noted of every request: its id, how long it took and what it was answered."""

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

# What a proxy or client may call a request; anything else is not repeated.
_GIVEN: Final = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}\Z")
_HEADER: Final = b"x-request-id"
_LAST: Final = (b"connection", b"close")
_NO_ROUTE: Final = "none"
# Of a client that goes away before the answer, as nginx has it.
_CLIENT_GONE: Final = 499


@dataclass(frozen=True, slots=True)
class _Current:
    request_id: str
    scope: Scope
    noted: dict[str, str] = field(default_factory=dict)


_current: ContextVar[_Current | None] = ContextVar("current request", default=None)


def note_id(name: str, value: object) -> None:
    """What came of the request under way, or what it names elsewhere than in its path."""
    found = _current.get()
    if found is not None:
        found.noted[name] = str(value)


def current_ids() -> Mapping[str, str]:
    """`request_id`, the ids in the path, such as `agent_id`, and those that were noted of the
    request under way; empty where there is none."""
    found = _current.get()
    if found is None:
        return {}
    parameters: Mapping[str, Any] = found.scope.get("path_params") or {}
    return {
        "request_id": found.request_id,
        **{name: str(value) for name, value in parameters.items() if name.endswith("_id")},
        **found.noted,
    }


class Tracked:
    """Outermost around the application, so that refusals of the framework are noted, too."""

    def __init__(
        self,
        app: ASGIApp,
        answered: Callable[[str, str, int, float], None],
        is_draining: Callable[[], bool],
    ) -> None:
        """`answered` is told the method, the template of the path, the status and the seconds.
        While the process is draining, each answer is the last one on its connection."""
        self._app = app
        self._is_draining = is_draining
        self._answered = answered
        self._start = token_hex(6)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        request_id = self._id_of(scope)
        header = (_HEADER, request_id.encode())
        _current.set(_Current(request_id, scope))
        status = _CLIENT_GONE

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = (header, _LAST) if self._is_draining() else (header,)
                message["headers"] = [*message["headers"], *added]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            route = str(scope.get("path_template") or _NO_ROUTE)
            self._answered(scope["method"], route, status, perf_counter() - began)

    def _id_of(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == _HEADER and _GIVEN.match(value):
                return value.decode("ascii")
        return f"{self._start}-{next(self._numbers):x}"
