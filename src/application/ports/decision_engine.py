from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from spot_optimizer.domain.decisions.contract import Decision, DecisionInput
from spot_optimizer.domain.models.sessions import ModelSession


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineIdentity:
    """Which engine answers, as dashboards and logs name it."""

    name: str
    version: str
    models_used: tuple[str, ...] = field(default=())
    session_id: str | None = None
    """The upload session that the models are of."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 in hex of each file used."""
    missing_spot_price_is_free: bool = False
    looks_at_markets: bool = False
    """It wants to be told the past of all pools that the agent may use."""


class DecisionEngine(Protocol):
    """Gives advice; may raise anything, since it may be somebody else's code."""

    @property
    def identity(self) -> EngineIdentity: ...

    def decide(self, question: DecisionInput) -> Decision: ...


class EngineInService(Protocol):
    """The engine that this process asks."""

    @property
    def current(self) -> DecisionEngine | None:
        """None while no engine is loaded."""
        ...


class EngineNotLoaded(Exception):
    """No engine came out of it; the one in service stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFound:
    """What became of one file of a session; `failure` says why it is not used."""

    name: str
    kind: str
    version: str
    place: str
    sha256: str | None = None
    size_bytes: int = 0
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class EngineBuilt:
    engine: DecisionEngine
    models: tuple[ModelFound, ...] = ()


class EngineLoader(Protocol):
    def prepare(self, session: ModelSession) -> bool:
        """Get ready to build with models like these, without looking into them: that may take
        longer than the building itself. Whether there was anything to do."""
        ...

    def expect(self, session: ModelSession) -> None:
        """This process may soon be asked to build with these models, which nobody has opened yet.
        Returns at once."""
        ...

    def build(self, session: ModelSession | None, *, untried: bool = False) -> EngineBuilt:
        """An engine with the models of the session, aside from the one in service; `untried` ones
        are opened with more care.

        Raises:
            EngineNotLoaded: the settings name no engine, or it cannot be built.
        """
        ...


class FormerEngines(Protocol):
    """Engines as they once answered."""

    def rebuild(self, identity: EngineIdentity, *, with_models: bool) -> DecisionEngine:
        """Raises:
        EngineNotLoaded: it is unknown here, or its models are not kept any more.
        """
        ...


@dataclass(frozen=True, slots=True)
class Serving:
    """Which activation an engine stands for; a repeated one counts as another."""

    session_id: str | None = None
    activated_at: datetime | None = None

    @classmethod
    def of(cls, session: ModelSession | None) -> "Serving":
        if session is None:
            return cls()
        at = session.activated_at
        return cls(session.id, None if at is None else at.replace(microsecond=0))


class EngineSwitch(EngineInService, Protocol):
    @property
    def serving(self) -> Serving: ...

    def install(self, engine: DecisionEngine | None, serving: Serving) -> None:
        """From now on every question goes to this engine; those under way keep theirs."""
        ...


class Announcer(Protocol):
    """Best effort: who does not hear it looks for itself soon."""

    def announce(self) -> None:
        """Tell the other processes that something else waits or is in service."""
        ...

    def wait(self, seconds: float) -> None:
        """Until somebody announces something, at most so long."""
        ...

    def close(self) -> None:
        """Ends a wait under way."""
        ...
