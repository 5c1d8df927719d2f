"""The diagrams of the documentation are those of the code."""

from pathlib import Path

from typer.testing import CliRunner

from spot_optimizer.cli.commands import app
from spot_optimizer.cli.state_machines import document

DIAGRAMS = Path(__file__).parents[2] / "docs" / "state-machines.md"


def test_the_documentation_is_up_to_date() -> None:
    assert DIAGRAMS.read_text() == document(), "run `make diagrams`"


def test_a_command_draws_it() -> None:
    assert CliRunner().invoke(app, ["state-machines"]).stdout == document()


def test_every_arrow_is_drawn_and_explained() -> None:
    text = document()

    assert text.count("stateDiagram-v2") == 4
    assert "    syncing --> promoted: promote" in text
    assert (
        "| launching, syncing, ready | fail | failed |  | stays listed, protects no more |" in text
    )
