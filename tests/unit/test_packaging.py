"""What is on disk is in the wheel."""

import re
import tomllib
from fnmatch import fnmatch
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"


def _setuptools() -> dict[str, Any]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tool: dict[str, Any] = settings["tool"]["setuptools"]
    return tool


def _package_of(file: Path) -> str:
    return ".".join(["spot_optimizer", *file.parent.relative_to(SOURCE).parts])


def test_every_package_folder_is_in_the_wheel() -> None:
    on_disk = {_package_of(marker) for marker in SOURCE.rglob("__init__.py")}

    assert set(_setuptools()["packages"]) == on_disk


def test_every_module_is_in_a_package() -> None:
    packages = set(_setuptools()["packages"])

    assert [str(m) for m in SOURCE.rglob("*.py") if _package_of(m) not in packages] == []


def test_every_data_file_is_in_the_wheel() -> None:
    settings = _setuptools()
    patterns = [
        f"{package.replace('.', '/')}/{pattern}"
        for package, names in settings["package-data"].items()
        for pattern in names
    ]
    data = [
        file.relative_to(SOURCE)
        for file in SOURCE.rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc"} and ".egg-info" not in str(file)
    ]

    assert len(data) > 3
    left_out = [
        str(file)
        for file in data
        if not any(fnmatch(f"spot_optimizer/{file.as_posix()}", pattern) for pattern in patterns)
    ]
    assert left_out == []


def test_the_changes_of_the_version_are_told() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    _, *entries = re.split(r"^## ", changes, flags=re.M)
    (entry,) = [one for one in entries if one.split()[0] == project["version"]]

    assert entries[0] == entry, "the newest comes first"
    assert re.findall(r"^\* \S", entry, re.M)


def test_the_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="spot-optimizer")

    assert command.value == "spot_optimizer.cli:main"
