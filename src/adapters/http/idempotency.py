"""A request that a caller repeats under the same key gets the same answer (ruling R8)."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Final, ParamSpec, TypeVar, cast

import msgspec
from litestar import Request
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPReceiveMessage,
    HTTPRequestEvent,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
)

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.routing import AnyRequest
from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from spot_optimizer.domain.errors import Conflict, DomainError, ValidationFailed

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# A retry comes within a day or never; a request takes a minute or has died.
_KEPT_FOR: Final = timedelta(hours=24)
_TAKES_AT_MOST: Final = timedelta(minutes=2)
_HEADER: Final = b"idempotency-key"
_LONGEST_KEY: Final = 255


class KeyUsedOtherwise(DomainError):
    """The key stands for another request."""

    def __init__(self) -> None:
        super().__init__("Idempotency-Key was used with another body")


class NothingToRememberIn(DomainError):
    """Nobody can say whether the request was made before."""

    def __init__(self) -> None:
        super().__init__("Idempotency store unavailable")


class _Kept(msgspec.Struct, array_like=True):
    """The body that came with the key, and the answer once there is one."""

    body_sha256: str
    status: int = 0
    content_type: bytes = b""
    answer: bytes = b""


class Idempotency:
    """Stands before the application and looks only at POSTs that carry a key.

    Raises:
        ValidationFailed: the key is too long.
        Conflict: the first request under the key is not answered yet.
        KeyUsedOtherwise, NothingToRememberIn: as they say.
    """

    def __init__(
        self, app: ASGIApp, gatekeeper: Gatekeeper, cache: Cache, largest_body_bytes: int
    ) -> None:
        self._app = app
        self._gatekeeper = gatekeeper
        self._cache = cache
        self._largest = largest_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        key = headers.get(_HEADER)
        if not key:
            await self._app(scope, receive, send)
        elif len(key) > _LONGEST_KEY:
            raise ValidationFailed("Idempotency-Key is too long")
        else:
            await self._once(scope, receive, send, key)

    async def _once(self, scope: HTTPScope, receive: Receive, send: Send, key: bytes) -> None:
        body, more = await _read(receive, self._largest)
        request: AnyRequest = Request(scope)
        caller = None if more else await self._gatekeeper.known_as(request, body)
        if caller is None:  # too large, or nobody we know: the application says so itself
            await self._app(scope, _replayed(body, receive, more=more), send)
            return
        entry = _entry(caller, scope["path"], key)
        asked = _Kept(body_sha256=sha256(body).hexdigest())
        try:
            if not await _off_loop(self._cache.add, entry, _encoded(asked), _TAKES_AT_MOST):
                await self._repeat(send, entry, asked)
                return
        except StoreUnavailable as unavailable:
            raise NothingToRememberIn from unavailable
        recorder = _Recorder(send)
        try:
            await self._app(scope, _replayed(body, receive, more=False), recorder)
        finally:
            await self._keep(entry, asked, recorder)

    async def _repeat(self, send: Send, entry: str, asked: _Kept) -> None:
        found = await _off_loop(self._cache.get, entry)
        kept = None if found is None else msgspec.msgpack.decode(found, type=_Kept)
        if kept is None or (not kept.status and kept.body_sha256 == asked.body_sha256):
            raise Conflict("A request with this key is being answered")
        elif kept.body_sha256 != asked.body_sha256:
            raise KeyUsedOtherwise
        else:
            await _answer(send, kept.status, kept.answer, kept.content_type)

    async def _keep(self, entry: str, asked: _Kept, recorder: "_Recorder") -> None:
        """A failure of ours is no answer to keep: the next try may succeed. Nor is a cookie, which
        is for one browser only."""
        try:
            if 0 < recorder.status < 500 and not recorder.sets_cookie:
                kept = _Kept(
                    asked.body_sha256, recorder.status, recorder.content_type, bytes(recorder.body)
                )
                await _off_loop(self._cache.put, entry, _encoded(kept), _KEPT_FOR)
            else:
                await _off_loop(self._cache.drop, entry)
        except StoreUnavailable as unavailable:  # the caller has its answer
            logger.warning("an answer could not be kept: %s", unavailable)


class _Recorder:
    """Passes an answer on and remembers it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.content_type = b""
        self.sets_cookie = False
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = dict(message["headers"])
            self.content_type = headers.get(b"content-type", b"")
            self.sets_cookie = b"set-cookie" in headers
        elif message["type"] == "http.response.body":
            self.body += message["body"]
        await self._send(message)


def _entry(caller: str, path: str, key: bytes) -> str:
    """A key means something to one caller and one route only."""
    parts = (caller.encode(), path.encode(), key)
    return "idempotency:" + sha256(b"\0".join(parts)).hexdigest()


def _encoded(kept: _Kept) -> bytes:
    return msgspec.msgpack.encode(kept)


async def _read(receive: Receive, largest: int) -> tuple[bytes, bool]:
    """The body, and whether there may be more of it than is allowed."""
    body, more = bytearray(), True
    while more and len(body) <= largest:
        message = await receive()
        if message["type"] != "http.request":
            more = False
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body), more


def _replayed(body: bytes, receive: Receive, *, more: bool) -> Receive:
    """The body once more, then whatever comes."""
    given = False

    async def once() -> HTTPReceiveMessage:
        nonlocal given
        if given:
            return cast("HTTPReceiveMessage", await receive())
        given = True
        return HTTPRequestEvent(type="http.request", body=body, more_body=more)

    return cast("Receive", once)


async def _off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(
        None, partial(function, *args, **kwargs)
    )


async def _answer(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send(HTTPResponseStartEvent(type="http.response.start", status=status, headers=headers))
    await send(HTTPResponseBodyEvent(type="http.response.body", body=body, more_body=False))
