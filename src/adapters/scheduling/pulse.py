"""Whether what goes round and round in the background still does."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.application.ports.clock import Clock

# A look takes milliseconds, and there is one every other second.
_LONGEST_SILENCE: Final = timedelta(seconds=60)


class Pulse:
    """Of one scheduler, which may be in another process: then nothing is missed here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest: datetime | None = None

    def beat(self) -> None:
        self._newest = self._clock.now()

    def ends(self) -> None:
        """On purpose."""
        self._newest = None

    def stalled(self) -> Sequence[str]:
        """What hangs; nothing while all is well."""
        if self._newest is None or self._clock.now() - self._newest <= _LONGEST_SILENCE:
            return []
        return ["scheduler"]
