"""How long answers took, said in their `Server-Timing` header (SERVER_TIMING).

The time begins when the event loop hands over the first bytes of a request and ends when the
answer begins to be sent: it holds all waiting inside the server, for threads, for other requests
and for the database, but not what the bytes waited in the kernel before.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from spot_optimizer.cli.http_protocol import WholeAnswers

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

_RECEIVED: Final = "received_s"


class TimedHttp(WholeAnswers):
    """HTTP/1.1 that notes when a request came."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][_RECEIVED] = perf_counter()


class Timed:
    """An application whose answers say how long they took, in milliseconds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received_s = scope.get("state", {}).get(_RECEIVED)
        if received_s is None:
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                took_ms = (perf_counter() - received_s) * 1000
                timing = (b"server-timing", b"total;dur=%.3f" % took_ms)
                message["headers"] = [*message["headers"], timing]
            await send(message)

        await self._app(scope, receive, sending)
