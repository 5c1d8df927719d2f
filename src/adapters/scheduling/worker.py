"""Threads that run what is sent to them."""

from typing import Final

import dramatiq
from dramatiq.worker import Worker

# How long a job under way may take to finish at the end; beyond, it is run again elsewhere.
_GRACE_MS: Final = 25_000


class JobWorker:
    def __init__(self, broker: dramatiq.Broker, threads: int) -> None:
        self._broker = broker
        self._worker = Worker(broker, worker_threads=threads)

    def start(self) -> None:
        # Time limits are kept by a thread that waits for this.
        self._broker.emit_after("process_boot")
        self._worker.start()

    def stop(self) -> None:
        self._worker.stop(timeout=_GRACE_MS)
        self._broker.close()
