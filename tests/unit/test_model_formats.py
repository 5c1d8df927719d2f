"""Opening model files: figures come out of sound ones, and nothing out of hostile ones."""

from __future__ import annotations

import builtins
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL
from subprocess import Popen
from typing import Any

import numpy
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from spot_optimizer.adapters.ml import skops_format, trial
from spot_optimizer.adapters.ml.predictors import FORMATS, NotAModel, Predictor
from spot_optimizer.adapters.ml.trial import TrialProcesses
from spot_optimizer.domain.decisions.features import FEATURES
from tests.model_files import (
    a_forest,
    a_malicious_pickle,
    a_risk_model,
    a_zip_bomb,
    onnx_bomb,
    onnx_of,
    onnx_without_end,
    skops_of,
    skops_of_references,
    skops_price,
    skops_risk,
    skops_with,
)

ROW = (0.5,) * len(FEATURES)


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Whatever a model file makes somebody call ends the test."""

    def run(*_: Any, **__: Any) -> None:
        raise AssertionError("something ran")

    monkeypatch.chdir(tmp_path)
    for module, name in ((os, "system"), (os, "remove"), (subprocess, "Popen"), (builtins, "eval")):
        monkeypatch.setattr(module, name, run)
    before = sorted(tmp_path.rglob("*"))
    yield
    monkeypatch.undo()
    assert sorted(tmp_path.rglob("*")) == before, "something was written"


def opened(content: bytes, extension: str = ".skops") -> Predictor:
    return FORMATS[extension].open(content)


class TestSoundModels:
    def test_a_classifier_gives_the_probability_of_its_second_class(self) -> None:
        assert opened(skops_risk(0.25))(ROW) == pytest.approx(0.25)

    def test_a_regressor_gives_its_figure(self) -> None:
        assert opened(skops_price(0.0125))(ROW) == pytest.approx(0.0125)

    def test_a_pipeline_is_a_model_too(self) -> None:
        rows = numpy.random.default_rng(1).random((40, len(FEATURES)))
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(rows, (rows[:, 0] > 0.5).astype(int))

        risk = opened(skops_of(model))(ROW)

        assert risk == pytest.approx(model.predict_proba([ROW])[0, 1])

    def test_a_forest_gives_what_it_gave_before(self) -> None:
        forest = a_forest()

        risk = opened(skops_of(forest))(ROW)

        assert risk == pytest.approx(forest.predict_proba([ROW])[0, 1])

    def test_an_onnx_model_gives_its_figure(self) -> None:
        assert opened(onnx_of(0.25), ".onnx")(ROW) == pytest.approx(0.25)

    def test_an_onnx_model_may_decide_within(self) -> None:
        assert opened(onnx_of(0.75, nested=True), ".onnx")(ROW) == pytest.approx(0.75)


class TestHostileFiles:
    @pytest.mark.parametrize("extension", sorted(FORMATS))
    def test_a_pickle_by_another_name_does_not_run(self, extension: str, tmp_path: Path) -> None:
        with pytest.raises(NotAModel):
            opened(a_malicious_pickle(tmp_path / "ran"), extension)

    @pytest.mark.parametrize("extension", sorted(FORMATS))
    @pytest.mark.parametrize(
        "content", [b"", b"\x00", b"PK\x03\x04", b"\xff" * 1000, b"{}", b"#!/bin/sh\nreboot\n"]
    )
    def test_nonsense_is_no_model(self, extension: str, content: bytes) -> None:
        with pytest.raises(NotAModel):
            opened(content, extension)

    @pytest.mark.parametrize(
        ("module", "name"),
        [
            ("os", "system"),
            ("subprocess", "Popen"),
            ("builtins", "eval"),
            ("builtins", "open"),
            ("posix", "system"),
            ("pathlib", "Path"),
            ("operator", "methodcaller"),
            ("tests.model_files", "_RunsWhenOpened"),
            ("nobody.knows", "this"),
        ],
    )
    def test_a_type_that_is_not_trusted_is_not_made(self, module: str, name: str) -> None:
        with pytest.raises(NotAModel):
            opened(skops_with(name, module))

    def test_what_skops_itself_would_ask_about_is_not_trusted(self) -> None:
        class Mine(LogisticRegression):  # type: ignore[misc]  # it has no types
            pass

        model = a_risk_model(0.25)
        model.__class__ = Mine

        with pytest.raises(NotAModel, match="not trusted"):
            opened(skops_of(model))

    def test_a_function_in_place_of_a_figure_is_not_trusted(self) -> None:
        model = a_risk_model(0.25)
        model.intercept_ = os.getcwd

        with pytest.raises(NotAModel):
            opened(skops_of(model))

    def test_a_bomb_is_not_unpacked(self) -> None:
        bomb = a_zip_bomb()
        assert len(bomb) < 10 * 1024 * 1024

        with pytest.raises(NotAModel, match="unpacks to too much"):
            opened(bomb)

    def test_references_to_references_are_not_followed_for_ever(self) -> None:
        assert opened(skops_of_references(3))(ROW) == pytest.approx(0.25)

        with pytest.raises(NotAModel, match="refers to itself"):
            opened(skops_of_references(40))

    def test_a_forest_gets_no_threads_of_its_own(self) -> None:
        forest = a_forest()
        forest.n_jobs = 3

        opened(skops_of(forest))(ROW)

        assert not [one for one in threading.enumerate() if "ThreadPool" in one.name]

    def test_onnx_that_may_go_on_for_ever_is_refused(self) -> None:
        with pytest.raises(NotAModel, match="circles"):
            opened(onnx_without_end(), ".onnx")

    def test_a_tree_whose_links_lead_elsewhere_is_not_followed(self) -> None:
        for change in ("children", "features"):
            forest = a_forest()
            tree = forest.estimators_[1].tree_
            if change == "children":
                tree.children_left[0] = 1_000_000
            else:
                tree.feature[0] = 500
            content = skops_of(forest)

            with pytest.raises(NotAModel, match="has a tree"):
                opened(content)

    def test_a_tree_that_leads_back_to_itself_is_not_followed(self) -> None:
        forest = a_forest()
        forest.estimators_[0].tree_.children_left[0] = 0

        with pytest.raises(NotAModel, match="broken links"):
            opened(skops_of(forest))

    def test_something_else_than_a_model_is_refused(self) -> None:
        for thing in ({"a": 1}, [1, 2], StandardScaler()):
            with pytest.raises(NotAModel):
                opened(skops_of(thing))

    def test_a_model_of_other_features_is_refused(self) -> None:
        model = a_risk_model(0.25)
        model.coef_, model.n_features_in_ = numpy.zeros((1, 3)), 3

        with pytest.raises(NotAModel):
            opened(skops_of(model))
        with pytest.raises(NotAModel, match="9 features"):
            opened(onnx_of(width=3), ".onnx")

    @pytest.mark.parametrize("nested", [False, True])
    @pytest.mark.parametrize("place", ["weights.bin", "../weights.bin", "/etc/passwd", ""])
    def test_onnx_with_figures_elsewhere_is_refused(self, place: str, nested: bool) -> None:
        with pytest.raises(NotAModel, match="another file"):
            opened(onnx_of(external=place, nested=nested), ".onnx")

    @pytest.mark.parametrize("domain", ["com.example", "com.microsoft", "ai.onnx.preview"])
    def test_onnx_with_operators_of_somebody_else_is_refused(self, domain: str) -> None:
        with pytest.raises(NotAModel, match="operators"):
            opened(onnx_of(domain=domain), ".onnx")

    def test_nothing_of_a_file_is_told(self) -> None:
        with pytest.raises(NotAModel) as refused:
            opened(skops_with("secret_name_of_mine", "os"))

        assert "secret" not in str(refused.value)


class TestTrial:
    """In a process of its own, and so not under the eyes of `nothing_runs`."""

    @pytest.fixture(autouse=True)
    def nothing_runs(self) -> None:
        """Starting a process is what a trial does."""

    @pytest.fixture(params=["started", "expected"])
    def try_out(self, request: pytest.FixtureRequest) -> TrialProcesses:
        """In a process that is started for it, or in one that waits."""
        processes = TrialProcesses()
        if request.param == "expected":
            processes.expect({".onnx"})
        return processes

    def test_lets_pass_what_is_sound(self, try_out: TrialProcesses) -> None:
        refused = []
        for extension, content in ((".onnx", onnx_of()), (".skops", skops_risk())):
            try:
                try_out(extension, content)
            except NotAModel as refusal:
                refused.append((extension, str(refusal)))

        assert refused == []

    def test_says_why_a_file_is_refused(self, try_out: TrialProcesses) -> None:
        with pytest.raises(NotAModel, match="keeps its figures in another file"):
            try_out(".onnx", onnx_of(external="weights.bin"))

    def test_gives_no_more_memory_than_a_model_may_take(self, try_out: TrialProcesses) -> None:
        with pytest.raises(NotAModel):
            try_out(".onnx", onnx_bomb())

    def test_ends_what_takes_too_long(self) -> None:
        with pytest.raises(NotAModel, match="too long"):
            TrialProcesses(patience_s=0.001)(".onnx", onnx_of())

    def test_takes_a_process_that_fails_for_a_file_that_cannot_be_opened(self) -> None:
        with pytest.raises(NotAModel, match="more memory or time"):
            TrialProcesses()(".nobody-knows", b"")

    def test_each_file_has_a_process_to_itself_and_the_first_that_waits(self) -> None:
        started: list[Popen[bytes]] = []
        processes = TrialProcesses(start=lambda extension: started_as(started, extension))
        for _ in range(2):
            processes.expect({".onnx"})
        (waiting,) = started

        for _ in range(2):
            processes(".onnx", onnx_of())

        assert len(started) == 2
        assert started[0] is waiting
        assert [process.returncode for process in started] == [0, 0]

    def test_a_process_that_has_ended_is_replaced(self) -> None:
        started: list[Popen[bytes]] = []
        processes = TrialProcesses(start=lambda extension: started_as(started, extension))
        processes.expect({".onnx"})
        started[0].kill()
        started[0].wait()

        processes(".onnx", onnx_of())

        assert [process.returncode for process in started] == [-SIGKILL, 0]

    def test_a_process_that_waits_ends_with_the_server(self) -> None:
        process = trial.start(".onnx")
        assert process.stdin is not None
        process.stdin.close()

        with process:
            pass

        assert process.returncode != 0

    def test_a_process_that_waits_knows_no_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ADMIN_API_TOKEN", "secret")
        with trial.start(".onnx") as process:
            # Empty for the moment that the process takes to become the new program.
            while not (told := Path(f"/proc/{process.pid}/environ").read_bytes()):
                assert process.poll() is None
            process.kill()

        assert b"OPENBLAS_NUM_THREADS=1" in told
        assert b"secret" not in told


def started_as(started: list[Popen[bytes]], extension: str) -> Popen[bytes]:
    started.append(trial.start(extension))
    return started[-1]


def test_the_list_of_trusted_types_is_what_forests_need() -> None:
    needed = set(skops.io.get_untrusted_types(data=skops_of(a_forest())))

    assert needed == set(skops_format.TRUSTED)
