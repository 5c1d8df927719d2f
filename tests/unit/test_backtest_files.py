"""From recorded files to results that are kept."""

import gzip
import json
from pathlib import Path

import pytest

from spot_optimizer.backtest.agents import DeciderFactory
from spot_optimizer.backtest.contestants import Baseline
from spot_optimizer.backtest.pieces import Pieces
from spot_optimizer.backtest.profiles import HEAVY, LIGHT
from spot_optimizer.backtest.recorded_files import Recording, RecordingUnusable
from spot_optimizer.backtest.results import ORACLE, Outcome, means
from spot_optimizer.backtest.running import run
from spot_optimizer.backtest.scenarios import Scenarios
from spot_optimizer.backtest.traces import Trace, TracePool, Track
from tests.recordings import AGENTS, put_recording
from tests.traces import drawn_trace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put_recording(tmp_path)


def test_prices_hold_until_the_next_one(folder: Path) -> None:
    price, hazard, _ = Scenarios(Recording(folder))

    # The pool in zone c has no price at the beginning.
    assert price.pools == (
        TracePool("c5.large", "us-east-1a"),
        TracePool("m5.large", "us-east-1a"),
        TracePool("m5.large", "us-east-1b"),
    )
    assert price.prices[:, 1].tolist() == [0.04] * 3 + [0.05] * 9
    assert (price.track, price.start, price.hours) == (Track.PRICE, 6, 1.0)
    assert price.on_demand_price == 0.085
    assert price.bands.tolist() == [-1, 3, 3]
    assert price.up.all()
    assert (hazard.track, hazard.number) == (Track.HAZARD, 0)


def test_probes_become_ticks(folder: Path) -> None:
    (probed,) = Scenarios(Recording(folder), [Track.AVAILABILITY])

    assert probed.pools[0] == TracePool("m5.large", "us-east-1b")
    assert probed.up.tolist() == [[False, True], [True, True], [True, False]]
    assert (probed.tick_s, probed.start, probed.number) == (600, 1, 1)
    assert probed.prices[0].tolist() == [0.04, 0.04]


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("agents.json", b"{", "agents.json"),
        ("agents.json", b'{"agents": [{"track": "price"}]}', "id"),
        ("probes.csv.gz", b"not gzip", "probes.csv.gz"),
        # Without the time of packing, which would name the test otherwise in each of its processes.
        (
            "probes.csv.gz",
            gzip.compress(b"timestamp,other\n2024-05-01T00:00:00Z,1\n", mtime=0),
            "no column",
        ),
        ("prices.csv.gz", None, "prices.csv.gz"),
    ],
)
def test_a_file_that_is_of_no_use_is_named(
    folder: Path, file: str, content: bytes | None, told: str
) -> None:
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)

    with pytest.raises(RecordingUnusable, match=told):
        list(Scenarios(Recording(folder)))


def test_no_file_outside_the_folder_is_read(folder: Path) -> None:
    agents = json.loads(json.dumps(AGENTS))
    agents["agents"][1]["file"] = "../probes.csv.gz"
    (folder / "agents.json").write_text(json.dumps(agents))

    with pytest.raises(RecordingUnusable, match="outside"):
        list(Scenarios(Recording(folder), [Track.AVAILABILITY]))


_CONTESTANTS = [Baseline("stay put"), Baseline("counted risk")]


class _Counting:
    """Counts how often it is asked to take part."""

    name = "counting"
    fingerprint = "counting"

    def __init__(self) -> None:
        self.traces: list[int] = []

    def prepared(self, trace: Trace) -> DeciderFactory:
        self.traces.append(trace.number)
        return Baseline("greedy cheapest").prepared(trace)


def _results(folder: Path, traces: list[Trace], contestant: _Counting) -> list[Outcome]:
    return list(run(traces, [LIGHT, HEAVY], [contestant], Pieces(folder), processes=1))


def test_a_finished_piece_is_not_computed_again(tmp_path: Path) -> None:
    counting = _Counting()
    traces = [drawn_trace(seed, ticks=30, pools=2) for seed in range(3)]
    first = _results(tmp_path, traces[:2], counting)

    again = _results(tmp_path, traces, counting)

    assert counting.traces == [0, 1, 2]
    assert [one.decider for one in again] == [ORACLE, "counting"] * 6
    assert again[: len(first)] == first


def test_what_a_killed_run_was_writing_is_computed_again(tmp_path: Path) -> None:
    counting = _Counting()
    traces = [drawn_trace(0, ticks=30, pools=2)]
    first = _results(tmp_path, traces, counting)
    kept = tmp_path / "pieces.jsonl"
    kept.write_bytes(b'{"of": "another version"}\n' + kept.read_bytes()[:-40])

    assert _results(tmp_path, traces, counting) == first
    assert len(counting.traces) == 2
    assert _results(tmp_path, traces, counting) == first
    assert len(counting.traces) == 2


def test_a_trace_that_has_changed_is_another_piece(tmp_path: Path) -> None:
    counting = _Counting()
    _results(tmp_path, [drawn_trace(0, ticks=30, pools=2)], counting)
    _results(tmp_path, [drawn_trace(0, ticks=31, pools=2)], counting)

    assert len(counting.traces) == 2


def test_several_processes_come_to_the_same(tmp_path: Path) -> None:
    traces = [drawn_trace(seed, ticks=40, pools=2) for seed in range(3)]
    alone, together = (
        run(traces, [LIGHT], _CONTESTANTS, Pieces(tmp_path / name), processes=processes)
        for name, processes in (("alone", 1), ("together", 2))
    )

    assert alone == together


def test_means_are_over_agents(tmp_path: Path) -> None:
    traces = [drawn_trace(seed, ticks=40, pools=2) for seed in range(3)]
    outcomes = run(traces, [LIGHT], _CONTESTANTS, Pieces(tmp_path), processes=1)

    oracle, staying, _ = means(outcomes)

    mine = [one for one in outcomes if one.decider == "stay put"]
    assert (oracle.decider, oracle.regret) == (ORACLE, 0.0)
    assert staying.agents == 3
    assert staying.regret == pytest.approx(sum(one.regret for one in mine) / 3)
    assert staying.lost_minutes == pytest.approx(
        sum(one.down_minutes for one in mine) / 3 * (30 * 24 / 40)
    )
