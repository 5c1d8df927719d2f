"""Commands that last, run as their users run them: in processes of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCAL = "127.0.0.1"
PATIENCE_SECONDS = 60


class Command:
    """A command under way. Everything it says is on one stream."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.said = ""

    @property
    def pid(self) -> int:
        return self._process.pid

    def line_with(self, words: str) -> str:
        """Waits for it."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said += line
            if words in line:
                return line
        raise AssertionError(f"{words!r} was never said, but:\n{self.said}")

    def send(self, signal_number: int) -> None:
        self._process.send_signal(signal_number)

    def end(self) -> int:
        """Waits for its exit code."""
        rest, _ = self._process.communicate()
        self.said += rest
        return self._process.returncode


@contextmanager
def a_command(
    data_dir: Path, *arguments: str, patience_s: float = PATIENCE_SECONDS, **settings: str
) -> Iterator[Command]:
    """It is killed when it takes longer than that, which only a failing test does."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", "spot_optimizer.cli", *arguments],
        env=kept
        | {"DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1", "COLUMNS": "120"}
        | {"DRAIN_SECONDS": "0"}
        | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        watchdog = threading.Timer(patience_s, process.kill)
        watchdog.start()
        try:
            yield Command(process)
        finally:
            watchdog.cancel()
            process.kill()


def a_free_port() -> int:
    with socket.create_server((LOCAL, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
