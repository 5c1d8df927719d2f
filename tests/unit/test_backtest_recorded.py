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
    "always on demand": (227.9, 226.1, 100.0, 48.6, 93.0, 29.5),
    "stay put": (1.98, 1.76, 20.4, 116.3, 30.5, 139.9),
    "stay put + warm replica": (105.8, 105.0, 46.2, 116.7, 55.6, 115.8),
    "greedy cheapest": (0.18, 1.82, 30.9, 203.5, 44.5, 225.2),
    "hysteresis 3 %, 6 h": (0.11, 0.33, 20.4, 116.3, 30.5, 139.9),
    "monolith's rule": (1.13, 0.96, 51.5, 44.6, 55.4, 58.5),
    "monolith's rule + replica": (103.9, 103.1, 63.9, 52.8, 58.4, 57.9),
    "cost-aware, 72 h": (0.07, 0.41, 20.4, 116.3, 30.5, 139.9),
    "counted risk": (0.11, 1.61, 20.6, 37.9, 34.4, 51.6),
}
"""Mean regret in percent, of an independent simulator of the same rules on the same files:
price light, price heavy, avail light, avail heavy, preempt light, preempt heavy."""

_PLACES: Final = [(t, p) for t in ("price", "avail", "preempt") for p in ("light", "heavy")]


@pytest.mark.skipif(_FOLDER is None, reason="RECORDED_DATA names no folder of recordings")
def test_the_baselines_come_out_as_they_did_elsewhere(tmp_path: Path) -> None:
    traces = Scenarios(Recording(Path(_FOLDER or "")))
    outcomes = run(
        traces, [LIGHT, HEAVY], baselines(), Pieces(tmp_path), processes=os.cpu_count() or 1
    )

    found = {(one.decider, (one.track, one.profile)): one.regret * 100 for one in means(outcomes)}
    for decider, expected in _TABLE.items():
        for place, percent in zip(_PLACES, expected, strict=True):
            # The last digit of the table was rounded twice.
            last_digit = 0.01 if percent < 10 else 0.1
            assert found[decider, place] == pytest.approx(percent, abs=0.51 * last_digit), place
