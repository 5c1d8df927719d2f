"""`spot-optimizer backtest`: what it writes, and what it refuses."""

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet
import pytest

from spot_optimizer.backtest.baselines import BASELINES
from spot_optimizer.cli import main
from spot_optimizer.cli.failures import FAILED, WRONG_SETTING
from tests.recordings import put_recording


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "recorded").mkdir()
    return put_recording(tmp_path / "recorded")


def _run(folder: Path, out: Path, *more: str) -> int:
    return main(["backtest", "--data", str(folder), "--out", str(out), "--processes", "1", *more])


def test_writes_tables_and_a_report(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"

    assert _run(folder, out) == 0

    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = pyarrow.parquet.read_table(out / "results.parquet")
    # Two tracks of recorded prices and one of probes, two profiles; besides the baselines the
    # oracle, and the policy with its model and without.
    assert len(rows) == table.num_rows == 3 * 2 * (len(BASELINES) + 3)
    assert table["regret"].to_pylist() == [float(row["regret"]) for row in rows]
    assert {row["decider"] for row in rows} >= {"oracle", "placement policy", *BASELINES}
    assert "counted risk" in capsys.readouterr().out


class _Links(HTMLParser):
    """Whatever a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.unclosed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta",):
            self.unclosed.append(tag)
        if tag in ("script", "link", "img", "iframe", "object", "embed"):
            self.found.append(tag)
        self.found += [name for name, _ in attrs if name in ("src", "href") or name[:2] == "on"]

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag


def test_the_report_stands_alone(folder: Path, tmp_path: Path) -> None:
    _run(folder, tmp_path / "out")

    page = (tmp_path / "out" / "report.html").read_text()
    links = _Links()
    links.feed(page)
    assert links.found == []
    assert links.unclosed == []
    assert "url(" not in page
    assert "@import" not in page
    assert "nan" not in re.findall(r'(?:x|y|cx|cy|x1|y1|width)="([^"]*)"', page)


def test_the_same_again_is_the_same_to_the_byte(folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for out in (first, second, second):
        assert _run(folder, out, "--profile", "light") == 0

    for name in ("report.html", "results.csv", "results.parquet"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_who_takes_part_can_be_chosen(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    assert _run(folder, out, "--policy", "stay put", "--profile", "heavy") == 0

    table = pyarrow.parquet.read_table(out / "results.parquet")
    assert set(table["decider"].to_pylist()) == {"oracle", "stay put"}
    assert set(table["profile"].to_pylist()) == {"heavy"}


def test_all_baselines_have_one_name(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    assert _run(folder, out, "--policy", "baselines", "--profile", "light") == 0

    table = pyarrow.parquet.read_table(out / "results.parquet")
    assert set(table["decider"].to_pylist()) == {"oracle", *BASELINES}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["backtest"], WRONG_SETTING, "--data"),
        (["backtest", "--data", "x", "--from-server"], WRONG_SETTING, "--from-server"),
        (["backtest", "--data", "no-such-folder"], FAILED, "no-such-folder/agents.json"),
        (["backtest", "--data", "x", "--policy", "luck"], WRONG_SETTING, "luck"),
    ],
)
def test_what_it_cannot_do_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    code: int,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(arguments) == code

    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_a_server_without_a_record_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert main(["db", "init"]) == 0

    assert main(["backtest", "--from-server", "--out", str(tmp_path / "out")]) == FAILED

    assert "Too little is on record" in capsys.readouterr().err
