"""A server that is about to end says so while it still serves, so that proxies look elsewhere."""

import os
import signal
import socket
import time
from contextlib import suppress
from threading import Event, Timer
from types import FrameType
from typing import Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from spot_optimizer.cli.signals import interrupts_held_back

_BEGINS: Final = signal.SIGUSR1
"""From the supervisor to its workers, who end when it tells them to."""

_begun: Final = Event()


def is_draining() -> bool:
    """Whether this process is about to end."""
    return _begun.is_set()


def drain_when_told() -> None:
    """For a process that has a supervisor."""
    signal.signal(_BEGINS, lambda *_: _begun.set())


class DrainingServer(uvicorn.Server):
    """Goes on for some seconds after SIGTERM; another signal, or Ctrl-C, cuts them short."""

    def __init__(self, config: uvicorn.Config, seconds: int) -> None:
        super().__init__(config)
        self._seconds = seconds
        self._ends_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and self._seconds and not _begun.is_set():
            self._ends_at = time.monotonic() + self._seconds
        else:
            super().handle_exit(sig, frame)
        _begun.set()

    async def on_tick(self, counter: int) -> bool:
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)


class DrainingSupervisor(Multiprocess):
    """The same for workers. A worker that is replaced, on SIGHUP, does not drain: others take the
    connections of the port that they share."""

    def __init__(self, config: uvicorn.Config, listening: socket.socket, seconds: int) -> None:
        super().__init__(config, [listening])
        self._seconds = seconds

    def init_processes(self) -> None:
        with interrupts_held_back():
            super().init_processes()

    def handle_term(self) -> None:
        if _begun.is_set() or not self._seconds:
            self.should_exit.set()
            return
        _begun.set()
        for process in self.processes:
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, _BEGINS)
        rest = Timer(self._seconds, self.should_exit.set)
        rest.daemon = True
        rest.start()

    def keep_subprocess_alive(self) -> None:
        # A new worker would not know, and call itself ready.
        if not _begun.is_set():
            super().keep_subprocess_alive()

    def terminate_all(self) -> None:
        # Who calls now is refused, and asks another server, instead of waiting for nobody.
        for listening in self.sockets:
            listening.close()
        super().terminate_all()
