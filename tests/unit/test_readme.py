"""The README says what can be set, and to what it is set otherwise."""

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from spot_optimizer.cli.settings_reference import (
    PECULIARITIES,
    chart_values,
    environment_file,
    names,
    peculiarities_table,
    settings_table,
)
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
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


def test_the_tables_are_those_that_the_command_prints() -> None:
    assert settings_table() in README
    assert peculiarities_table() in README


def test_everything_that_can_be_set_is_told_of_once() -> None:
    known = {it.name.upper() for it in (*fields(Settings), *fields(Compatibility))}
    parts = {"DB_HOST", "DB_PORT", "DB_USER", "DB_NAME", "DB_PASSWORD"}
    told = list(names())

    assert set(told) == (known - {"PECULIARITIES"}) | parts
    assert len(told) == len(set(told))
    assert set(PECULIARITIES) == {it.name.upper() for it in fields(Compatibility)}


def test_the_example_of_an_environment_file_is_up_to_date() -> None:
    example = ROOT / "deploy" / "systemd" / "environment.example"

    assert example.read_text() == environment_file(), "spot-optimizer settings --environment"


def test_the_values_of_the_chart_are_up_to_date() -> None:
    values = ROOT / "deploy" / "helm" / "spot-optimizer" / "values.yaml"

    assert values.read_text().endswith(f"\n{chart_values()}"), "make chart"
