"""Uploading, activating, falling back and following, with everything outside in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO
from uuid import uuid4

import pytest

from spot_optimizer.adapters.ml.registry import EngineRegistry
from spot_optimizer.application.models.follow_models import FollowModels
from spot_optimizer.application.models.record_start import RecordStart
from spot_optimizer.application.models.serve_models import ModelsNotLoaded, ServeModels
from spot_optimizer.application.models.upload_engine import UploadEngine
from spot_optimizer.application.models.upload_models import UploadModels
from spot_optimizer.application.ports.decision_engine import ModelFound, Serving
from spot_optimizer.application.ports.exclusion import Busy
from spot_optimizer.application.ports.model_files import IncomingFile, ModelFilesUnavailable
from spot_optimizer.application.ports.model_trial import ModelTrial
from spot_optimizer.application.ports.unit_of_work import AlwaysLost
from spot_optimizer.application.transactions import ATTEMPTS
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import ValidationFailed
from spot_optimizer.domain.models.sessions import (
    ModelSession,
    NoFallback,
    SessionNotFound,
    SessionState,
)
from tests.builders import DAY, MINUTE, NOON, OPERATOR, TODAY
from tests.fakes import CountingIdentifiers, FixedClock, InMemoryCache, InMemoryUnitOfWork
from tests.fakes.models import (
    CountingAnnouncer,
    FakeLoader,
    InMemoryModelFiles,
    OneAtATime,
)


@dataclass
class House:
    work: InMemoryUnitOfWork = field(default_factory=InMemoryUnitOfWork)
    clock: FixedClock = field(default_factory=FixedClock)
    identifiers: CountingIdentifiers = field(default_factory=CountingIdentifiers)
    files: InMemoryModelFiles = field(default_factory=InMemoryModelFiles)
    door: OneAtATime = field(default_factory=OneAtATime)
    loader: FakeLoader = field(default_factory=FakeLoader)
    engines: EngineRegistry = field(default_factory=EngineRegistry)
    announcer: CountingAnnouncer = field(default_factory=CountingAnnouncer)
    compatibility: Compatibility = TODAY
    trial: ModelTrial | None = None

    def upload(self, *names: str, unsafe: bool = False) -> ModelSession:
        self.clock.advance(MINUTE)
        use_case = UploadModels(
            self.work,
            self.clock,
            self.identifiers,
            self.files,
            self.door,
            self.loader,
            self.announcer,
            unsafe,
            self.compatibility,
        )
        return use_case([IncomingFile(name, BytesIO(name.encode())) for name in names], OPERATOR)

    @property
    def serve(self) -> ServeModels:
        self.clock.advance(MINUTE)
        return ServeModels(
            self.work,
            self.clock,
            self.files,
            self.door,
            self.loader,
            self.engines,
            self.announcer,
            self.compatibility,
            self.trial,
        )

    def follow(self) -> FollowModels:
        @dataclass
        class Queries:
            work: InMemoryUnitOfWork
            session_lines: Callable[[], list[object]] = list
            survey: Callable[[], list[object]] = list

            def sessions(self) -> list[ModelSession]:
                return list(self.work.models.sessions())

        return FollowModels(Queries(self.work), self.loader, self.engines)  # type: ignore[arg-type]  # the others are not asked

    @property
    def states(self) -> dict[str, SessionState]:
        return {one.id: one.state for one in self.work.models.kept.values()}

    @property
    def serving(self) -> str | None:
        engine = self.engines.current
        return None if engine is None else engine.identity.name


class TestUploading:
    def test_keeps_files_and_hashes_and_waits(self) -> None:
        house = House()

        session = house.upload("ri sk.onnx", "price.skops")

        assert house.states == {session.id: SessionState.PENDING}
        assert [file.name for file in session.files] == ["ri_sk.onnx", "price.skops"]
        assert all(file.sha256 and len(file.sha256) == 64 for file in session.files)
        assert house.files.read(session.id, "ri_sk.onnx") == b"ri sk.onnx"
        assert session.total_bytes == len("ri sk.onnx") + len("price.skops")
        assert house.work.audit.actions == ["models_uploaded"]
        assert house.work.events.types == []
        assert house.announcer.announced == 1
        assert house.loader.expected == [session.id]
        assert house.engines.current is None

    def test_that_is_refused_changes_nothing(self) -> None:
        house = House()
        live = house.upload("a.onnx")
        house.serve.activate(live.id, OPERATOR)

        with pytest.raises(ValidationFailed):
            house.upload("b.onnx", "notes.txt")

        assert house.states == {live.id: SessionState.LIVE}
        assert house.files.folders() == {live.id}
        assert house.announcer.announced == 2

    def test_removes_the_files_of_what_it_replaces(self) -> None:
        house = House()
        house.upload("a.onnx")

        second = house.upload("a.onnx")

        assert house.files.folders() == {second.id}

    def test_that_cannot_be_kept_leaves_neither_files_nor_session(self) -> None:
        house = House()
        house.work.losses = ATTEMPTS

        with pytest.raises(AlwaysLost):
            house.upload("a.onnx")

        assert (house.files.folders(), house.states) == (set(), {})

    def test_removes_what_a_process_that_ended_in_between_has_left(self) -> None:
        house = House()
        orphan, engines_own = str(uuid4()), ""
        for folder in (orphan, "kept-by-hand", engines_own):
            house.files.kept[folder, "a.onnx"] = b"x"
        first = house.upload("a.onnx")
        house.serve.activate(first.id, OPERATOR)

        house.clock.advance(DAY)
        second = house.upload("b.onnx")

        assert house.files.folders() == {first.id, second.id, "kept-by-hand"}
        assert house.files.read(engines_own, "a.onnx") == b"x"

    def test_leaves_alone_what_somebody_may_be_writing(self) -> None:
        house = House()
        orphan = str(uuid4())
        house.files.kept[orphan, "a.onnx"] = b"x"

        session = house.upload("a.onnx")

        assert house.files.folders() == {orphan, session.id}

    def test_succeeds_although_nobody_can_look_for_what_was_left(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        house = House()

        def away() -> set[str]:
            raise ModelFilesUnavailable("no list")

        house.files.folders = away  # type: ignore[method-assign]  # only this fails
        session = house.upload("a.onnx")

        assert house.states == {session.id: SessionState.PENDING}
        assert caplog.messages == ["cannot see which files were left behind: no list"]

    def test_survives_a_transaction_that_was_lost(self) -> None:
        house = House()
        house.work.losses = 1

        session = house.upload("a.onnx")

        assert house.states == {session.id: SessionState.PENDING}

    def test_needs_a_disk(self) -> None:
        house = House()
        house.files.is_away = True

        with pytest.raises(ModelFilesUnavailable):
            house.upload("a.onnx")

        assert house.states == {}

    def test_waits_for_nobody_in_vain(self) -> None:
        house = House()
        house.door.is_taken = True

        with pytest.raises(Busy):
            house.upload("a.onnx")

    def test_of_former_formats_is_told_each_time(self, caplog: pytest.LogCaptureFixture) -> None:
        house = House()

        house.upload("a.pkl", "b.onnx", unsafe=True)
        house.upload("a.pkl", unsafe=True)

        assert caplog.messages == ["ALLOW_UNSAFE_UPLOADS: a.pkl is kept, and never opened"] * 2

    def test_keeps_no_hashes_where_the_former_server_is_reproduced(self) -> None:
        house = House(compatibility=Compatibility(former_model_sessions=True))

        session = house.upload("a.onnx")

        assert [file.sha256 for file in session.files] == [None]


class TestActivating:
    def test_changes_over_tells_and_registers(self) -> None:
        house = House()
        house.loader.found = (
            ModelFound(name="risk", kind="onnx", version="1", place="x"),
            ModelFound(name="bad", kind="onnx", version="2", place="x", failure="is broken"),
        )
        session = house.upload("risk.onnx", "bad.onnx")

        served = house.serve.activate(session.id, OPERATOR)

        assert (served.session_id, served.engine.name) == (session.id, session.id)
        assert house.serving == session.id
        assert house.states == {session.id: SessionState.LIVE}
        assert house.announcer.announced == 2  # the upload, too
        assert house.work.models.registered == list(house.loader.found)
        assert house.work.events.types == [
            "model_load_failed",
            "decision_engine_loaded",
            "ml_models_activated",
        ]
        assert [event.message for event in house.work.events.entries] == [
            "Model file bad could not be loaded: is broken",
            f"Decision engine {session.id} loaded successfully",
            f"New model session activated: {session.id}",
        ]
        assert house.work.audit.entries[-1].changes == {"in_service": (None, session.id)}

    def test_of_what_cannot_be_loaded_changes_nothing(self) -> None:
        house = House()
        good, bad = house.upload("a.onnx"), None
        house.serve.activate(good.id, OPERATOR)
        bad = house.upload("b.onnx")
        house.loader.broken.add(bad.id)
        before = dict(house.states), list(house.work.events.types)

        with pytest.raises(ModelsNotLoaded) as failed:
            house.serve.activate(bad.id, OPERATOR)

        assert failed.value.session_id == bad.id
        assert (house.states, house.work.events.types) == before
        assert house.serving == good.id
        assert house.announcer.announced == 3  # two uploads and one activation

    def test_that_is_not_committed_leaves_the_engine(self) -> None:
        house = House()
        first, second = house.upload("a.onnx"), None
        house.serve.activate(first.id, OPERATOR)
        second = house.upload("b.onnx")
        house.work.losses = ATTEMPTS

        with pytest.raises(AlwaysLost):
            house.serve.activate(second.id, OPERATOR)

        assert house.serving == first.id
        assert house.states == {
            first.id: SessionState.FALLBACK,
            second.id: SessionState.PENDING,
        }

    def test_needs_a_session_that_there_is(self) -> None:
        with pytest.raises(SessionNotFound):
            House().serve.activate("nothing", OPERATOR)

    def test_removes_the_files_of_the_former_fallback(self) -> None:
        house = House()
        kept = []
        for _ in range(3):
            session = house.upload("a.onnx")
            house.serve.activate(session.id, OPERATOR)
            kept.append(session.id)

        assert house.files.folders() == set(kept[1:])
        assert set(house.states) == set(kept[1:])

    def test_registers_nothing_where_the_former_server_is_reproduced(self) -> None:
        house = House(compatibility=Compatibility(former_model_sessions=True))
        house.loader.found = (ModelFound(name="risk", kind="onnx", version="1", place="x"),)
        session = house.upload("risk.onnx")

        house.serve.activate(session.id, OPERATOR)

        assert house.work.models.registered == []


class TestFallingBack:
    def test_brings_the_former_models_back(self) -> None:
        house = House()
        first = house.upload("a.onnx")
        house.serve.activate(first.id, OPERATOR)
        second = house.upload("b.onnx")
        house.serve.activate(second.id, OPERATOR)

        served = house.serve.fall_back(OPERATOR)

        assert served.session_id == house.serving == first.id
        assert house.states == {first.id: SessionState.LIVE, second.id: SessionState.ARCHIVED}
        assert house.work.events.entries[-1].message == (
            f"Rolled back to previous model version: {first.id}"
        )
        assert house.work.audit.entries[-1].changes == {"in_service": (second.id, first.id)}

    def test_to_what_cannot_be_loaded_changes_nothing(self) -> None:
        house = House()
        first = house.upload("a.onnx")
        house.serve.activate(first.id, OPERATOR)
        second = house.upload("b.onnx")
        house.serve.activate(second.id, OPERATOR)
        house.loader.broken.add(first.id)
        before = dict(house.states)

        with pytest.raises(ModelsNotLoaded):
            house.serve.fall_back(OPERATOR)

        assert (house.states, house.serving) == (before, second.id)

    def test_needs_something_to_fall_back_to(self) -> None:
        with pytest.raises(NoFallback):
            House().serve.fall_back(OPERATOR)


class TestUploadingAnEngine:
    def upload(self, house: House, *names: str, unsafe: bool = True) -> object:
        use_case = UploadEngine(
            house.work, house.clock, house.files, house.door, house.loader, house.engines, unsafe
        )
        given = [IncomingFile(name, BytesIO(b"raise SystemExit")) for name in names]
        return use_case(given, OPERATOR).engine

    def test_keeps_the_files_and_builds_the_engine_anew(self) -> None:
        house = House()

        assert self.upload(house, "engine.py", "t.pkl") is not None

        assert set(house.files.kept) == {("", "engine.py"), ("", "t.pkl")}
        assert house.serving == "rules"
        assert house.work.events.types == ["decision_engine_loaded", "decision_engine_updated"]
        assert house.work.events.entries[-1].message == (
            "Decision engine files uploaded and reloaded: engine.py, t.pkl"
        )

    def test_keeps_the_models_in_service(self) -> None:
        house = House()
        session = house.upload("a.onnx")
        house.serve.activate(session.id, OPERATOR)

        self.upload(house, "engine.py")

        assert house.serving == session.id
        assert not house.follow()()

    def test_that_builds_nothing_leaves_the_engine_in_service(self) -> None:
        house = House()
        session = house.upload("a.onnx")
        house.serve.activate(session.id, OPERATOR)
        house.loader.broken.add(session.id)

        assert self.upload(house, "engine.py") is None

        assert house.serving == session.id
        assert house.work.audit.actions[-1] == "engine_files_uploaded"

    def test_takes_no_code_unless_that_is_allowed(self) -> None:
        house = House()

        with pytest.raises(ValidationFailed):
            self.upload(house, "engine.py", unsafe=False)

        assert house.files.kept == {}


class TestFollowing:
    def test_takes_over_what_another_process_has_activated(self) -> None:
        house = House()
        session = house.upload("a.onnx")
        house.serve.activate(session.id, OPERATOR)
        house.engines = EngineRegistry()

        assert house.follow()()
        assert house.serving == session.id
        assert not house.follow()()

    def test_notices_a_repeated_activation(self) -> None:
        house = House()
        session = house.upload("a.onnx")
        house.serve.activate(session.id, OPERATOR)
        other = replace(house, engines=EngineRegistry())
        other.follow()()

        house.serve.activate(session.id, OPERATOR)

        assert other.follow()()

    def test_keeps_the_engine_after_an_upload(self) -> None:
        house = House()
        session = house.upload("a.onnx")
        house.serve.activate(session.id, OPERATOR)
        house.upload("b.onnx")

        assert not house.follow()()
        assert house.serving == session.id

    def test_gets_ready_for_what_waits(self) -> None:
        house = House()
        session = house.upload("a.onnx")
        house.follow()()
        house.serve.activate(session.id, OPERATOR)
        house.follow()()

        assert house.loader.prepared == [session.id]

    def test_goes_back_without_opening_anything_in_another_process(self) -> None:
        house = House()
        first = house.upload("a.onnx")
        house.serve.activate(first.id, OPERATOR)
        second = house.upload("b.onnx")
        house.serve.activate(second.id, OPERATOR)

        house.serve.fall_back(OPERATOR)
        house.serve.activate(first.id, OPERATOR)

        assert house.loader.tried_out == [first.id, second.id]

    def test_opens_without_another_trial_what_somebody_has_activated(self) -> None:
        house = House()
        session = house.upload("a.onnx")
        house.serve.activate(session.id, OPERATOR)
        other = replace(house, engines=EngineRegistry(), loader=FakeLoader())

        other.follow()()

        assert (house.loader.tried_out, other.loader.tried_out) == ([session.id], [])

    def test_changes_over_to_what_was_activated_while_it_got_ready(self) -> None:
        house = House()
        session = house.upload("a.skops")
        other = replace(house, engines=EngineRegistry())
        house.loader.while_preparing = lambda: other.serve.activate(session.id, OPERATOR)

        assert house.follow()()

        assert house.serving == session.id

    def test_starts_with_the_rules_where_nothing_is_in_service(self) -> None:
        house = House()
        house.upload("a.onnx")

        assert house.follow()()
        assert house.serving == "rules"

    def test_keeps_the_engine_when_the_other_cannot_be_loaded(self) -> None:
        house = House()
        house.follow()()
        session = house.upload("a.onnx")
        house.serve.activate(session.id, OPERATOR)
        other = replace(house, engines=EngineRegistry(), loader=FakeLoader())
        other.follow().start_with_rules()
        other.loader.broken.add(session.id)

        assert not other.follow()()
        assert other.serving == "rules"

    def test_answers_by_the_rules_until_the_database_can_be_asked(self) -> None:
        house = House()

        house.follow().start_with_rules()
        house.follow().start_with_rules()

        assert (house.serving, house.loader.built) == ("rules", [None])
        assert house.engines.serving == Serving()


class TestTheStart:
    def test_is_told_once_by_workers_that_start_together(self) -> None:
        house = House()
        house.follow()()
        cache = InMemoryCache(house.clock)
        tell = RecordStart(house.work, house.clock, cache, house.engines)

        tell()
        tell()
        house.clock.advance(MINUTE)
        tell()

        assert house.work.events.types == ["decision_engine_loaded"] * 2

    def test_without_an_engine_is_not_told(self) -> None:
        house = House()

        RecordStart(house.work, house.clock, InMemoryCache(house.clock), house.engines)()

        assert house.work.events.types == []

    def test_goes_on_without_the_database(self) -> None:
        house = House()
        house.follow()()
        house.work.losses = 1

        RecordStart(house.work, house.clock, InMemoryCache(house.clock), house.engines)()

        assert house.work.events.types == []


def test_what_serves_knows_whole_seconds_only() -> None:
    session = House().upload("a.onnx")
    fine = replace(session, activated_at=NOON.replace(microsecond=500))

    assert Serving.of(fine) == Serving(session.id, NOON)
