"""`train` and `backtest` on what the server itself has on record."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet
import pytest

from spot_optimizer.adapters.ml.placement_files import placement_model
from spot_optimizer.cli import main
from spot_optimizer.cli.failures import FAILED
from tests.market_record import TYPES, put_market_record
from tests.stores import SqlStore

Put = Callable[..., None]


@pytest.fixture
def put(database: SqlStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Put:
    """So many days on record until now, in the database that the commands are told of."""
    url = database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    def put(days: int, *, losses: bool = True) -> None:
        put_market_record(database.engine, datetime.now(UTC), days, losses=losses)

    return put


def test_a_model_is_made_of_two_weeks_and_judged(put: Put, tmp_path: Path) -> None:
    put(15)
    out = tmp_path / "out"

    assert main(["train", "--from-server", "--out", str(out)]) == 0

    model = placement_model((out / "placement_model.skops").read_bytes())
    card = json.loads((out / "placement_model.json").read_text())["card"]
    assert card["data"][0]["names"] == sorted(f"us-east-1/{name}" for name in TYPES)
    assert card["metrics_on_later_time"]["risk_6h"]["n"] > 1000
    assert model.card == card

    told = ["--from-server", "--model", str(out / "placement_model.skops"), "--profile", "light"]
    assert main(["backtest", *told, "--processes", "1", "--out", str(out)]) == 0

    table = pyarrow.parquet.read_table(out / "results.parquet")
    assert {"placement policy", "placement, no model", "stay put", "oracle"} <= set(
        table["decider"].to_pylist()
    )
    assert set(table["track"].to_pylist()) == {"server"}


@pytest.mark.parametrize(
    ("days", "losses", "told"),
    [
        (1, True, "no instance type has two pools with prices of 2 days and an on-demand price"),
        (4, True, "prices were not watched long enough"),
        (15, False, "no pool went down while it was watched, or none stayed up"),
    ],
)
def test_too_little_to_learn_from_is_told_in_one_line(
    put: Put,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    days: int,
    losses: bool,
    told: str,
) -> None:
    put(days, losses=losses)

    assert main(["train", "--from-server", "--out", str(tmp_path / "out")]) == FAILED

    assert capsys.readouterr().err == f"Too little is on record: {told}\n"
    assert not (tmp_path / "out").exists()


def test_too_little_to_judge_on_is_told_too(
    put: Put, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(1)

    assert main(["backtest", "--from-server", "--out", str(tmp_path / "out")]) == FAILED

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Too little is on record: no instance type")
