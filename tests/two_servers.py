"""Two servers on one database, and callers that ask them what to do without a pause."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from tests.application_under_test import a_registration
from tests.processes import LOCAL, a_command, a_free_port

PATIENCE_S = 240
QUESTION = {
    "instance": {"instance_id": "i-1", "current_mode": "ondemand"},
    "pricing": {"current_spot_price": 0.0125, "on_demand_price": 0.0416},
}


class Server:
    def __init__(self, port: int) -> None:
        self.http = httpx.Client(
            base_url=f"http://{LOCAL}:{port}", timeout=PATIENCE_S, trust_env=False
        )

    def operate(self, path: str, **request: Any) -> Any:
        headers = {"Authorization": "Bearer operator"}
        answer = self.http.post(f"/api/admin/{path}", headers=headers, **request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def upload(self, name: str, content: bytes) -> str:
        uploaded = self.operate("ml-models/upload", files={"files": (name, content)})
        return str(uploaded["sessionId"])

    def activate(self, name: str, content: bytes) -> None:
        self.activate_session(self.upload(name, content))

    def activate_session(self, session_id: str) -> None:
        self.operate("ml-models/activate", json={"sessionId": session_id})

    def enrol(self) -> tuple[str, str]:
        """An agent and its token."""
        token = self.operate("clients/create", json={"name": "Acme"})["client"]["token"]
        said = a_registration(client_token=token, mode="ondemand")
        answer = self.http.post("/api/agents/register", json=said)
        return answer.json()["agent_id"], token


@dataclass(frozen=True, slots=True)
class Answer:
    came_at: float
    took_s: float
    status: int
    risk: float | None


class Load:
    """Threads that ask one server what to do, again and again."""

    def __init__(self, server: Server, agent: tuple[str, str], threads: int = 2) -> None:
        self._server, (self._agent_id, self._token) = server, agent
        self._stopped = threading.Event()
        self.answers: list[list[Answer]] = [[] for _ in range(threads)]
        """Of each thread in order."""
        self._threads = [
            threading.Thread(target=self._ask, args=(answers,)) for answers in self.answers
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def until(self, risk: float) -> None:
        """Until every thread has got that risk since now."""
        asked = [len(answers) for answers in self.answers]
        ends = monotonic() + PATIENCE_S
        for answers, before in zip(self.answers, asked, strict=True):
            while risk not in [answer.risk for answer in answers[before:]]:
                assert monotonic() < ends, f"nobody ever said {risk}"
                self._stopped.wait(0.01)

    def _ask(self, answers: list[Answer]) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        path = f"/api/agents/{self._agent_id}/decide"
        while not self._stopped.is_set():
            asked_at, status, risk = monotonic(), 0, None
            try:
                answer = self._server.http.post(path, json=QUESTION, headers=headers)
                status, risk = answer.status_code, round(answer.json().get("risk_score"), 4)
            except (httpx.HTTPError, ValueError, TypeError):
                pass  # kept as an answer without a risk, which nobody lets pass
            now = monotonic()
            answers.append(Answer(now, now - asked_at, status, risk))


@contextmanager
def two_servers(directory: Path, **settings: str) -> Iterator[list[Server]]:
    with ExitStack() as running:
        servers = []
        for _ in range(2):
            port = a_free_port()
            command = a_command(
                directory,
                *("serve", "--port", str(port)),
                patience_s=PATIENCE_S,
                ADMIN_API_TOKEN="operator",
                ENABLE_BACKGROUND_JOBS="False",
                **settings,
            )
            running.enter_context(command).line_with("Listening on ")
            servers.append(Server(port))
            running.callback(servers[-1].http.close)
        yield servers


@contextmanager
def under_load(servers: list[Server], agent: tuple[str, str]) -> Iterator[list[Load]]:
    loads = [Load(server, agent) for server in servers]
    for load in loads:
        load.start()
    try:
        yield loads
    finally:
        for load in loads:
            load.stop()
