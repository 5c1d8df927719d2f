"""Figures of several processes come together, and never go back."""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import Metric

from spot_optimizer.adapters.metrics.instruments import Instruments
from spot_optimizer.adapters.metrics.sharing import SharedFigures

ROUTE = "/api/agents/{agent_id}/heartbeat"


class Process:
    """A worker, which in this test has an id of its own as real ones do."""

    def __init__(self, directory: Path, name: str) -> None:
        self.instruments = Instruments()
        self.figures = SharedFigures(self.instruments.registry, directory, name)

    def serve(self, times: int) -> None:
        for _ in range(times):
            self.instruments.request_answered("POST", ROUTE, 200, 0.003)

    def scraped(self) -> float:
        return count_of(self.figures.collect())


def count_of(metrics: Iterable[Metric]) -> float:
    return sum(
        sample.value
        for metric in metrics
        for sample in metric.samples
        if sample.name == "spot_optimizer_http_request_duration_seconds_count"
    )


def test_each_process_tells_of_all(tmp_path: Path) -> None:
    one, other = Process(tmp_path, "1"), Process(tmp_path, "2")
    one.serve(2)
    other.serve(3)
    assert one.scraped() == 2  # the other has not written yet
    assert other.scraped() == 5
    assert one.scraped() == 5


def test_no_count_goes_back_whoever_is_asked(tmp_path: Path) -> None:
    processes = [Process(tmp_path, name) for name in "123"]
    seen = []
    for turn in range(30):
        processes[turn % 3].serve(1)
        seen.append(processes[(turn * 2) % 3].scraped())

    assert seen == sorted(seen)


def test_what_a_process_has_counted_stays_when_it_ends(tmp_path: Path) -> None:
    one, other = Process(tmp_path, "1"), Process(tmp_path, "2")
    one.serve(4)
    one.figures.start()
    one.figures.stop()

    assert other.scraped() == 4


def test_one_process_alone_needs_no_directory() -> None:
    instruments = Instruments()
    instruments.request_answered("POST", ROUTE, 200, 0.003)

    assert count_of(SharedFigures(instruments.registry, None).collect()) == 1
