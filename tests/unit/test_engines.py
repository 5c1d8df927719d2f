"""Building engines with models, and asking them."""

import subprocess
import sys
import threading
from collections.abc import Collection
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from spot_optimizer.adapters.ml.engines import ModelBackedEngine, RuleBasedDecisionEngine
from spot_optimizer.adapters.ml.loader import BuiltInEngines
from spot_optimizer.adapters.ml.predictors import NotAModel
from spot_optimizer.application.ports.decision_engine import EngineIdentity, EngineNotLoaded
from spot_optimizer.domain.decisions import rule_based
from spot_optimizer.domain.decisions.contract import Decision, DecisionInput, DecisionType
from spot_optimizer.domain.decisions.model_based import Role
from spot_optimizer.domain.models.sessions import (
    KeptFile,
    ModelSession,
    SessionId,
    SessionState,
)
from spot_optimizer.domain.values import Mode
from tests.builders import AGENT, NOON, POOL_B
from tests.fakes.models import InMemoryModelFiles
from tests.model_files import onnx_of, skops_price, skops_risk

IDENTITY = EngineIdentity(name="MLBasedDecisionEngine", version="1.0.0")
PATIENCE_S = 20


class FakeTrials:
    """Lets everything pass but one content."""

    def __init__(self, bad: bytes = b"") -> None:
        self.bad = bad
        self.expected: list[set[str]] = []
        self.tried: list[str] = []

    def expect(self, extensions: Collection[str]) -> None:
        self.expected.append(set(extensions))

    def __call__(self, extension: str, content: bytes) -> None:
        self.tried.append(extension)
        if content == self.bad:
            raise NotAModel("takes too long to be opened")


def question(**changes: Any) -> DecisionInput:
    """On demand; spot costs three tenths."""
    said: dict[str, Any] = {
        "agent_id": AGENT,
        "current_mode": Mode.ON_DEMAND,
        "spot_price": Decimal("0.0125"),
        "ondemand_price": Decimal("0.0416"),
        "candidate_pool_id": POOL_B,
        "asked_at": NOON,
    }
    return DecisionInput(**{**said, **changes})


def a_session(files: InMemoryModelFiles, **contents: bytes) -> ModelSession:
    kept = []
    for name, content in contents.items():
        file_name = name.replace("__", ".")
        files.kept["s-1", file_name] = content
        kept.append(KeptFile(name=file_name, sha256=sha256(content).hexdigest()))
    return ModelSession(
        id=SessionId("s-1"),
        state=SessionState.PENDING,
        files=tuple(kept),
        total_bytes=0,
        created_at=NOON,
    )


def engines(files: InMemoryModelFiles, **settings: Any) -> BuiltInEngines:
    named = {
        "module": "decision_engines.ml_based_engine",
        "class_name": "MLBasedDecisionEngine",
        "strict": False,
    }
    return BuiltInEngines(files=files, **{**named, **settings})


class TestBuilding:
    def test_without_a_session_gives_the_rules(self) -> None:
        built = engines(InMemoryModelFiles()).build(None)

        assert built.engine.identity == IDENTITY
        assert built.models == ()
        assert built.engine.decide(question()) == rule_based.decide(question())

    @pytest.mark.parametrize(
        ("module", "name"),
        [
            ("none", "MLBasedDecisionEngine"),
            ("os", "system"),
            ("decision_engines.ml_based_engine", "system"),
        ],
    )
    def test_imports_nothing_that_settings_name(self, module: str, name: str) -> None:
        with pytest.raises(EngineNotLoaded):
            engines(InMemoryModelFiles(), module=module, class_name=name).build(None)

    def test_uses_models_by_their_names(self) -> None:
        files = InMemoryModelFiles()
        session = a_session(
            files,
            risk_predictor__skops=skops_risk(0.25),
            price_predictor__onnx=onnx_of(0.0208),
            other__onnx=onnx_of(),
        )

        built = engines(files).build(session)

        assert built.engine.identity.models_used == ("risk_predictor", "price_predictor", "other")
        decision = built.engine.decide(question())
        assert decision.decision_type is DecisionType.SWITCH_TO_SPOT
        assert decision.risk_score == pytest.approx(0.25)
        assert decision.expected_savings == pytest.approx(0.0208)
        kinds = {model.name: (model.kind, model.failure) for model in built.models}
        assert kinds["risk_predictor"] == ("sklearn", None)
        assert kinds["price_predictor"] == ("onnx", None)
        first = built.models[0]
        assert first.sha256 == session.files[0].sha256
        assert first.version == str(first.sha256)[:12]

    @pytest.mark.parametrize(
        ("name", "content", "failure"),
        [
            ("risk_predictor__skops", b"nonsense", "not a usable sklearn model (BadZipFile)"),
            ("risk_predictor__onnx", onnx_of(external="x"), "keeps its figures in another file"),
            ("risk_predictor__pkl", b"\x80\x04", "is of a format that is never opened"),
        ],
        ids=["nonsense", "another file", "a pickle"],
    )
    def test_leaves_out_what_cannot_be_loaded(
        self, name: str, content: bytes, failure: str
    ) -> None:
        files = InMemoryModelFiles()
        session = a_session(files, **{name: content, "price_predictor__skops": skops_price()})

        built = engines(files).build(session)

        assert built.engine.identity.models_used == ("price_predictor",)
        assert {model.failure for model in built.models} == {failure, None}
        with pytest.raises(EngineNotLoaded):
            engines(files, strict=True).build(session)

    def test_leaves_out_what_is_not_what_was_uploaded(self) -> None:
        files = InMemoryModelFiles()
        session = a_session(files, risk_predictor__skops=skops_risk(0.25))
        files.kept["s-1", "risk_predictor.skops"] = skops_risk(0.75)

        (model,) = engines(files).build(session).models

        assert model.failure == "is not what was uploaded"

    def test_leaves_out_what_is_missing(self) -> None:
        files = InMemoryModelFiles()
        session = a_session(files, risk_predictor__skops=skops_risk())
        files.kept.clear()

        built = engines(files).build(session)

        assert [model.failure for model in built.models] == ["is missing"]
        assert built.engine.decide(question()) == rule_based.decide(question())

    def test_opens_nothing_where_the_former_server_is_reproduced(self) -> None:
        files = InMemoryModelFiles()
        session = a_session(files, risk_predictor__skops=skops_risk())
        files.is_away = True

        assert engines(files, opens_models=False).build(session).models == ()

    def test_tries_out_what_nobody_has_opened_yet(self) -> None:
        files = InMemoryModelFiles()
        session = a_session(files, a__onnx=onnx_of(), b__onnx=onnx_of(0.5), c__pkl=b"x")
        try_out = FakeTrials(onnx_of(0.5))

        assert engines(files, try_out=try_out).build(session).models[1].failure is None
        assert try_out.tried == []

        models = engines(files, try_out=try_out).build(session, untried=True).models
        assert [model.failure for model in models] == [
            None,
            "takes too long to be opened",
            "is of a format that is never opened",
        ]
        assert try_out.tried == [".onnx", ".onnx"]

    @pytest.mark.parametrize("opens_models", [True, False])
    def test_expects_the_kinds_of_files_that_will_be_tried_out(self, opens_models: bool) -> None:
        files = InMemoryModelFiles()
        session = a_session(files, a__onnx=b"x", b__skops=b"x", c__skops=b"x", d__pkl=b"x")
        placement = a_session(files, placement_model__skops=b"x")
        try_out = FakeTrials()

        for one in (session, placement):
            engines(files, try_out=try_out, opens_models=opens_models).expect(one)

        assert try_out.expected == ([{".onnx", ".skops"}, set()] if opens_models else [])

    def test_of_rules_needs_no_models(self) -> None:
        files = InMemoryModelFiles()
        session = a_session(files, risk_predictor__skops=skops_risk())

        built = engines(
            files, module="decision_engines.rule_based_engine", class_name="RuleBasedEngine"
        ).build(session)

        assert (built.engine.identity.name, built.models) == ("RuleBasedEngine", ())


def backed(
    predict: Any, role: Role = Role.RISK, time_limit_s: float = PATIENCE_S
) -> ModelBackedEngine:
    return ModelBackedEngine(RuleBasedDecisionEngine(IDENTITY), {role: predict}, time_limit_s)


HEAVY = ("numpy", "sklearn", "skops", "onnx", "onnxruntime", "fsspec", "scipy")


def test_a_server_starts_without_the_libraries_that_models_need() -> None:
    code = f"""
import sys
import spot_optimizer.bootstrap, spot_optimizer.adapters.ml.object_files
found = [name for name in {HEAVY} if name in sys.modules]
sys.exit(", ".join(found) or None)
"""
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  our own code


def test_the_libraries_are_there_before_the_models_are_opened() -> None:
    files = InMemoryModelFiles()
    session = a_session(files, a__skops=b"nonsense", b__pkl=b"nonsense")
    files.is_away = True

    engines(files).prepare(session)

    assert "skops.io" in sys.modules
    assert not engines(files).prepare(session)


class TestFailingModels:
    by_rules = rule_based.decide(question())

    @pytest.mark.parametrize("figure", [-0.1, 1.1, float("nan"), float("inf"), None, "0.5"])
    def test_that_give_no_probability_give_way_to_the_rules(self, figure: object) -> None:
        assert backed(lambda _: figure).decide(question()) == self.by_rules

    @pytest.mark.parametrize("figure", [-0.1, 0.0, float("nan"), float("inf"), 10_000.0])
    def test_that_give_no_price_give_way_to_the_rules(self, figure: float) -> None:
        assert backed(lambda _: figure, Role.PRICE).decide(question()) == self.by_rules

    def test_that_raise_give_way_to_the_rules(self) -> None:
        def fail(_: object) -> float:
            raise MemoryError

        assert backed(fail).decide(question()) == self.by_rules

    def test_that_do_not_come_back_give_way_and_are_not_asked_until_they_do(self) -> None:
        asked: list[object] = []
        come_back = threading.Event()

        def hang(features: object) -> float:
            asked.append(features)
            come_back.wait(PATIENCE_S)
            return 0.5

        engine = backed(hang, time_limit_s=0.001)
        answers: list[Decision] = [engine.decide(question()) for _ in range(10)]

        assert answers == [self.by_rules] * 10
        before = len(asked)
        assert before < 10
        come_back.set()
        for thread in threading.enumerate():
            if thread.name == "models":
                thread.join(PATIENCE_S)
        engine.decide(question())
        assert len(asked) == before + 1


def test_a_model_is_told_the_features_in_their_order() -> None:
    told: list[tuple[float, ...]] = []

    def listen(features: tuple[float, ...]) -> float:
        told.append(features)
        return 0.1

    backed(listen).decide(question())

    # NOON is on a Sunday.
    ((spot, on_demand, savings, *changes, hour, day, rank),) = told
    assert (spot, on_demand, hour, day) == (0.0125, 0.0416, 12.0, 1.0)
    assert savings == pytest.approx(69.95, abs=0.01)
    assert (changes, rank) == ([0.0, 0.0, 0.0], 0.0)
