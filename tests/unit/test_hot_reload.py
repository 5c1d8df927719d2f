"""Two servers on one database change their models under load: no request fails, and no answer is
of neither the one model nor the other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from tests.application_under_test import a_registration
from tests.model_files import onnx_of, skops_risk
from tests.processes import LOCAL, a_command, a_free_port
from tests.services import a_mariadb_database, redis_url, require_redis

pytestmark = pytest.mark.xdist_group("processes")

PATIENCE_S = 60
FIRST, SECOND = 0.125, 0.0625
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

    def activate(self, name: str, content: bytes) -> None:
        uploaded = self.operate("ml-models/upload", files={"files": (name, content)})
        self.operate("ml-models/activate", json={"sessionId": uploaded["sessionId"]})

    def enrol(self) -> tuple[str, str]:
        """An agent and its token."""
        token = self.operate("clients/create", json={"name": "Acme"})["client"]["token"]
        said = a_registration(client_token=token, mode="ondemand")
        answer = self.http.post("/api/agents/register", json=said)
        return answer.json()["agent_id"], token


class Load:
    """Threads that ask one server what to do, again and again."""

    def __init__(self, server: Server, agent: tuple[str, str], threads: int = 2) -> None:
        self._server, (self._agent_id, self._token) = server, agent
        self._stopped = threading.Event()
        self.answers: list[list[tuple[float, int, float | None]]] = [[] for _ in range(threads)]
        """Of each thread in order: when it came, its status and its risk."""
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
            while risk not in [given for _, _, given in answers[before:]]:
                assert monotonic() < ends, f"nobody ever said {risk}"
                self._stopped.wait(0.01)

    def _ask(self, answers: list[tuple[float, int, float | None]]) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        path = f"/api/agents/{self._agent_id}/decide"
        while not self._stopped.is_set():
            try:
                answer = self._server.http.post(path, json=QUESTION, headers=headers)
                risk = answer.json().get("risk_score")
                answers.append((monotonic(), answer.status_code, round(risk, 4)))
            except (httpx.HTTPError, ValueError, TypeError):
                answers.append((monotonic(), 0, None))


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


@pytest.fixture(params=["sqlite", "mariadb and redis"])
def settings(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield {}
        return
    with a_mariadb_database() as url:
        engine = make_engine(url, 1)
        create_schema(engine)
        engine.dispose()
        require_redis()
        yield {"DATABASE_URL": url, "REDIS_URL": redis_url()}


def test_models_change_in_every_process_without_a_failed_or_a_mixed_answer(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    with two_servers(tmp_path, **settings) as servers:
        agent = servers[0].enrol()
        with under_load(servers, agent) as loads:
            steps: list[tuple[Callable[[], object], float]] = [
                (lambda: None, 0.2),
                (lambda: servers[0].activate("risk_predictor.skops", skops_risk(FIRST)), FIRST),
                (lambda: servers[1].activate("risk_predictor.onnx", onnx_of(SECOND)), SECOND),
                (lambda: servers[0].operate("ml-models/fallback"), FIRST),
            ]
            for act, risk in steps:
                act()
                for load in loads:
                    load.until(risk)

    for load in loads:
        for answers in load.answers:
            assert {status for _, status, _ in answers} == {200}
            risks = [risk for risk, _ in groupby(risk for _, _, risk in answers)]
            assert risks == [0.2, FIRST, SECOND, FIRST]
