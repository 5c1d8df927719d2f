"""The Helm chart, as far as can be seen without Helm."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml

from spot_optimizer.cli.settings_reference import (
    FIXED_BY_CHART,
    SECRETS,
    default_of,
    names,
)
from spot_optimizer.cli.workers import GRACE_SECONDS
from tests.unit.test_deployment import check_command

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "deploy" / "helm" / "spot-optimizer"
VALUES: Final[dict[str, Any]] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: Final[dict[str, Any]] = json.loads((CHART / "values.schema.json").read_text())
TEMPLATES: Final = {path.name: path.read_text() for path in (CHART / "templates").iterdir()}
TEXT: Final = "".join(TEMPLATES.values())

_ACTION: Final = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.S)
_BLOCK: Final = re.compile(r"(if|range|with|define)\b")
_VALUE: Final = re.compile(r"\.Values((?:\.\w+)+)")

# Given to Kubernetes as they stand.
_WHOLE: Final = {"resources", "labels", "annotations", "pullSecrets", "from"}
_WHOLE_AT_THE_TOP: Final = {"settings", "nodeSelector", "tolerations"}


def changed(path: str, value: object) -> dict[str, Any]:
    values = copy.deepcopy(VALUES)
    *folders, name = path.split(".")
    place = values
    for folder in folders:
        place = place[folder]
    place[name] = value
    return values


def leaves(values: dict[str, Any], before: str = "") -> Iterator[str]:
    """The paths of what can be set one by one."""
    for name, value in values.items():
        path = f"{before}.{name}"
        whole = name in _WHOLE or (not before and name in _WHOLE_AT_THE_TOP)
        if isinstance(value, dict) and not whole:
            yield from leaves(value, path)
        else:
            yield path


def test_everything_can_be_set_that_is_neither_secret_nor_fixed() -> None:
    assert set(VALUES["settings"]) == set(names()) - SECRETS - FIXED_BY_CHART
    assert set(VALUES["settings"].values()) == {""}
    assert set(names()) >= SECRETS | FIXED_BY_CHART
    assert all(f"- name: {name}\n" in TEXT for name in FIXED_BY_CHART)


def test_the_schema_takes_the_values_as_they_come() -> None:
    jsonschema_rs.meta.validate(SCHEMA)

    assert jsonschema_rs.validator_for(SCHEMA).is_valid(VALUES)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *((f"settings.{name}", "x") for name in sorted(SECRETS | FIXED_BY_CHART)),
        ("settings.MAX_UPLOAD_BYTES", 104_857_600),
        ("setting", {}),
        ("api.worker", 2),
        ("api.replicas", 0),
        ("api.terminationGracePeriodSeconds", 30),
        ("service.port", "http"),
        ("service.type", "Cluster"),
        ("image.repository", ""),
        ("serviceMonitor.interval", "often"),
    ],
)
def test_the_schema_refuses_what_is_wrong(path: str, value: object) -> None:
    assert not jsonschema_rs.validator_for(SCHEMA).is_valid(changed(path, value))


def test_the_version_is_that_of_the_package() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert chart["version"] == chart["appVersion"] == package["version"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_block_of_a_template_ends(name: str) -> None:
    depth = 0
    for action in _ACTION.findall(TEMPLATES[name]):
        depth += bool(_BLOCK.match(action)) - (action == "end")
        assert depth >= 0, action

    assert depth == 0


def test_templates_take_values_that_there_are_and_leave_none_out() -> None:
    taken = {path for text in TEMPLATES.values() for path in _VALUE.findall(text)}

    assert taken == set(leaves(VALUES))


def test_what_templates_include_is_defined() -> None:
    defined = set(re.findall(r'define "([^"]+)"', TEXT))

    assert set(re.findall(r'include "([^"]+)"', TEXT)) == defined


def test_files_from_outside_are_there() -> None:
    wanted = re.findall(r'\.Files\.Get "([^"]+)"', TEXT)

    assert sorted(wanted) == ["files/alerts.yml", "files/grafana-dashboard.json"]
    assert all((CHART / name).is_file() for name in wanted)


def test_the_containers_run_commands_that_there_are() -> None:
    found = [
        ["2" if "Values" in word else word.strip() for word in line.split(",")]
        for line in re.findall(r"args: \[(.*)\]", TEXT)
    ]

    assert {words[0] for words in found} == {"serve", "worker", "scheduler", "db"}
    for words in found:
        check_command(words)


def test_containers_have_no_privileges() -> None:
    container = TEMPLATES["_helpers.tpl"]

    assert "runAsNonRoot: true" in container
    assert "runAsUser: 10001" in container  # as in the image
    assert "readOnlyRootFilesystem: true" in container
    assert "allowPrivilegeEscalation: false" in container
    assert "drop: [ALL]" in container
    assert "automountServiceAccountToken: false" in container
    for part in ("api", "worker", "scheduler", "schema"):
        assert 'include "spot-optimizer.pod"' in TEMPLATES[f"{part}.yaml"]
        assert 'include "spot-optimizer.container"' in TEMPLATES[f"{part}.yaml"]


def test_servers_are_given_the_time_that_they_take_to_end() -> None:
    needed = int(default_of("DRAIN_SECONDS")) + GRACE_SECONDS
    unit = (ROOT / "deploy" / "systemd" / "spot-optimizer.service").read_text()
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yml").read_text())
    given = [
        VALUES["api"]["terminationGracePeriodSeconds"],
        int(re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.M)[0]),
        int(compose["services"]["api-1"]["stop_grace_period"].removesuffix("s")),
    ]

    assert min(given) > needed
