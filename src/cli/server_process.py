"""A server in a process of its own, for the time of a demo."""

import asyncio
import sys
from asyncio.subprocess import STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx

from spot_optimizer.cli.failures import FAILED, Failure
from spot_optimizer.cli.workers import GRACE_SECONDS

_PATIENCE_SECONDS: Final = 60
_TRY_EVERY_SECONDS: Final = 0.05


@asynccontextmanager
async def a_server(
    host: str, port: int, environment: Mapping[str, str], log: Path
) -> AsyncIterator[Process]:
    """Serves until the block is left, whichever way; what it prints goes to the log."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "spot_optimizer.cli"),
            *("serve", "--host", host, "--port", str(port)),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=STDOUT,
            start_new_session=True,  # Ctrl-C is for the fleet, which still has to say goodbye
        )
    try:
        yield process
    finally:
        await _end(process)


async def until_ready(process: Process, base_url: str, stop: asyncio.Event) -> bool:
    """Whether the server is ready; False when the waiting was stopped.

    Raises:
        Failure: the server has ended, or takes too long.
    """
    ended = asyncio.ensure_future(process.wait())
    try:
        async with (
            asyncio.timeout(_PATIENCE_SECONDS),
            httpx.AsyncClient(base_url=base_url, trust_env=False) as client,
        ):
            while not stop.is_set():
                if await _is_ready(client):
                    return True
                await asyncio.wait([ended], timeout=_TRY_EVERY_SECONDS)
                if ended.done():
                    raise Failure("The server ended before it was ready", FAILED)
            return False
    except TimeoutError as error:
        reason = f"The server is not ready after {_PATIENCE_SECONDS} s"
        raise Failure(reason, FAILED) from error
    finally:
        ended.cancel()


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).is_success
    except httpx.HTTPError:
        return False


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 2 * GRACE_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
