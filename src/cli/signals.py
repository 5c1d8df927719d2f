"""Ending on a signal is no failure."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def end_on_sigterm() -> None:
    """As Ctrl-C does, until whoever runs next has its own way to end."""
    signal.signal(signal.SIGTERM, _interrupt)


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Processes started meanwhile never get a Ctrl-C: it reaches all processes of a terminal, and
    theirs are ended by the parent."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
