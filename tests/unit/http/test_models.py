"""The life of models over HTTP (contract admin 1.13 - 1.18, sections 3 and 8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER_TOKEN,
    Answer,
    Api,
    Json,
    Store,
    an_api,
)
from tests.model_files import a_malicious_pickle, a_zip_bomb, onnx_of, skops_risk, skops_with

MODELS, ENGINE = "/api/admin/ml-models/upload", "/api/admin/decision-engine/upload"
Part: TypeAlias = tuple[str, tuple[str | None, bytes] | tuple[str, bytes, str]]


def upload(
    api: Api, *parts: Part, path: str = MODELS, token: str | None = OPERATOR_TOKEN
) -> Answer:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return api.http.post(path, files=list(parts), headers=headers)


def a_file(name: str, content: bytes = b"x") -> Part:
    return "files", (name, content, "application/octet-stream")


def session_of(api: Api, *parts: Part) -> str:
    answer = upload(api, *parts)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["sessionId"])


def post(api: Api, name: str, body: Json) -> Answer:
    return api.post(f"/api/admin/ml-models/{name}", body, token=OPERATOR_TOKEN)


def activate(api: Api, session_id: object) -> Answer:
    return post(api, "activate", {"sessionId": session_id})


def sessions(api: Api) -> list[tuple[str, str]]:
    """Ids and what has become of them, newest first."""
    found = api.get("/api/admin/ml-models/sessions", token=OPERATOR_TOKEN).json()
    return [
        (
            one["id"],
            "live" if one["isLive"] else "fallback" if one["isFallback"] else one["status"],
        )
        for one in found
    ]


def health(api: Api) -> Json:
    answer = api.get("/api/admin/system-health", token=OPERATOR_TOKEN)
    assert answer.status_code == 200
    return answer.json()


def files_in(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def api(store: Store, data: Path) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, data) as api:
        yield api


class TestUploading:
    def test_answers_with_the_session(self, api: Api, store: Store) -> None:
        answer = upload(api, a_file("m one.onnx", b"1234"), a_file("b.SKOPS", b"12345"))

        told = answer.json()
        assert answer.status_code == 200
        assert told == {
            "success": True,
            "message": "Uploaded 2 model files. Use the RESTART button to activate.",
            "files": ["m_one.onnx", "b.SKOPS"],
            "sessionId": told["sessionId"],
            "requiresRestart": True,
            "model_status": {
                "filesUploaded": 2,
                "totalSize": 9,
                "sessionType": "pending_activation",
            },
        }
        assert sessions(api) == [(told["sessionId"], "uploaded")]
        assert store.rows("system_events") == store.rows("notifications") == []
        assert store.row("audit_logs")["action"] == "models_uploaded"

    @pytest.mark.parametrize("path", [MODELS, ENGINE])
    @pytest.mark.parametrize(
        ("parts", "error"),
        [
            ([("file", ("a.onnx", b"x"))], "No files provided"),
            ([("files", (None, b"x"))], "No files provided"),
            ([a_file("")], "No files selected"),
            ([a_file(""), a_file("")], "No files selected"),
            (
                [a_file("notes.txt")],
                "File type not allowed: notes.txt. Allowed types: .onnx, .skops",
            ),
            ([a_file("m.pkl")], "File type not allowed: m.pkl. Allowed types: .onnx, .skops"),
            ([a_file("m.py")], "File type not allowed: m.py. Allowed types: .onnx, .skops"),
            ([a_file(".pkl")], "File type not allowed: pkl. Allowed types: .onnx, .skops"),
            (
                [a_file("good.onnx"), a_file("bad.exe")],
                "File type not allowed: bad.exe. Allowed types: .onnx, .skops",
            ),
            ([a_file("a.onnx"), a_file("./a.onnx")], "Duplicate file name: a.onnx"),
        ],
    )
    def test_that_is_refused_changes_nothing(
        self, api: Api, store: Store, data: Path, path: str, parts: list[Part], error: str
    ) -> None:
        live = session_of(api, a_file("live.onnx", onnx_of()))
        activate(api, live)
        before, on_disk = store.contents(), files_in(data)

        answer = upload(api, *parts, path=path)

        assert (answer.status_code, answer.json()) == (400, {"error": error})
        assert (store.contents(), files_in(data)) == (before, on_disk)

    def test_leaves_out_parts_without_a_name(self, api: Api) -> None:
        answer = upload(api, a_file(""), a_file("a.onnx"), ("other", ("b.exe", b"x")))

        assert answer.json()["files"] == ["a.onnx"]

    @pytest.mark.parametrize("path", [MODELS, ENGINE])
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"--x",
            b"--x\r\n",
            b"nonsense",
            b"--x\r\nContent-Disposition: form-data; name=files; filename=a.onnx\r\n\r\nhalf",
            b"--x\r\nContent-Disposition: nonsense\r\n\r\nx\r\n--x--\r\n",
            b"--x\r\n" + b"A: b\r\n" * 100 + b"\r\nx\r\n--x--\r\n",
            b"--x\r\nContent-Disposition: form-data; name=\xff\xfe\r\n\r\nx\r\n--x--\r\n",
            b"--x\r\nContent-Type: text/plain; charset=nonsense\r\n\r\nx\r\n--x--\r\n",
        ],
    )
    def test_of_a_broken_form_is_refused(
        self, api: Api, store: Store, path: str, body: bytes
    ) -> None:
        before = store.contents()

        for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "text/plain", ""):
            answer = api.post(path, body, token=OPERATOR_TOKEN, headers={"Content-Type": kind})
            assert answer.status_code == 400, answer.text
            assert set(answer.json()) == {"error"}

        assert store.contents() == before

    @pytest.mark.parametrize("token", [None, OWNER_TOKEN, "nonsense"])
    def test_is_for_operators(self, api: Api, data: Path, token: str | None) -> None:
        for path in (MODELS, ENGINE):
            assert upload(api, a_file("a.onnx"), path=path, token=token).status_code == 401

        assert not [name for name in files_in(data) if name.startswith(("models", "decision"))]

    def test_too_much_is_refused(self, store: Store, data: Path) -> None:
        store.empty()
        with an_api(store.url, data, MAX_UPLOAD_BYTES="100000") as api:
            for path in (MODELS, ENGINE):
                answer = upload(api, a_file("a.onnx", bytes(200_000)), path=path)
                assert (answer.status_code, answer.json()) == (
                    413,
                    {"error": "Request body too large"},
                )
            assert sessions(api) == []
        assert not [name for name in files_in(data) if name.startswith("models")]

    def test_a_large_file_arrives_whole(self, api: Api, data: Path) -> None:
        content = bytes(range(256)) * 40_000

        session_id = session_of(api, a_file("a.onnx", content))

        assert (data / "models" / session_id / "a.onnx").read_bytes() == content

    def test_without_a_disk_says_so(self, api: Api, store: Store, data: Path) -> None:
        data.mkdir(exist_ok=True)
        (data / "models").write_bytes(b"in the way")
        before = store.contents()

        answer = upload(api, a_file("a.onnx"))

        assert (answer.status_code, answer.json()) == (500, {"error": "Model storage unavailable"})
        assert store.contents() == before
        assert health(api)["modelStatus"]["files"] == []

    @pytest.mark.parametrize(
        ("given_name", "kept"),
        [
            ("../../evil.onnx", "evil.onnx"),
            ("..\\..\\evil.onnx", "evil.onnx"),
            ("/etc/cron.d/x.onnx", "etc_cron.d_x.onnx"),
            ("\uff0e\uff0e\u2215x.onnx", "x.onnx"),
            ("\u202exnno.onnx", "xnno.onnx"),
        ],
    )
    def test_keeps_files_where_they_belong(
        self, api: Api, data: Path, tmp_path: Path, given_name: str, kept: str
    ) -> None:
        before = files_in(tmp_path)

        session_id = session_of(api, a_file(given_name))

        new = {name for name in files_in(tmp_path) - before if "sqlite3" not in name}
        assert new == {f"data/models/{session_id}/{kept}"}


class TestTheLifeOfModels:
    def test_upload_activate_upload_activate_fall_back(self, api: Api, store: Store) -> None:
        """The sequence of the contract, section 3.2."""
        a = session_of(api, a_file("a.onnx", onnx_of()))
        answer = activate(api, a)
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "success": True,
                "message": "Models activated successfully. Backend will restart in 3 seconds.",
                "sessionId": a,
                "restarting": True,
                "model_status": {"loaded": True, "type": "MLBasedDecisionEngine"},
            },
        )
        b = session_of(api, a_file("b.onnx", onnx_of()))
        assert sessions(api) == [(b, "uploaded"), (a, "fallback")]
        activate(api, b)
        assert sessions(api) == [(b, "live"), (a, "fallback")]

        answer = post(api, "fallback", b"whatever")

        assert (answer.status_code, answer.json()) == (
            200,
            {
                "success": True,
                "message": "Rolled back to previous model version. "
                "Backend will restart in 3 seconds.",
                "fallbackSessionId": a,
                "restarting": True,
            },
        )
        assert sessions(api) == [(b, "archived"), (a, "live")]
        c = session_of(api, a_file("c.onnx", onnx_of()))
        assert sessions(api) == [(c, "uploaded"), (a, "fallback")]
        assert [(it["event_type"], it["severity"]) for it in store.rows("system_events")] == [
            ("decision_engine_loaded", "info"),
            ("ml_models_activated", "info"),
            ("decision_engine_loaded", "info"),
            ("ml_models_activated", "info"),
            ("decision_engine_loaded", "info"),
            ("ml_models_rollback", "warning"),
        ]

    def test_the_models_answer(self, api: Api) -> None:
        agent_id = api.register(mode="ondemand")
        asked = {
            "instance": {"instance_id": "i-1", "current_mode": "ondemand"},
            "pricing": {"current_spot_price": 0.0125, "on_demand_price": 0.0416},
        }

        def risk() -> object:
            return api.post(f"/api/agents/{agent_id}/decide", asked).json()["risk_score"]

        assert risk() == 0.2
        activate(api, session_of(api, a_file("risk_predictor.skops", skops_risk(0.125))))
        assert risk() == pytest.approx(0.125)
        activate(api, session_of(api, a_file("risk_predictor.onnx", onnx_of(0.0625))))
        assert risk() == pytest.approx(0.0625)
        post(api, "fallback", {})
        assert risk() == pytest.approx(0.125)

    def test_nothing_to_fall_back_to(self, api: Api, store: Store) -> None:
        before = store.contents()

        answer = post(api, "fallback", {})

        assert (answer.status_code, answer.json()) == (
            404,
            {"error": "No fallback version available"},
        )
        assert store.contents() == before

    @pytest.mark.parametrize(
        ("body", "status", "error"),
        [
            ({}, 400, "No session ID provided"),
            ({"sessionId": ""}, 400, "No session ID provided"),
            ({"sessionId": None}, 400, "No session ID provided"),
            (None, 400, "No session ID provided"),
            ({"sessionId": "nobody"}, 404, "Session not found"),
            ({"sessionId": {"a": 1}}, 404, "Session not found"),
            ({"sessionId": 5}, 404, "Session not found"),
            (["x"], 400, "Invalid JSON body"),
            (b"{", 400, "Invalid JSON body"),
            (b"", 400, "Invalid JSON body"),
        ],
    )
    def test_an_activation_that_cannot_be(
        self, api: Api, store: Store, body: Json, status: int, error: str
    ) -> None:
        activate(api, session_of(api, a_file("a.onnx", onnx_of())))
        before = store.contents()

        answer = post(api, "activate", body)

        assert (answer.status_code, answer.json()) == (status, {"error": error})
        assert store.contents() == before

    def test_a_session_needs_exactly_its_id(self, api: Api) -> None:
        session_id = session_of(api, a_file("a.onnx", onnx_of()))

        for other in (session_id.upper(), f"{session_id} ", session_id[:-1]):
            if other != session_id:
                assert activate(api, other).status_code == 404

    def test_an_activation_needs_json(self, api: Api) -> None:
        answer = api.post(
            "/api/admin/ml-models/activate",
            b"sessionId=x",
            token=OPERATOR_TOKEN,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

        assert (answer.status_code, answer.json()) == (
            415,
            {"error": "Content-Type must be application/json"},
        )

    def test_ten_sessions_at_most_are_shown_with_what_there_is_to_know(self, api: Api) -> None:
        session_id = session_of(api, a_file("m2.onnx", b"12345"))

        (shown,) = api.get("/api/admin/ml-models/sessions", token=OPERATOR_TOKEN).json()

        assert shown == {
            "id": session_id,
            "status": "uploaded",
            "isLive": False,
            "isFallback": False,
            "fileCount": 1,
            "files": ["m2.onnx"],
            "totalSize": 5,
            "createdAt": "2025-06-17T12:00:00",
            "activatedAt": None,
        }

    def test_a_restart_serves_the_same_models(self, store: Store, data: Path) -> None:
        store.empty()
        for risk in (None, 0.125, 0.125):
            with an_api(store.url, data) as api:
                engine = api.container.engines().current
                assert engine is not None
                assert engine.identity.models_used == (() if risk is None else ("risk_predictor",))
                if risk is None:
                    activate(api, session_of(api, a_file("risk_predictor.skops", skops_risk())))
                else:
                    session_of(api, a_file("waits.onnx"))


class TestHostileModels:
    """They are taken in as any file, and judged when they are opened."""

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("risk_predictor.skops", b"nonsense"),
            ("risk_predictor.skops", skops_with("system", "os")),
            ("risk_predictor.onnx", onnx_of(external="../../spot-optimizer.sqlite3")),
            ("risk_predictor.onnx", onnx_of(domain="com.example")),
        ],
        ids=["nonsense", "a call", "another file", "another operator"],
    )
    def test_are_left_out_and_told_of(
        self, api: Api, store: Store, name: str, content: bytes
    ) -> None:
        answer = activate(api, session_of(api, a_file(name, content)))

        assert answer.status_code == 200
        assert health(api)["modelStatus"]["activeModels"] == []
        assert store.row("model_registry")["is_active"] in (False, 0)
        (event,) = [
            it for it in store.rows("system_events") if it["event_type"] == "model_load_failed"
        ]
        assert event["severity"] == "warning"
        assert event["message"].startswith("Model file risk_predictor could not be loaded: ")

    def test_neither_run_nor_write(self, api: Api, tmp_path: Path, data: Path) -> None:
        target = tmp_path / "ran"
        pickled = a_malicious_pickle(target)
        session_id = session_of(
            api,
            a_file("risk_predictor.skops", pickled),
            a_file("price_predictor.onnx", pickled),
            a_file("bomb.skops", a_zip_bomb()),
        )
        before = files_in(tmp_path)

        assert activate(api, session_id).status_code == 200

        assert not target.exists()
        assert {name for name in files_in(tmp_path) - before if "sqlite3" not in name} == set()
        engine = api.container.engines().current
        assert engine is not None
        assert engine.identity.models_used == ()

    def test_refuse_the_activation_where_that_is_wanted(self, store: Store, data: Path) -> None:
        store.empty()
        with an_api(store.url, data, ML_STRICT_ACTIVATION="True") as api:
            good = session_of(api, a_file("a.onnx", onnx_of()))
            activate(api, good)
            bad = session_of(api, a_file("a.onnx", b"nonsense"))
            before = store.contents()

            answer = activate(api, bad)

            assert (answer.status_code, answer.json()) == (
                500,
                {"success": False, "message": "Failed to load new models", "sessionId": bad},
            )
            assert store.contents() == before
            assert sessions(api) == [(bad, "uploaded"), (good, "fallback")]


class TestWithoutAnEngine:
    @pytest.fixture
    def api(self, store: Store, data: Path) -> Iterator[Api]:
        store.empty()
        with an_api(store.url, data, DECISION_ENGINE_MODULE="none") as api:
            yield api

    def test_nothing_can_be_put_into_service(self, api: Api, store: Store) -> None:
        session_id = session_of(api, a_file("a.onnx", onnx_of()))
        before = store.contents()

        answer = activate(api, session_id)
        assert (answer.status_code, answer.json()) == (
            500,
            {"success": False, "message": "Failed to load new models", "sessionId": session_id},
        )
        assert store.contents() == before

        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE model_upload_sessions SET is_fallback = 1")
        answer = post(api, "fallback", {})
        assert (answer.status_code, answer.json()) == (
            500,
            {"success": False, "message": "Failed to load fallback models"},
        )

        answer = upload(api, a_file("e.onnx"), path=ENGINE)
        assert (answer.status_code, answer.json()) == (
            500,
            {
                "success": False,
                "message": "Files uploaded but failed to reload decision engine",
                "files": ["e.onnx"],
            },
        )

    def test_everybody_says_so(self, api: Api) -> None:
        told = health(api)
        assert (told["decisionEngine"], told["modelStatus"]["name"]) == ("Not Loaded", "None")
        assert told["decisionEngineStatus"]["version"] == "N/A"
        assert api.get("/health", token=None).json()["decision_engine_loaded"] is False
        figures = api.get("/api/admin/stats", token=OPERATOR_TOKEN).json()
        assert figures["backendHealth"] == "Decision Engine Not Loaded"


class TestUnsafeUploads:
    @pytest.fixture
    def api(self, store: Store, data: Path) -> Iterator[Api]:
        store.empty()
        with an_api(store.url, data, ALLOW_UNSAFE_UPLOADS="True") as api:
            yield api

    def test_are_taken_and_never_run(
        self, api: Api, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        target = tmp_path / "ran"
        code = f"open({str(target)!r}, 'w')".encode()
        pickled = a_malicious_pickle(target)

        assert upload(api, a_file("engine.py", code), path=ENGINE).status_code == 200
        session_id = session_of(api, a_file("risk_predictor.pkl", pickled))
        assert activate(api, session_id).status_code == 200

        assert not target.exists()
        warned = [it for it in caplog.messages if it.startswith("ALLOW_UNSAFE_UPLOADS")]
        assert len(warned) == 2

    def test_of_an_engine_are_listed(self, api: Api) -> None:
        answer = upload(api, a_file("engine.py", b"x = 1"), a_file("t.pkl"), path=ENGINE)

        assert (answer.status_code, answer.json()) == (
            200,
            {
                "success": True,
                "message": "Decision engine files uploaded successfully. "
                "Backend will restart in 3 seconds.",
                "files": ["engine.py", "t.pkl"],
                "restarting": True,
                "engine_status": {
                    "loaded": True,
                    "type": "MLBasedDecisionEngine",
                    "version": "1.0.0",
                },
            },
        )
        status = health(api)["decisionEngineStatus"]
        assert status["filesUploaded"] == 1
        assert [(it["name"], it["size"]) for it in status["files"]] == [("engine.py", 5)]


class TestSystemHealth:
    def test_of_a_fresh_server(self, api: Api) -> None:
        assert health(api) == {
            "apiStatus": "Healthy",
            "database": "Connected",
            "decisionEngine": "Loaded",
            "connectionPool": "10/10",
            "timestamp": "2025-06-17T12:00:00",
            "modelStatus": {
                "loaded": True,
                "name": "MLBasedDecisionEngine",
                "version": "1.0.0",
                "filesUploaded": 0,
                "activeModels": [],
                "files": [],
            },
            "decisionEngineStatus": {
                "loaded": True,
                "type": "MLBasedDecisionEngine",
                "version": "1.0.0",
                "filesUploaded": 0,
                "files": [],
            },
        }

    def test_shows_the_models_in_use_and_the_newest_files(self, api: Api) -> None:
        parts = [a_file(f"m{number}.onnx", onnx_of()) for number in range(12)]
        activate(api, session_of(api, *parts))
        session_of(api, a_file("m0.onnx", b"12345"))

        status = health(api)["modelStatus"]

        assert status["filesUploaded"] == 12
        assert len(status["files"]) == len(status["activeModels"]) == 10
        assert (status["files"][0]["name"], status["files"][0]["size"]) == ("m0.onnx", 5)
        assert set(status["activeModels"][0]) == {"name", "version", "active"}
