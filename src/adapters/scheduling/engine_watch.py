"""Each process looks for itself which models are in service, and changes over without a restart."""

import logging
from threading import Event, Thread
from typing import Final, Protocol

from spot_optimizer.application.ports.decision_engine import Announcer
from spot_optimizer.application.ports.model_files import ModelFilesUnavailable
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, TransactionLost

logger = logging.getLogger(__name__)

# With the time to load models this has to stay below three seconds
# (contract/admin-ml-and-jobs.md 3.7). What it takes to open them is imported from the look after
# the upload on, while the process that activates them does the same.
LOOK_EVERY_S: Final = 0.5


class Follow(Protocol):
    def __call__(self) -> bool:
        """Look, and change over where something else is in service."""
        ...

    def start_with_rules(self) -> None: ...


class EngineWatch:
    def __init__(self, follow: Follow, announcer: Announcer, every_s: float = LOOK_EVERY_S) -> None:
        self._follow = follow
        self._announcer = announcer
        self._every_s = every_s
        self._ended = Event()
        self._complained = False
        self._thread = Thread(target=self._run, name="engine-watch", daemon=True)

    def start(self) -> None:
        """Returns when what is in service has been looked up, or cannot be."""
        self.look()
        self._follow.start_with_rules()
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._announcer.close()
        if self._thread.ident is not None:
            self._thread.join()

    def look(self) -> None:
        """What fails is tried again at the next look, and told once."""
        try:
            self._follow()
        except (StoreUnavailable, TransactionLost, ModelFilesUnavailable) as unavailable:
            if not self._complained:
                logger.warning("cannot see which models are in service: %s", unavailable)
            self._complained = True
        except Exception:  # a defect here must not end the watch
            logger.exception("looking for the models in service failed")
        else:
            self._complained = False

    def _run(self) -> None:
        while not self._ended.is_set():
            self._announcer.wait(self._every_s)
            if not self._ended.is_set():
                self.look()


class SilentAnnouncer:
    """Tells nobody: where there is no Redis, everybody looks again and again."""

    def __init__(self) -> None:
        self._closed = Event()

    def announce(self) -> None:
        pass

    def wait(self, seconds: float) -> None:
        self._closed.wait(seconds)

    def close(self) -> None:
        self._closed.set()
