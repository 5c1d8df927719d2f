import json
from collections.abc import Iterator
from importlib.resources import files
from math import log, log1p, nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.ml import prior
from spot_optimizer.adapters.ml.placement_counts import as_json, count_table
from spot_optimizer.adapters.ml.placement_model import BrokenModel
from spot_optimizer.adapters.ml.training import RISK_HOURS
from spot_optimizer.domain.placement.count_table import CELLS, HORIZONS_H, CountTable
from spot_optimizer.domain.placement.features import FEATURES, Vector
from spot_optimizer.domain.placement.outlook import Risk

SCARCE = 4


def a_pool(age_h: float = 1.0, lasts_h: float = 6.0) -> Vector:
    known = {"log_hours_up": log1p(age_h), "log_hours_per_drop_72h": log(lasts_h)}
    return tuple(known.get(name, nan) for name in FEATURES)


figures = st.floats(-20, 200) | st.just(nan)
vectors = st.lists(figures, min_size=len(FEATURES), max_size=len(FEATURES)).map(tuple)


def test_nothing_counted_says_what_the_band_says() -> None:
    counted, band = CountTable().risk(a_pool(), SCARCE), Risk.of_band(SCARCE)

    assert (counted.within_1h, counted.within_6h) == pytest.approx((band.within_1h, band.within_6h))


def test_what_was_counted_outweighs_the_band() -> None:
    lost = [(a_pool(), [n < 200, n < 800]) for n in range(1000)]

    risk = CountTable.of(lost).risk(a_pool(), 0)

    assert (risk.within_1h, risk.within_6h) == pytest.approx((0.2, 0.8), abs=0.01)


def test_pools_of_one_age_differ_by_how_long_they_last() -> None:
    steady, restless = a_pool(lasts_h=30), a_pool(lasts_h=1)
    table = CountTable.of([(steady, [False, False])] * 50 + [(restless, [True, True])] * 50)

    risks = [table.risk(pool, SCARCE).within_6h for pool in (steady, a_pool(), restless)]

    assert risks == sorted(risks)
    assert risks[0] < 0.1
    assert risks[1] == pytest.approx(0.5, abs=0.05)  # of a kind that it has not seen
    assert risks[2] > 0.9


def test_what_is_not_known_is_not_counted() -> None:
    table = CountTable.of([(a_pool(), [None, True])] * 100)

    risk, band = table.risk(a_pool(), SCARCE), Risk.of_band(SCARCE)

    assert risk.within_1h == pytest.approx(band.within_1h)
    assert risk.within_6h > 0.9


@given(st.lists(st.tuples(vectors, st.booleans(), st.booleans())), vectors, st.integers(-1, 4))
def test_it_gives_probabilities_whatever_was_counted(
    seen: list[tuple[Vector, bool, bool]], asked: Vector, band: int
) -> None:
    table = CountTable.of((features, [near, near or far]) for features, near, far in seen)

    risk = table.risk(asked, band)

    assert 0 <= risk.within_1h <= risk.within_6h <= 1


def test_it_is_read_as_it_was_written() -> None:
    table = CountTable.of([(a_pool(), [False, True]), (a_pool(50), [None, False])])

    assert count_table(json.loads(as_json(table))) == table


@pytest.mark.parametrize(
    "kept",
    [
        None,
        {},
        {"cells": [[0, 0, 0, 0]]},
        {"cells": [[0, 0, 0]] * CELLS},
        {"cells": [[1, 2, 1, 0]] * CELLS},
        {"cells": [[nan, 0, 1, 0]] * CELLS},
        {"cells": [None] * CELLS},
    ],
)
def test_what_is_no_count_table_is_refused(kept: object) -> None:
    with pytest.raises(BrokenModel):
        count_table(kept)


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of what comes with the server, to break."""
    folder = files("spot_optimizer.adapters.ml").joinpath("packaged")
    for name in ("placement_prior.json", "placement_counts.json"):
        (tmp_path / name).write_bytes(folder.joinpath(name).read_bytes())
    monkeypatch.setattr(prior, "_PACKAGED", tmp_path)
    prior.prior_model.cache_clear()
    prior.prior_counts.cache_clear()
    yield tmp_path
    prior.prior_model.cache_clear()
    prior.prior_counts.cache_clear()


def test_risks_are_judged_by_the_packaged_model_first(packaged: Path) -> None:
    assert prior.prior_risk() == prior.prior_model()


@pytest.mark.parametrize("broken", [b"", b"{", b"{}", b"[]", b"\xff", None])
def test_the_count_table_stands_in_for_a_model_that_cannot_be_read(
    packaged: Path, broken: bytes | None
) -> None:
    path = packaged / "placement_prior.json"
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken)

    stands_in = prior.prior_risk()

    assert isinstance(stands_in, CountTable)
    young, old = (stands_in.risk(a_pool(age_h), SCARCE) for age_h in (0.2, 40))
    assert old.within_1h < young.within_1h


def test_bands_alone_decide_where_neither_can_be_read(packaged: Path) -> None:
    for path in packaged.iterdir():
        path.write_bytes(b"{}")

    assert prior.prior_risk() is None


def test_it_counts_what_models_are_asked() -> None:
    assert HORIZONS_H == RISK_HOURS
