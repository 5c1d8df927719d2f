"""Servers, proxies and a fleet without a pause, to see what somebody notices of a loss."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

ROOT: Final = Path(__file__).parents[2]
TOKEN: Final = "operator-of-the-drill"
_PATIENCE_S: Final = 120
_PAUSE_S: Final = 0.02

Ask = Callable[[httpx.AsyncClient, dict[str, str], int], Awaitable[httpx.Response]]


class Server:
    """One `spot-optimizer serve`."""

    def __init__(self, port: int, folder: Path, workers: int, **settings: str) -> None:
        self.port = port
        self._options = ("--port", str(port), "--workers", str(workers))
        self._log = folder / f"{port}.log"
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._environment = kept | {
            "DATA_DIR": str(folder),
            "ADMIN_API_TOKEN": TOKEN,
            **settings,
        }
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "spot_optimizer.cli", "serve", *self._options],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def restart(self) -> int:
        """Returns the exit code of the process that ended."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait()
        self._process = self._started()
        wait_for(self.port)
        return code

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()


def wait_for(port: int) -> None:
    """Until it is ready."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        try:
            url = f"http://127.0.0.1:{port}/readyz"
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"nobody is ready at port {port}")


@contextmanager
def haproxy(config: Path, **settings: str) -> Iterator[None]:
    command = ["haproxy", "-f", str(config)]
    process = subprocess.Popen(command, env=os.environ | settings)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def two_servers(
    folder: Path, ports: tuple[int, int, int], workers: int, **settings: str
) -> Iterator[list[Server]]:
    """Of so many workers each, behind the deployed proxy, which listens at the third port."""
    with ExitStack() as stack:
        servers = []
        for port in ports[:2]:
            server = Server(port, folder, workers, **settings)
            stack.callback(server.end)
            servers.append(server)
        for port in ports[:2]:
            wait_for(port)
        where = {f"SERVER_{n}": f"127.0.0.1:{port}" for n, port in enumerate(ports[:2], 1)}
        proxy = ROOT / "deploy" / "proxy" / "haproxy.cfg"
        stack.enter_context(haproxy(proxy, LISTEN=f"127.0.0.1:{ports[2]}", **where))
        wait_for(ports[2])
        yield servers


@dataclass(slots=True)
class Load:
    """What came of requests that are made without a pause."""

    answered: list[httpx.Response] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    answered_at: list[float] = field(default_factory=list)

    @property
    def longest_gap_s(self) -> float:
        pairs = zip(self.answered_at, self.answered_at[1:], strict=False)
        return max((later - earlier for earlier, later in pairs), default=0.0)


async def under_load(port: int, ask: Ask, agents: int, during: Callable[[], None]) -> Load:
    """Everybody asks until that is over."""
    load, numbers, over = Load(), iter(range(10**9)), asyncio.Event()
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
        operator = {"Authorization": f"Bearer {TOKEN}"}
        made = await http.post("/api/admin/clients/create", json={"name": "x"}, headers=operator)
        token = made.json()["client"]["token"]

        async def agent() -> None:
            while not over.is_set():
                try:
                    answer = await ask(http, {"Authorization": f"Bearer {token}"}, next(numbers))
                    answer.raise_for_status()
                except httpx.HTTPError as error:
                    load.failed.append(repr(error))
                else:
                    load.answered.append(answer)
                    load.answered_at.append(time.monotonic())
                await asyncio.sleep(_PAUSE_S)

        tasks = [asyncio.create_task(agent()) for _ in range(agents)]
        await asyncio.to_thread(during)
        over.set()
        await asyncio.gather(*tasks)
    return load


async def register(http: httpx.AsyncClient, headers: dict[str, str], number: int) -> httpx.Response:
    """Each time another agent."""
    body = {
        "client_token": headers["Authorization"].removeprefix("Bearer "),
        "logical_agent_id": f"agent-{number}",
        "instance_id": f"i-{number}",
        "instance_type": "t3.medium",
        "region": "us-east-1",
        "az": "us-east-1a",
        "mode": "spot",
    }
    return await http.post("/api/agents/register", json=body, headers=headers)
