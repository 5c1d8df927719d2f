"""The README says what can be set, and to what it is set otherwise."""

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text()
ROWS = {
    name.strip(" `"): default
    for line in README.splitlines()
    if line.startswith("| `")
    for names, default in [[cell.strip() for cell in line.split("|")[1:3]]]
    for name, default in zip(
        names.split(","), default.split(",") * (1 + names.count(",")), strict=False
    )
}


@pytest.mark.parametrize("peculiarity", fields(Compatibility), ids=lambda it: it.name)
def test_every_peculiarity_is_described(peculiarity: object) -> None:
    assert getattr(peculiarity, "name", "").upper() in ROWS


@pytest.mark.parametrize(
    "setting", [it for it in fields(Settings) if it.name != "peculiarities"], ids=lambda it: it.name
)
def test_every_setting_is_described_with_its_default(setting: object) -> None:
    name, default = getattr(setting, "name", ""), getattr(setting, "default", MISSING)

    described = ROWS[name.upper()].strip(" `")

    assert described == ("\N{EN DASH}" if default in ("", None) else str(default))
