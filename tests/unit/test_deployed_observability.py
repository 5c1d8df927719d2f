"""Dashboard and alerts ask for what the server tells, by real figures of a real application."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from spot_optimizer.application.ports.decision_engine import Serving
from tests.application_under_test import OPERATOR_TOKEN, Api, a_store_in, an_api
from tests.services import require_program
from tests.unit.http.test_failover import Endangered

FOLDER: Final = Path(__file__).parents[2] / "deploy" / "observability"
DECIDE: Final = {"instance": {"current_mode": "spot"}, "pricing": {"on_demand_price": 0.1}}

_SELECTOR: Final = re.compile(r"(spot_optimizer_\w+)((?:\{(?:[^{}\"]|\"[^\"]*\")*\})?)")
_MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_BY: Final = re.compile(r"\bby \(([^)]*)\)")

# Labels that Prometheus adds, or that its functions need.
_ADDED: Final = {"instance", "job", "le"}


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    found: list[dict[str, Any]] = dashboard["panels"]
    return found


EXPRESSIONS: Final = [
    *[(rule["alert"], rule["expr"]) for rule in alerts()],
    *[(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]],
]


# What operators are promised, and the labels that tell one from another.
PROMISED: Final = {
    "agents by state": ("agents", "mode state"),
    "age of heartbeats": ("agents_heard_within", "seconds"),
    "decisions by action and reason": ("decisions_total", "action reason"),
    "how long decisions take": ("decision_duration_seconds_count", ""),
    "switches": ("switches_total", ""),
    "signals of interruption": ("interruption_signals_total", "signal"),
    "from a notice to its answer": ("notice_answer_seconds_count", ""),
    "how long failovers take": ("failover_seconds_count", ""),
    "replicas by state": ("replicas", "state"),
    "age of prices": ("newest_price_age_seconds", ""),
    "savings": ("savings_usd", ""),
    "outcomes of jobs": ("job_runs_total", "outcome task"),
    "last runs of jobs anywhere": ("job_last_run_timestamp_seconds", "task"),
    "requests by route": ("http_request_duration_seconds_count", "method route status"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """By a server where everything has happened once."""
    with (
        a_store_in(tmp_path_factory.mktemp("store")) as store,
        an_api(store.url, tmp_path_factory.mktemp("data"), ENABLE_BACKGROUND_JOBS="True") as api,
    ):
        store.empty()
        let_everything_happen(api, Endangered(api, store))
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE clients SET total_savings = 12.5")
        api.clock.advance(seconds=60)
        return api.get("/metrics", token=OPERATOR_TOKEN).text


@pytest.fixture(scope="module")
def samples(told: str) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(told) for sample in family.samples]


@pytest.fixture(scope="module")
def series(samples: list[Sample]) -> dict[str, list[dict[str, str]]]:
    """The labels of every sample."""
    found: dict[str, list[dict[str, str]]] = {}
    for sample in samples:
        found.setdefault(sample.name, []).append(sample.labels)
    return found


def let_everything_happen(api: Api, fleet: Endangered) -> None:
    fleet.post("heartbeat")
    fleet.post("decide", DECIDE)
    api.container.engines().install(None, Serving())
    fleet.post("decide", DECIDE)
    fleet.post("termination-imminent", {"instance_id": "i-1"})
    fleet.launch(fleet.emergency()["replica_id"])
    fleet.post("termination-imminent", {"instance_id": "i-1"})
    new = {"instance_id": "i-9", "mode": "spot"}
    fleet.post("switch-report", {"old_instance": {"instance_id": "i-2"}, "new_instance": new})
    api.container.run_job().by_hand("expire_commands")


def test_there_is_something_to_look_at() -> None:
    assert len(alerts()) > 8
    assert len(panels()) > 12
    for rule in alerts():
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["action"]


@pytest.mark.parametrize(("name", "expression"), EXPRESSIONS, ids=[it[0] for it in EXPRESSIONS])
def test_each_metric_and_label_exists(
    name: str, expression: str, series: dict[str, list[dict[str, str]]]
) -> None:
    selected = _SELECTOR.findall(expression)
    assert selected or "up{" in expression
    for metric, matchers in selected:
        assert metric in series, f"{name}: nobody tells {metric}"
        for label, operator, value in _MATCHER.findall(matchers):
            values = {labels[label] for labels in series[metric] if label in labels}
            assert values, f"{name}: {metric} has no label {label}"
            if operator == "=":
                assert value in values, f"{name}: {label} is never {value}, but {values}"
    known = _ADDED.union(*(labels for metric, _ in selected for labels in series[metric]))
    for listed in _BY.findall(expression):
        assert {label.strip() for label in listed.split(",")} <= known, name


@pytest.mark.parametrize("what", PROMISED)
def test_what_is_promised_is_told(what: str, samples: list[Sample]) -> None:
    name, labels = PROMISED[what]
    found = [sample for sample in samples if sample.name == f"spot_optimizer_{name}"]

    assert {" ".join(sorted(sample.labels)) for sample in found} == {labels}
    assert sum(sample.value for sample in found) > 0


def test_prometheus_accepts_the_figures(told: str) -> None:
    promtool = require_program("promtool", "prometheus")
    checked = subprocess.run(  # noqa: S603  # nothing of anybody else's
        [promtool, "check", "metrics"], input=told, capture_output=True, text=True
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_prometheus_accepts_its_configuration() -> None:
    promtool = require_program("promtool", "prometheus")
    file = FOLDER / "prometheus.yml"
    checked = subprocess.run(  # noqa: S603  our own file
        [promtool, "check", "config", "--syntax-only", str(file)], capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stderr
    assert f"{file} is valid prometheus config file syntax" in checked.stdout
    assert yaml.safe_load(file.read_text())["rule_files"] == ["alerts.yml"]


def test_prometheus_accepts_the_rules() -> None:
    promtool = require_program("promtool", "prometheus")
    checked = subprocess.run(  # noqa: S603  # our own file
        [promtool, "check", "rules", str(FOLDER / "alerts.yml")], capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stderr
    assert f"{len(alerts())} rules found" in checked.stdout
