"""Building the engine that the settings name, with the models of an upload session."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Protocol

from spot_optimizer.adapters.ml.engines import (
    ModelBackedEngine,
    PlacementEngine,
    RuleBasedDecisionEngine,
)
from spot_optimizer.adapters.ml.predictors import FORMATS, NotAModel, Predictor
from spot_optimizer.adapters.ml.prior import prior_risk
from spot_optimizer.application.ports.decision_engine import (
    DecisionEngine,
    EngineBuilt,
    EngineIdentity,
    EngineNotLoaded,
    ModelFound,
)
from spot_optimizer.application.ports.model_files import ModelFileMissing, ModelFiles
from spot_optimizer.domain.decisions.model_based import Role
from spot_optimizer.domain.models.file_names import extension_of, is_placement_model
from spot_optimizer.domain.models.sessions import KeptFile, ModelSession
from spot_optimizer.domain.placement.forecasts import RiskModel

logger = logging.getLogger(__name__)

_VERSION: Final = "1.0.0"
_VERSION_FIGURES: Final = 12
ML_BASED: Final = "MLBasedDecisionEngine"
RULE_BASED: Final = "RuleBasedEngine"
PLACEMENT: Final = "PlacementDecisionEngine"

# By the names under which the former server imported them; nothing else is ever imported.
_ENGINES: Final[Mapping[tuple[str, str], str]] = {
    ("decision_engines.ml_based_engine", ML_BASED): ML_BASED,
    ("decision_engines.ml_based_engine", "MLBasedEngine"): ML_BASED,
    ("decision_engines.rule_based_engine", RULE_BASED): RULE_BASED,
    ("decision_engines.placement_engine", PLACEMENT): PLACEMENT,
}


class TryOut(Protocol):
    def expect(self, extensions: Collection[str]) -> None:
        """Files of these kinds will come soon."""
        ...

    def __call__(self, extension: str, content: bytes) -> None:
        """Raises:
        NotAModel: it cannot be opened safely, or takes more than a model may.
        """
        ...


@dataclass(slots=True)
class _Opened:
    found: list[ModelFound] = field(default_factory=list)
    predictors: dict[Role, Predictor] = field(default_factory=dict)
    placement: RiskModel | None = None
    hashes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInEngines:
    """The engines that there are; another name than theirs builds none."""

    files: ModelFiles
    module: str
    class_name: str
    strict: bool
    """A file that cannot be loaded keeps the whole session from being built."""
    opens_models: bool = True
    try_out: TryOut | None = None
    """What is done first with a file that nobody has opened yet."""
    missing_spot_price_is_free: bool = False

    def prepare(self, session: ModelSession) -> bool:
        if not self.opens_models:
            return False
        extensions = {extension_of(file.name) for file in session.files} & set(FORMATS)
        new = [extension for extension in sorted(extensions) if FORMATS[extension].prepare()]
        return bool(new)

    def expect(self, session: ModelSession) -> None:
        if self.try_out is not None and self.opens_models:
            tried = [file.name for file in session.files if not is_placement_model(file.name)]
            self.try_out.expect({extension_of(name) for name in tried} & set(FORMATS))

    def build(self, session: ModelSession | None, *, untried: bool = False) -> EngineBuilt:
        name = _ENGINES.get((self.module, self.class_name))
        if name is None:
            raise EngineNotLoaded(f"there is no engine {self.module}.{self.class_name}")
        opened = _Opened()
        if session is not None and name != RULE_BASED and self.opens_models:
            for file in session.files:
                self._open(session.id, file, opened, untried=untried)
        if self.strict and any(model.failure for model in opened.found):
            raise EngineNotLoaded("a model file could not be loaded")
        used = tuple(model.name for model in opened.found if model.failure is None)
        identity = EngineIdentity(
            name=name,
            version=_VERSION,
            models_used=used,
            session_id=session.id if session is not None and used else None,
            hashes=opened.hashes,
            missing_spot_price_is_free=self.missing_spot_price_is_free,
            looks_at_markets=name == PLACEMENT,
        )
        return EngineBuilt(_engine(identity, opened), tuple(opened.found))

    def rebuild(self, identity: EngineIdentity, *, with_models: bool) -> DecisionEngine:
        if identity.version != _VERSION or identity.name not in _ENGINES.values():
            raise EngineNotLoaded(f"there is no {identity.name} {identity.version} here")
        if not with_models and identity.name != PLACEMENT:
            return RuleBasedDecisionEngine(identity)
        opened = _Opened()
        for name, digest in identity.hashes.items():
            self._open(identity.session_id or "", KeptFile(name=name, sha256=digest), opened)
        for model in opened.found:
            if model.failure is not None:
                raise EngineNotLoaded(f"its model {model.name} {model.failure}")
        return _engine(identity, opened)

    def _open(
        self, session_id: str, file: KeptFile, opened: _Opened, *, untried: bool = False
    ) -> None:
        stem, _, _ = file.name.rpartition(".")
        extension = extension_of(file.name)
        content, digest, failure = b"", None, None
        try:
            content = self.files.read(session_id, file.name)
            digest = sha256(content).hexdigest()
            if file.sha256 not in (None, digest):
                raise NotAModel("is not what was uploaded")
            if extension not in FORMATS:
                raise NotAModel("is of a format that is never opened")
            if is_placement_model(file.name):
                opened.placement = _placement_model(content)
            else:
                if untried and self.try_out is not None:
                    self.try_out(extension, content)
                predictor = FORMATS[extension].open(content)
                if stem in tuple(Role):
                    opened.predictors[Role(stem)] = predictor
            opened.hashes[file.name] = digest
        except ModelFileMissing:
            failure = "is missing"
        except NotAModel as refused:
            failure = str(refused)
        if failure is not None:
            logger.warning("model file %s of session %s %s", file.name, session_id, failure)
        opened.found.append(
            ModelFound(
                name=stem or file.name,
                kind=FORMATS[extension].kind if extension in FORMATS else extension.strip("."),
                version=(digest or "unknown")[:_VERSION_FIGURES],
                place=self.files.place(session_id, file.name),
                sha256=digest,
                size_bytes=len(content),
                failure=failure,
            )
        )


def _engine(identity: EngineIdentity, opened: _Opened) -> DecisionEngine:
    """With the models that could be opened; the one that is packaged stands in for a missing
    placement model."""
    if identity.name == PLACEMENT:
        return PlacementEngine(identity, opened.placement or prior_risk())
    rules = RuleBasedDecisionEngine(identity)
    return ModelBackedEngine(rules, opened.predictors) if opened.predictors else rules


def _placement_model(content: bytes) -> RiskModel:
    """Raises:
    NotAModel: it is none.
    """
    from spot_optimizer.adapters.ml.placement_files import placement_model

    return placement_model(content)
