"""What the documents say exists: commands with their options, settings, files, and imports."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import grimp
import pytest
import typer.main
from typer.core import TyperGroup

from spot_optimizer.cli.commands import app
from spot_optimizer.cli.settings_reference import names

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/*.md"))]

_SHELL: Final = re.compile(r"^```sh\n(.*?)^```", re.M | re.S)
_LINK: Final = re.compile(r"\]\((?!https?://|#)([^)#]+)")
_PATH: Final = re.compile(r"`((?:deploy|docs|examples|src)/[\w./-]+)`")
_VARIABLE: Final = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`")
_ARROW: Final = re.compile(r"^    (\w+) --> (\w+)$", re.M)

# Of tests, and the ones of other programs.
_NOT_SETTINGS: Final = {"REQUIRE_SERVICES", "HISTORY_STEPS", "ARROWS", "RECORDED_DATA"}


def commands() -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for block in _SHELL.findall(document.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                if "spot-optimizer " in line and not line.lstrip().startswith(("#", "curl")):
                    yield document.name, line[line.index("spot-optimizer ") :]


@pytest.mark.parametrize(("document", "line"), list(commands()))
def test_a_command_can_be_given_as_it_stands(document: str, line: str) -> None:
    arguments = shlex.split(line, comments=True)[1:]
    command = typer.main.get_command(app)
    while isinstance(command, TyperGroup):
        name = arguments.pop(0)
        assert name in command.commands, f"{document}: there is no command {name}"
        command = command.commands[name]
    command.make_context(line, arguments)


def test_there_are_commands_to_try() -> None:
    assert len(list(commands())) > 6


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda it: it.name)
def test_files_and_settings_exist(document: Path) -> None:
    text = document.read_text()

    links = [(document.parent / link).resolve() for link in _LINK.findall(text)]
    paths = [ROOT / path for path in _PATH.findall(text)]
    assert [str(path) for path in (*links, *paths) if not path.exists()] == []
    assert set(_VARIABLE.findall(text)) - set(names()) - _NOT_SETTINGS == set()


def test_the_diagram_of_the_architecture_is_what_is_imported() -> None:
    drawn = set(_ARROW.findall((ROOT / "docs" / "architecture.md").read_text()))
    graph = grimp.build_graph("spot_optimizer")
    parts = graph.find_children("spot_optimizer")
    found = {
        (importer.split(".")[1], imported.split(".")[1])
        for importer in parts
        for imported in parts
        if importer != imported
        and graph.direct_import_exists(importer=importer, imported=imported, as_packages=True)
    }

    assert drawn == found
