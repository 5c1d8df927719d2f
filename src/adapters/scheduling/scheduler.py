"""Looks every other second whether something is due, in a thread of its own."""

import logging
from datetime import datetime
from threading import Event
from typing import Final, Protocol

from spot_optimizer.adapters.scheduling.pulse import Pulse
from spot_optimizer.adapters.scheduling.repeating import Repeating
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, TransactionLost

logger = logging.getLogger(__name__)

_LONGEST_WAIT_S: Final = 2.0
_SHORTEST_WAIT_S: Final = 0.05


class Fires(Protocol):
    def at_start(self) -> None: ...

    def __call__(self) -> datetime | None: ...


class Scheduler:
    def __init__(self, fire: Fires, clock: Clock, pulse: Pulse | None = None) -> None:
        self._fire = fire
        self._clock = clock
        self._pulse = pulse or Pulse(clock)
        self._has_started = False
        self._complained = False
        self._looks = Repeating("scheduler", self._turn)

    def start(self) -> None:
        self._looks.start()

    def stop(self) -> None:
        self._looks.stop()
        self._pulse.ends()

    def look(self) -> float:
        """Returns after how many seconds to look again. What fails is told once, and tried again
        at the next look."""
        try:
            if not self._has_started:
                self._fire.at_start()
                self._has_started = True
            next_slot = self._fire()
        except (StoreUnavailable, TransactionLost) as unavailable:
            if not self._complained:
                logger.warning("cannot see which jobs are due: %s", unavailable)
            self._complained = True
            return _LONGEST_WAIT_S
        except Exception:  # a defect here must not end the scheduler
            logger.exception("looking for due jobs failed")
            return _LONGEST_WAIT_S
        self._complained = False
        if next_slot is None:
            return _LONGEST_WAIT_S
        until_then = (next_slot - self._clock.now()).total_seconds()
        return min(_LONGEST_WAIT_S, max(_SHORTEST_WAIT_S, until_then))

    def _turn(self, _ended: Event) -> float:
        self._pulse.beat()
        wait_s = self.look()
        self._pulse.beat()
        return wait_s
