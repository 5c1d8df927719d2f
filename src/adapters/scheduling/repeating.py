from collections.abc import Callable
from threading import Event, Thread


class Repeating:
    """Something that a thread does again and again until it is stopped."""

    def __init__(
        self, name: str, turn: Callable[[Event], float], *, first_after_s: float = 0.0
    ) -> None:
        """A turn returns after how many seconds the next one is due; it is given what will be set
        at the end, so that it may wait for that."""
        self._turn = turn
        self._first_after_s = first_after_s
        self._ended = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Waits for the turn under way."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        wait_s = self._first_after_s
        while not self._ended.wait(wait_s):
            wait_s = self._turn(self._ended)
