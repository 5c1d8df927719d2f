"""The server as an agent sees it: calls with a bearer token, answered or not."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
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

    def __init__(self, client: httpx.AsyncClient, token: str, tally: Tally) -> None:
        self.token = token
        self._client = client
        self._tally = tally
        self._free = asyncio.Semaphore(CONNECTIONS)
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
        async with self._free:
            # Only from here on: waiting for a free connection says nothing about the server.
            started = perf_counter()
            self._tally.waited(started - wanted)
            try:
                response = await self._client.request(
                    method, route.format(**ids), json=body, headers=self._headers
                )
            except (httpx.HTTPError, httpx.InvalidURL):
                self._tally.unanswered(label)
                return Answer(ok=False)
            self._tally.answered(label, response.status_code, perf_counter() - started, tolerated)
        if not response.is_success:
            return Answer(ok=False)
        if not response.content:
            return Answer(ok=True, body={})
        try:
            return Answer(ok=True, body=response.json())
        except ValueError:
            return Answer(ok=False)


def new_client(base_url: str, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """One client for the whole fleet."""
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=REQUEST_TIMEOUT,
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
        transport=transport,
    )
