"""Upload sessions and the register of models, wherever they are kept."""

from dataclasses import replace

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.model_queries import SqlModelQueries
from spot_optimizer.application.models.queries import ActiveModel
from spot_optimizer.application.ports.decision_engine import ModelFound
from spot_optimizer.domain.models.sessions import (
    KeptFile,
    ModelSession,
    ModelSessions,
    SessionChanges,
    SessionId,
    SessionState,
)
from tests.builders import HOUR, NOON
from tests.stores import SqlStore, Store

A, B = SessionId("session-a"), SessionId("session-b")
FILES = (KeptFile(name="risk.onnx", sha256="aa"), KeptFile(name="price.skops", sha256="bb"))


def a_session(session_id: SessionId = A) -> ModelSession:
    return ModelSession(
        id=session_id,
        state=SessionState.PENDING,
        files=FILES,
        total_bytes=12,
        created_at=NOON,
    )


def save(store: Store, changes: SessionChanges) -> None:
    with store.work() as work:
        work.models.save(changes)
        work.commit()


def sessions(store: Store) -> list[ModelSession]:
    with store.work() as work:
        return list(work.models.sessions())


def register(database: SqlStore, *models: ModelFound, fallback: SessionId | None = None) -> None:
    with database.work() as work:
        work.models.register(a_session(), models, fallback, NOON)
        work.commit()


def a_model(name: str = "risk", version: str = "v1", failure: str | None = None) -> ModelFound:
    return ModelFound(
        name=name,
        kind="onnx",
        version=version,
        place=f"/models/{name}.onnx",
        sha256="aa",
        size_bytes=5,
        failure=failure,
    )


@pytest.mark.parametrize(
    "state", [state for state in SessionState if state is not SessionState.REMOVED]
)
def test_a_session_comes_back_as_it_went_in(store: Store, state: SessionState) -> None:
    session = replace(a_session(), state=state, activated_at=NOON + HOUR)

    save(store, SessionChanges(added=session))

    assert sessions(store) == [session]


def test_the_newest_stands_first_and_what_is_removed_is_gone(store: Store) -> None:
    for session_id, age in ((A, 0), (B, 2), (SessionId("c"), 1)):
        one = replace(a_session(session_id), created_at=NOON - age * HOUR)
        save(store, SessionChanges(added=one))

    assert [one.id for one in sessions(store)] == [A, "c", B]
    save(store, SessionChanges(removed=(a_session(A), a_session(B))))
    assert [one.id for one in sessions(store)] == ["c"]


def test_a_whole_life(store: Store) -> None:
    save(store, SessionChanges(added=a_session()))

    save(store, ModelSessions(tuple(sessions(store))).activate(A, NOON + HOUR))
    _, changes = ModelSessions(tuple(sessions(store))).upload(B, FILES, 3, NOON + 2 * HOUR)
    save(store, changes)
    save(store, ModelSessions(tuple(sessions(store))).activate(B, NOON + 3 * HOUR))
    save(store, ModelSessions(tuple(sessions(store))).fall_back(NOON + 4 * HOUR))

    assert {one.id: one.state for one in sessions(store)} == {
        A: SessionState.LIVE,
        B: SessionState.ARCHIVED,
    }


class TestRowsOfTheMonolith:
    def test_are_read_whatever_is_noted_on_them(self, database: SqlStore) -> None:
        for number, notes in enumerate(["a remark", '{"sha256": []}', "null", None]):
            database.insert(
                tables.model_upload_sessions,
                id=f"s-{number}",
                status="uploaded",
                file_names=["a.pkl"],
                notes=notes,
                created_at=NOON,
            )

        assert {one.files for one in sessions(database)} == {(KeptFile(name="a.pkl"),)}

    def test_of_another_type_are_none_of_ours(self, database: SqlStore) -> None:
        database.insert(tables.model_upload_sessions, id="x", session_type="engine")

        assert sessions(database) == []
        assert SqlModelQueries(database.engine).session_lines() == []

    @pytest.mark.parametrize("names", [None, "a.pkl", {"a": 1}])
    def test_may_name_no_files(self, database: SqlStore, names: object) -> None:
        database.insert(
            tables.model_upload_sessions, id="x", file_names=names, created_at=NOON, status="active"
        )

        (session,) = sessions(database)
        assert session.files == ()


class TestTheRegister:
    def active(self, database: SqlStore) -> list[ActiveModel]:
        return list(SqlModelQueries(database.engine).survey().active)

    def test_knows_the_models_in_use(self, database: SqlStore) -> None:
        register(database, a_model(), a_model("price", failure="is missing"))

        assert self.active(database) == [ActiveModel("risk", "v1")]
        rows = {row["model_name"]: row for row in database.rows(tables.model_registry)}
        assert rows["risk"]["config"] == {"sha256": "aa", "size": 5}
        assert rows["risk"]["upload_session_id"] == A
        assert rows["risk"]["loaded_at"] == NOON
        assert rows["price"]["is_active"] is False

    def test_knows_a_version_of_a_model_once(self, database: SqlStore) -> None:
        register(database, a_model())
        register(database, a_model())

        assert len(database.rows(tables.model_registry)) == 1

    def test_drops_what_is_not_in_use_any_more(self, database: SqlStore) -> None:
        register(database, a_model("risk"), a_model("price"))

        register(database, a_model("risk", version="v2"), fallback=A)

        assert self.active(database) == [ActiveModel("risk", "v2")]
        assert {
            (row["model_name"], row["version"]): row["is_fallback"]
            for row in database.rows(tables.model_registry)
        } == {("risk", "v1"): True, ("price", "v1"): True, ("risk", "v2"): False}


def test_ten_sessions_are_listed(database: SqlStore) -> None:
    for number in range(12):
        save(database, SessionChanges(added=replace(a_session(SessionId(f"s-{number:02}")))))

    lines = SqlModelQueries(database.engine).session_lines()

    assert [line.session_id for line in lines] == [f"s-{number:02}" for number in range(11, 1, -1)]
    assert lines[0].files == ["risk.onnx", "price.skops"]
    assert (lines[0].status, lines[0].total_bytes, lines[0].file_count) == ("uploaded", 12, 2)
