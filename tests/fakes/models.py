"""Uploaded files and engines in memory."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from spot_optimizer.application.ports.decision_engine import (
    EngineBuilt,
    EngineIdentity,
    EngineNotLoaded,
    ModelFound,
)
from spot_optimizer.application.ports.exclusion import Busy
from spot_optimizer.application.ports.model_files import (
    IncomingFile,
    ListedFile,
    ModelFileMissing,
    ModelFilesUnavailable,
    StoredFile,
)
from spot_optimizer.domain.models.sessions import ModelSession
from tests.builders import NOON, a_decision
from tests.fakes.engines import FakeDecisionEngine


class InMemoryModelFiles:
    """`is_away` refuses everything, as a full disk or an unplugged one does."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}
        self.is_away = False
        self.written_at = NOON

    def put(self, folder: str, files: Sequence[IncomingFile]) -> Sequence[StoredFile]:
        self._answer()
        contents = {file.name: _whole(file) for file in files}
        self.kept.update({(folder, name): content for name, content in contents.items()})
        return [
            StoredFile(name, len(content), sha256(content).hexdigest())
            for name, content in contents.items()
        ]

    def read(self, folder: str, name: str) -> bytes:
        self._answer()
        if (folder, name) not in self.kept:
            raise ModelFileMissing(name)
        return self.kept[folder, name]

    def remove(self, folder: str) -> None:
        self._answer()
        self.kept = {key: content for key, content in self.kept.items() if key[0] != folder}

    def listing(self, folders: Collection[str]) -> Sequence[ListedFile]:
        self._answer()
        return [
            ListedFile(name, len(content), self.written_at)
            for (folder, name), content in self.kept.items()
            if folder in folders
        ]

    def place(self, folder: str, name: str) -> str:
        return f"{folder}/{name}"

    def folders(self) -> set[str]:
        self._answer()
        return {folder for folder, _ in self.kept if folder}

    def _answer(self) -> None:
        if self.is_away:
            raise ModelFilesUnavailable("away")


def _whole(file: IncomingFile) -> bytes:
    try:
        return file.content.read()
    except OSError as error:
        raise ModelFilesUnavailable(str(error)) from error


@dataclass
class FakeLoader:
    """Builds an engine named after the session, unless the session is among the broken ones."""

    broken: set[str] = field(default_factory=set)
    found: tuple[ModelFound, ...] = ()
    built: list[str | None] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    tried_out: list[str] = field(default_factory=list)
    while_preparing: Callable[[], object] = lambda: None

    def prepare(self, session: ModelSession) -> bool:
        self.prepared.append(session.id)
        self.while_preparing()
        return True

    def expect(self, session: ModelSession) -> None:
        self.expected.append(session.id)

    def build(self, session: ModelSession | None, *, untried: bool = False) -> EngineBuilt:
        if session is not None and session.id in self.broken:
            raise EngineNotLoaded("it is broken")
        if untried and session is not None:
            self.tried_out.append(session.id)
        self.built.append(None if session is None else session.id)
        name = "rules" if session is None else session.id
        engine = FakeDecisionEngine(a_decision(), EngineIdentity(name=name, version="1"))
        return EngineBuilt(engine, self.found)


@dataclass
class OneAtATime:
    """Held by one in one thread; `is_taken` is somebody else's."""

    is_taken: bool = False

    def __call__(self) -> AbstractContextManager[None]:
        return self._held()

    @contextmanager
    def _held(self) -> Iterator[None]:
        if self.is_taken:
            raise Busy
        self.is_taken = True
        try:
            yield
        finally:
            self.is_taken = False


@dataclass
class CountingAnnouncer:
    announced: int = 0

    def announce(self) -> None:
        self.announced += 1

    def wait(self, seconds: float) -> None:
        """Nobody waits in a test."""

    def close(self) -> None:
        """There is nothing to end."""
