"""What each worker is when it starts to serve."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spot_optimizer.cli import server_timing
from spot_optimizer.cli.server_timing import Timed

LOOK = """
import gc, logging
logging.disable()
from spot_optimizer.cli.asgi import create_app
try:
    create_app()
except SystemExit as ended:
    print("ended", ended.code)
print(gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def worker(tmp_path: Path, **environment: str) -> list[str]:
    done = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", LOOK],
        env={"DATA_DIR": str(tmp_path), "ADMIN_API_TOKEN": "x" * 32, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_what_is_built_is_never_searched_for_garbage(tmp_path: Path) -> None:
    assert worker(tmp_path) == ["True True"]


def test_a_defect_ends_it(tmp_path: Path) -> None:
    ended, collecting = worker(tmp_path, ADMIN_AUTH="whatever")

    assert ended == "ended 3"
    assert collecting.startswith("True")


async def nothing(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b""})


def headers(state: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """Of the answer to a request that came when the clock said so, at ten seconds."""
    monkeypatch.setattr(server_timing, "perf_counter", lambda: 10.0)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {"type": "http", "state": state}
    asyncio.run(Timed(nothing)(scope, nothing, send))  # type: ignore[arg-type]  # nobody receives
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    found: list[tuple[bytes, bytes]] = sent[0]["headers"]
    return found


def test_an_answer_says_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    said = headers({"received_s": 9.875}, monkeypatch)

    assert said == [(b"a", b"b"), (b"server-timing", b"total;dur=125.000")]


def test_nothing_is_said_where_nobody_noted_when_a_request_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert headers({}, monkeypatch) == [(b"a", b"b")]
