"""The table of the baselines on recorded AWS data, where a folder of it is at hand."""

import os
from pathlib import Path
from typing import Final

import pytest

from spot_optimizer.backtest.contestants import baselines
from spot_optimizer.backtest.pieces import Pieces
from spot_optimizer.backtest.profiles import HEAVY, LIGHT
from spot_optimizer.backtest.recorded_files import Recording
from spot_optimizer.backtest.results import means
from spot_optimizer.backtest.running import run
from spot_optimizer.backtest.scenarios import Scenarios

_FOLDER = os.environ.get("RECORDED_DATA")

_TABLE: Final = {
    "always on demand": (227.92, 226.06, 227.88, 225.88, 99.98, 48.56, 92.95, 29.52),
    "stay put": (1.98, 1.76, 2.38, 2.25, 20.37, 116.25, 30.51, 139.89),
    "stay put + warm replica": (105.81, 104.99, 109.57, 108.68, 46.18, 116.70, 55.59, 115.79),
    "greedy cheapest": (0.18, 1.82, 0.21, 2.05, 30.91, 203.53, 44.50, 225.16),
    "hysteresis 3 %, 6 h": (0.11, 0.33, 0.15, 0.55, 20.37, 116.25, 30.51, 139.89),
    "monolith's rule": (1.13, 0.96, 1.25, 1.20, 51.54, 44.60, 55.44, 58.52),
    "monolith's rule + replica": (103.85, 103.09, 107.02, 106.22, 63.86, 52.79, 58.35, 57.87),
    "cost-aware, 72 h": (0.07, 0.41, 0.10, 0.55, 20.37, 116.25, 30.51, 139.89),
    "counted risk": (0.11, 1.61, 0.15, 1.91, 20.63, 37.88, 34.38, 51.64),
}
"""Mean regret in percent, of an independent simulator of the same rules on the same files: price,
hazard, avail and preempt, light and heavy of each."""

_PLACES: Final = [
    (t, p) for t in ("price", "hazard", "avail", "preempt") for p in ("light", "heavy")
]


@pytest.mark.skipif(
    _FOLDER is None,
    reason="the recordings have no licence to be kept here; RECORDED_DATA names no folder of them",
)
def test_the_baselines_come_out_as_they_did_elsewhere(tmp_path: Path) -> None:
    traces = Scenarios(Recording(Path(_FOLDER or "")))
    outcomes = run(
        traces, [LIGHT, HEAVY], baselines(), Pieces(tmp_path), processes=os.cpu_count() or 1
    )

    found = {(one.decider, (one.track, one.profile)): one.regret * 100 for one in means(outcomes)}
    for decider, expected in _TABLE.items():
        for place, percent in zip(_PLACES, expected, strict=True):
            assert found[decider, place] == pytest.approx(percent, abs=0.006), place
