"""The counts of several worker processes, come together.

Each process counts in its own memory, which costs a request one or two microseconds; files mapped
into memory, as the library has them for several processes, cost five times that. What it has
counted it leaves in a file every few seconds, and before it answers a scrape. Since every answer
is made of the files alone, no count goes back, whichever worker is asked; files of workers that
have ended stay and count.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread, get_ident
from typing import Final, TypeAlias

import msgspec
from prometheus_client import CollectorRegistry, Metric

# Name, kind, help text, and the samples as name, labels and value.
Family: TypeAlias = tuple[str, str, str, list[tuple[str, dict[str, str], float]]]

WRITTEN_EVERY_S: Final = 2.0

_ENDING: Final = ".figures"
_DECODER: Final = msgspec.json.Decoder(list[Family])


class SharedFigures:
    """The figures of all processes that were given the same directory; of this one alone without
    a directory."""

    def __init__(
        self, registry: CollectorRegistry, directory: Path | None, process: str | None = None
    ) -> None:
        self._registry = registry
        self._directory = directory
        self._process = process or str(os.getpid())
        self._stopped = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to leave them for the other processes."""
        if self._directory is not None:
            self._thread = Thread(
                target=self._keep_writing, args=(self._directory,), name="figures", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def collect(self) -> Iterator[Metric]:
        """What all processes have counted until now, or a few seconds ago."""
        if self._directory is None:
            return iter(_added_up(_families(self._registry)))
        self._write(self._directory)
        files = sorted(self._directory.glob(f"*{_ENDING}"))
        return iter(_added_up(one for file in files for one in _DECODER.decode(file.read_bytes())))

    def _keep_writing(self, directory: Path) -> None:
        ends = False
        while not ends:
            ends = self._stopped.wait(WRITTEN_EVERY_S)
            with suppress(OSError):  # a full disk: nobody is waiting, and there is a next time
                self._write(directory)

    def _write(self, directory: Path) -> None:
        own = directory / f"{self._process}{_ENDING}"
        # A scrape and the thread may write at the same time.
        new = own.with_suffix(f".{get_ident()}")
        new.write_bytes(msgspec.json.encode(list(_families(self._registry))))
        new.replace(own)


def _families(registry: CollectorRegistry) -> Iterator[Family]:
    for metric in registry.collect():
        samples = [
            (sample.name, dict(sample.labels), float(sample.value))
            for sample in metric.samples
            if not sample.name.endswith("_created")  # of which there is none for several processes
        ]
        yield metric.name, metric.type, metric.documentation, samples


def _added_up(families: Iterable[Family]) -> list[Metric]:
    metrics: dict[str, Metric] = {}
    sums: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for name, kind, documentation, samples in families:
        metrics.setdefault(name, Metric(name, documentation, kind))
        total = sums.setdefault(name, {})
        for sample, labels, value in samples:
            key = sample, tuple(labels.items())
            total[key] = total.get(key, 0.0) + value
    for name, metric in metrics.items():
        for (sample, pairs), value in sums[name].items():
            metric.add_sample(sample, dict(pairs), value)
    return list(metrics.values())
