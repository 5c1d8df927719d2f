"""Scheduler and worker inside the server, for installations without Redis.

Of the processes on one machine one has them, and another takes over when it is gone. The others
import nothing of it, which keeps them small; and it begins when the server answers already.
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from threading import Event
from typing import Final, Protocol

from spot_optimizer.adapters.scheduling.repeating import Repeating
from spot_optimizer.application.ports.exclusion import Busy, Exclusion
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable

logger = logging.getLogger(__name__)

_UNTIL_THE_SERVER_ANSWERS_S: Final = 1.0
_TRY_AGAIN_AFTER_S: Final = 5.0


class Service(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


class EmbeddedJobs:
    def __init__(
        self,
        one_of_machine: Exclusion,
        make: Callable[[], Service],
        wait_s: float = _UNTIL_THE_SERVER_ANSWERS_S,
        again_s: float = _TRY_AGAIN_AFTER_S,
    ) -> None:
        self._one_of_machine = one_of_machine
        self._make = make
        self._again_s = again_s
        self._attempts = Repeating("jobs", self._attempt, first_after_s=wait_s)

    def start(self) -> None:
        self._attempts.start()

    def stop(self) -> None:
        """Waits for what is running."""
        self._attempts.stop()

    def _attempt(self, ended: Event) -> float:
        try:
            with ExitStack() as held:
                held.enter_context(self._one_of_machine())
                service = self._make()
                service.start()
                ended.wait()
                service.stop()
        except Busy:
            pass  # another process has them
        except StoreUnavailable as unavailable:
            logger.warning("jobs cannot be run here: %s", unavailable)
        except Exception:  # a defect here must not leave the machine without jobs
            logger.exception("the jobs of this server ended")
        return self._again_s


class JobService:
    """A scheduler and the worker that it sends to."""

    def __init__(self, scheduler: Service, worker: Service) -> None:
        self._scheduler = scheduler
        self._worker = worker

    def start(self) -> None:
        self._worker.start()
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.stop()
        self._worker.stop()
