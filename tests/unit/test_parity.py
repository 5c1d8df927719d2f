"""Two servers are compared: what differs is told, what was mended is not, nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from spot_optimizer.cli.failures import Failure
from spot_optimizer.cli.parity import parity
from spot_optimizer.cli.parity.comparing import (
    ERRORS_ARE_JSON,
    FAILURES_ARE_ANSWERED,
    FLAGS_ARE_BOOLEANS,
    KEYS_WERE_ADDED,
    NO_CREDENTIALS,
    Answer,
    compare,
)


def answered(document: Any, status: int = 200) -> Answer:
    return Answer(status, "application/json", document)


PAGE = Answer(404, "text/html", None, "<h1>Not Found</h1>")


class TestComparing:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ({"a": 1, "b": [None, "x"]}, {"a": 1, "b": [None, "x"]}),
            ({"price": 0.1}, {"price": 0.10000000001}),
            ({"n": 1}, {"n": 1.0}),
            ({"timestamp": "2026-01-01T00:00:00"}, {"timestamp": "2026-01-01T00:00:09"}),
        ],
    )
    def test_alike(self, old: Any, new: Any) -> None:
        verdict = compare(answered(old), answered(new))

        assert (verdict.differences, verdict.fixes) == ((), frozenset())

    @pytest.mark.parametrize(
        ("old", "new", "where"),
        [
            ({"a": 1}, {"a": 2}, "$.a"),
            ({"a": 1}, {"a": "1"}, "$.a"),
            ({"a": 1}, {}, "$.a"),
            ({"a": None}, {"a": 0}, "$.a"),
            ({"a": True}, {"a": 0}, "$.a"),
            ({"a": [1, 2]}, {"a": [1]}, "$.a"),
            ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]}, "$.a[0].b"),
            (
                {"timestamp": "2026-01-01T00:00:00"},
                {"timestamp": "2026-01-01T00:00:11"},
                "$.timestamp",
            ),
            ([], {}, "$"),
        ],
    )
    def test_different(self, old: Any, new: Any, where: str) -> None:
        (difference,) = compare(answered(old), answered(new)).differences

        assert difference.where == where

    @pytest.mark.parametrize(
        ("old", "new", "fix"),
        [
            (answered({"a": 1}), answered({"a": True}), FLAGS_ARE_BOOLEANS),
            (answered({"a": 7}), answered({"a": 7, "b": 8}), KEYS_WERE_ADDED),
            (answered({"error": "'NoneType'"}, 500), answered([]), FAILURES_ARE_ANSWERED),
            (answered([1]), answered({"error": "Missing admin token"}, 401), NO_CREDENTIALS),
            (PAGE, answered({"error": "Not Found"}, 404), ERRORS_ARE_JSON),
        ],
    )
    def test_mended(self, old: Answer, new: Answer, fix: str) -> None:
        verdict = compare(old, new)

        assert verdict.is_same
        assert verdict.fixes == {fix}

    @pytest.mark.parametrize(
        ("old", "new", "where"),
        [
            (answered([]), answered([], 404), "status"),
            (answered([]), answered({"error": "x"}, 500), "status"),
            (answered([]), Answer(200, "text/html", None, "<p>"), "content type"),
            (Answer(200, "text/csv", None, "a,b"), Answer(200, "text/csv", None, "a,c"), "body"),
        ],
    )
    def test_another_answer_altogether(self, old: Answer, new: Answer, where: str) -> None:
        (difference,) = compare(old, new).differences

        assert difference.where == where


class Gone:
    url = "http://127.0.0.1:1"


class Old(ThreadingHTTPServer):
    """Answers from a table, and remembers what it was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, str | None]] = []
        super().__init__(("127.0.0.1", 0), _Answering)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answering(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        assert isinstance(self.server, Old)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization")))
        found = self.server.answers.get(self.path.partition("?")[0])
        body = json.dumps({"error": "Not Found"} if found is None else found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815  the library's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(answers: dict[str, Any]) -> Iterator[Old]:
    with Old(answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


FLEET = {
    "/health": {"status": "healthy"},
    "/api/admin/clients": [{"id": "c-1"}, {"id": "c-2"}],
    "/api/admin/agents": {"agents": [{"id": "a-1"}], "total": 1},
    "/api/client/c-1": {"name": "First"},
    "/api/agents/a-1/config": {"enabled": 1},
}


def run(old: Old, new: Old | Gone, folder: Path, **options: Any) -> str:
    given = {"recordings": None, "sample": 1, "writes": False, "agent_token": "a", **options}
    report = folder / "parity.md"
    return parity(old.url, new.url, old_token=None, new_token="t", report=report, **given)


class TestShadowing:
    def test_alike(self, tmp_path: Path) -> None:
        new = {**FLEET, "/api/agents/a-1/config": {"enabled": True}}
        with serving(FLEET) as old, serving(new) as other:
            told = run(old, other, tmp_path)
            asked = [path for _, path, _ in other.asked]

        assert told.startswith("0 of ")
        assert {method for method, _, _ in old.asked + other.asked} == {"GET"}
        assert {token for _, _, token in old.asked} == {None, "Bearer a"}
        assert {token for _, _, token in other.asked} == {"Bearer t", "Bearer a"}
        assert "/api/client/c-1/agents" in asked
        assert "/api/agents/a-1/config" in asked
        assert not [path for path in asked if "c-2" in path or "pending" in path]
        assert FLAGS_ARE_BOOLEANS in (tmp_path / "parity.md").read_text()

    def test_different(self, tmp_path: Path) -> None:
        new = {**FLEET, "/api/client/c-1": {"name": "Second"}}
        with serving(FLEET) as old, serving(new) as other, pytest.raises(Failure, match="1 of "):
            run(old, other, tmp_path)

        report = (tmp_path / "parity.md").read_text()
        assert "## GET /api/client/c-1\n" in report
        assert "| `$.name` | First | Second |" in report

    def test_nobody_there(self, tmp_path: Path) -> None:
        with serving(FLEET) as old, pytest.raises(Failure, match="does not answer"):
            run(old, Gone(), tmp_path)

    def test_routes_of_agents_need_a_token_of_theirs(self, tmp_path: Path) -> None:
        with serving(FLEET) as old, serving(FLEET) as new:
            run(old, new, tmp_path, agent_token=None)

        assert not [path for _, path, _ in old.asked if path.startswith("/api/agents/")]
        report = (tmp_path / "parity.md").read_text()
        assert "not asked: agents' routes need --agent-token" in report


class TestReplaying:
    @pytest.fixture
    def recordings(self, tmp_path: Path) -> Path:
        folder = tmp_path / "recordings"
        folder.mkdir()
        requests = [
            {"method": "GET", "path": "/health"},
            {"method": "GET", "path": "/api/agents/{agent}/config"},
            {"method": "GET", "path": "/api/agents/a-1/pending-commands"},
            {"method": "POST", "path": "/api/client/c-1", "json": {"a": 1}},
        ]
        steps = [{"request": request} for request in requests]
        (folder / "one.json").write_text(json.dumps({"steps": steps}))
        return folder

    def test_reads_alone(self, tmp_path: Path, recordings: Path) -> None:
        with serving(FLEET) as old, serving(FLEET) as new:
            run(old, new, tmp_path, recordings=recordings)

        assert [it[:2] for it in old.asked] == [("GET", "/health")]
        assert (
            "2 times not asked: it would change something" in (tmp_path / "parity.md").read_text()
        )

    def test_writes_when_they_are_wanted(self, tmp_path: Path, recordings: Path) -> None:
        with serving(FLEET) as old, serving(FLEET) as new:
            run(old, new, tmp_path, recordings=recordings, writes=True)

        assert ("POST", "/api/client/c-1") in [it[:2] for it in new.asked]
        assert len([it for it in new.asked if it[0] == "POST"]) == 1

    def test_no_recordings(self, tmp_path: Path) -> None:
        with serving(FLEET) as old, pytest.raises(Failure, match="there are none"):
            run(old, old, tmp_path, recordings=tmp_path)
