"""One line that shows how a running fleet stands."""

from datetime import timedelta
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.status import Status

from spot_optimizer.simulation.tally import Progress

PRINT_EVERY: Final = timedelta(seconds=10)
"""Real time between two lines where the output is no terminal."""


class LiveStatus:
    """Keeps one line up to date on a terminal; elsewhere prints one now and then.

    Hand it to `run` as `watch`.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._printed_at: timedelta | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status("starting the fleet")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, progress: Progress) -> None:
        if self._status is not None:
            self._status.update(status_line(progress))
        elif self._printed_at is None or progress.real_time - self._printed_at >= PRINT_EVERY:
            self._printed_at = progress.real_time
            self._console.print(status_line(progress))


def status_line(progress: Progress) -> str:
    """The state of a fleet in one line."""
    return (
        f"{span(progress.real_time)} ({span(progress.simulated_time)} simulated)"
        f"  agents online {progress.agents_online}"
        f"  requests {progress.requests}"
        f"  switches {progress.switches_done} done, {progress.switches_under_way} under way"
        f"  errors {progress.errors}"
    )


def span(time: timedelta) -> str:
    """A duration as hours, minutes and seconds, such as 1:02:03."""
    seconds = int(time.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
