"""What is deployed gives commands that there are and settings that can be set."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from spot_optimizer.cli.commands import app
from spot_optimizer.cli.settings_reference import names
from tests.services import require_program

FOLDER: Final = Path(__file__).parents[2] / "deploy"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((FOLDER / "compose.yml").read_text())
OURS: Final = {
    name: service
    for name, service in COMPOSE["services"].items()
    if service["image"] == "spot-optimizer"
}


def check_command(words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    while isinstance(command, TyperGroup):
        command = command.commands[words[0]]
        words = words[1:]
    command.make_context("spot-optimizer", words)


def test_the_services_are_those_that_are_promised() -> None:
    assert set(OURS) == {"schema", "api-1", "api-2", "worker", "scheduler"}
    assert set(COMPOSE["services"]) - set(OURS) == {"mariadb", "redis", "proxy"}


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_what_a_service_names_is_there(name: str) -> None:
    service = COMPOSE["services"][name]
    mounted = [volume.split(":")[0] for volume in service.get("volumes", [])]
    files = [FOLDER / source for source in mounted if source.startswith(".")]

    assert service["image"]
    assert set(service.get("depends_on", [])) <= set(COMPOSE["services"])
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    assert {source for source in mounted if source[0] != "."} <= set(COMPOSE["volumes"])
    assert all(file.is_file() for file in files)


def test_the_proxy_knows_the_servers() -> None:
    proxy = COMPOSE["services"]["proxy"]["environment"]
    servers = {f"{name}:5000" for name in OURS if name.startswith("api-")}

    assert set(proxy.values()) == servers
    haproxy = require_program("haproxy", "haproxy")
    checked = subprocess.run(  # noqa: S603  our own file
        [haproxy, "-c", "-q", "-f", str(FOLDER / "proxy" / "haproxy.cfg")],
        env=dict.fromkeys(proxy, "127.0.0.1:5000"),
        capture_output=True,
        text=True,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_without_privileges(name: str) -> None:
    service = OURS[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert set(service["environment"]) <= set(names())
    check_command(service.get("command", ["serve"]))


def test_the_image_does_not_run_as_root() -> None:
    text = (FOLDER / "Dockerfile").read_text()

    assert re.findall(r"^USER (.*)$", text, re.M) == ["10001:10001"]
    (command,) = re.findall(r"^CMD \[(.*)\]$", text, re.M)
    check_command([word.strip(' "') for word in command.split(",")])
    for source in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.M):
        for name in source.split():
            assert (FOLDER.parent / name).exists(), name
            assert f"!{name}" in (FOLDER.parent / ".dockerignore").read_text().split()


def test_the_secrets_have_an_example() -> None:
    wanted = set(re.findall(r"\$\{(\w+):\?\}", (FOLDER / "compose.yml").read_text()))
    told = re.findall(r"^(\w+)=$", (FOLDER / "example.env").read_text(), re.M)

    assert wanted == set(told)


@pytest.mark.parametrize(
    ("name", "instance"),
    [
        ("spot-optimizer", ""),
        ("spot-optimizer@", "worker"),
        ("spot-optimizer@", "scheduler"),
    ],
)
def test_systemd_accepts_the_unit(tmp_path: Path, name: str, instance: str) -> None:
    text = (FOLDER / "systemd" / f"{name}.service").read_text()
    (start,) = re.findall(r"^ExecStart=\S+/spot-optimizer (.*)$", text, re.M)
    check_command(start.replace("%i", instance).split())
    analyze = require_program("systemd-analyze", "systemd")
    unit = tmp_path / f"{name}{instance}.service"
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.M))

    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True)  # noqa: S603  our own file

    assert (done.returncode, done.stderr) == (0, "")


def test_the_units_are_hardened_alike() -> None:
    server, jobs = (
        (FOLDER / "systemd" / f"spot-optimizer{kind}.service").read_text().partition("DynamicUser=")
        for kind in ("", "@")
    )

    assert server[2] == jobs[2]
    assert "NoNewPrivileges=yes" in jobs[2]
    assert "ProtectSystem=strict" in jobs[2]
