"""How what handlers return goes out."""

from typing import Any, Final, TypeVar

from litestar import MediaType, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from msgspec import json

from spot_optimizer.adapters.http.routing import AnyRequest

T = TypeVar("T")

_ENCODER: Final = json.Encoder()
_MORE: Final = ("headers", "cookies", "background")
_CONTENT_TYPE: Final = (b"content-type", b"application/json")


class JsonAnswer(Response[T]):
    """An answer in JSON, or whatever else Litestar's own can be.

    Litestar makes two objects and several mappings of headers of each answer, which is a tenth of
    what a heartbeat costs; one that has no headers of its own, as nearly all, needs none of them.
    """

    def to_asgi_response(self, app: Any, request: AnyRequest, **options: Any) -> ASGIResponse:
        more = self.headers or self.cookies or self.background
        if more or self.media_type != MediaType.JSON or any(map(options.get, _MORE)):
            return super().to_asgi_response(app, request, **options)
        body = self.content if isinstance(self.content, bytes) else _ENCODER.encode(self.content)
        return _Whole(self.status_code or 200, body)


class _Whole(ASGIResponse):
    def __init__(self, status: int, body: bytes) -> None:
        """Without what the parent makes ready for answers of other kinds."""
        self.status_code, self.body = status, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = b"content-length", b"%d" % len(self.body)
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": [_CONTENT_TYPE, length],
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
