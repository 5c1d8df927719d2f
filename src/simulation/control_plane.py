"""The server as an agent sees it: calls with a bearer token, answered or not."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext
from time import perf_counter
from typing import Final

import httpx

from spot_optimizer.simulation.tally import Tally

REQUEST_TIMEOUT: Final = 30.0
"""Real seconds, as the agents in the field have it."""

CONNECTIONS: Final = 32
"""Calls of one fleet under way at a time; with more of them the client itself gets slow."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Anything but a 2xx with JSON or nothing in it counts as no answer."""

    ok: bool
    body: object = None

    def items(self) -> Mapping[str, object]:
        """The keys of the answer; none when it is not an object."""
        return self.body if isinstance(self.body, dict) else {}


class ControlPlane:
    """Makes the calls of a fleet with its client token and counts them."""

    def __init__(self, lines: Sequence[httpx.AsyncClient], token: str, tally: Tally) -> None:
        """A call takes the line that was free last; when none is, it waits."""
        self.token = token
        self._tally = tally
        self._free: asyncio.LifoQueue[httpx.AsyncClient] = asyncio.LifoQueue()
        for line in lines:
            self._free.put_nowait(line)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def get(
        self, route: str, *, tolerated: frozenset[int] = frozenset(), **ids: str
    ) -> Answer:
        return await self._call("GET", route, ids, None, tolerated)

    async def post(
        self,
        route: str,
        body: Mapping[str, object],
        *,
        tolerated: frozenset[int] = frozenset(),
        **ids: str,
    ) -> Answer:
        """`tolerated` statuses are no errors in the count, though the agent has no answer."""
        return await self._call("POST", route, ids, body, tolerated)

    async def put(self, route: str, body: Mapping[str, object], **ids: str) -> Answer:
        return await self._call("PUT", route, ids, body, frozenset())

    async def _call(
        self,
        method: str,
        route: str,
        ids: Mapping[str, str],
        body: Mapping[str, object] | None,
        tolerated: frozenset[int],
    ) -> Answer:
        label = f"{method} {route}"
        wanted = perf_counter()
        line = await self._free.get()
        try:
            # Only from here on: waiting for a free connection says nothing about the server.
            started = perf_counter()
            self._tally.waited(started - wanted)
            try:
                response = await line.request(
                    method, route.format(**ids), json=body, headers=self._headers
                )
            except (httpx.HTTPError, httpx.InvalidURL):
                self._tally.unanswered(label)
                return Answer(ok=False)
            took = perf_counter() - started
            said = _server_time(response.headers.get("server-timing"))
            self._tally.answered(label, response.status_code, took, tolerated, said)
        finally:
            self._free.put_nowait(line)
        if not response.is_success:
            return Answer(ok=False)
        if not response.content:
            return Answer(ok=True, body={})
        try:
            return Answer(ok=True, body=response.json())
        except ValueError:
            return Answer(ok=False)


def _server_time(said: str | None) -> float | None:
    """Seconds, of the server's word `total;dur=MILLISECONDS`."""
    _, is_there, milliseconds = (said or "").partition("total;dur=")
    try:
        return float(milliseconds) / 1000 if is_there else None
    except ValueError:
        return None


@asynccontextmanager
async def open_lines(
    base_url: str, transport: httpx.AsyncBaseTransport | None
) -> AsyncIterator[Sequence[httpx.AsyncClient]]:
    """The connections of a fleet, each a client of its own: in a pool that they share, every call
    looks at all of them, which costs more than the call."""
    trusted = httpx.create_ssl_context()
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(new_client(base_url, transport, trusted))
            for _ in range(CONNECTIONS)
        ]


def new_client(
    base_url: str,
    transport: httpx.AsyncBaseTransport | None,
    trusted: SSLContext | bool = True,
) -> httpx.AsyncClient:
    """One call at a time."""
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=REQUEST_TIMEOUT,
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
        transport=transport,
        verify=trusted,
    )
