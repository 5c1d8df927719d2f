"""With LOG_LEVEL=DEBUG each request has a line: what it was about, and what came of it."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.application_under_test import a_registration
from tests.processes import LOCAL, PATIENCE_SECONDS, Command, a_command, a_free_port

pytestmark = pytest.mark.xdist_group("processes")

IDS = {"request_id", "agent_id", "decision_id", "command_id"}


class Talk:
    """Requests one after the other, each with an id of its own."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def post(self, name: str, path: str, body: object) -> Any:
        answer = self._http.post(path, json=body, headers={"X-Request-ID": name})
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, name: str, path: str) -> Any:
        answer = self._http.get(path, headers={"X-Request-ID": name})
        assert answer.is_success, answer.text
        return answer.json()


def lines_of(server: Command) -> dict[str, dict[str, str]]:
    """The ids in the line of each request."""
    found = {}
    for text in server.said.splitlines():
        line = json.loads(text)
        if line["logger"] == "uvicorn.access":
            ids = {name: value for name, value in line.items() if name in IDS}
            found[ids.pop("request_id")] = ids
    return found


def test_a_line_has_the_ids_of_request_agent_decision_and_command(tmp_path: Path) -> None:
    port = a_free_port()
    with a_command(
        tmp_path,
        *("serve", "--port", str(port)),
        LOG_LEVEL="DEBUG",
        LOG_FORMAT="json",
        ADMIN_API_TOKEN="t",
    ) as server:
        server.line_with("Listening on ")
        with httpx.Client(
            base_url=f"http://{LOCAL}:{port}",
            headers={"Authorization": "Bearer t"},
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        ) as http:
            talk = Talk(http)
            client = talk.post("create", "/api/admin/clients/create", {"name": "x"})["client"]
            said = a_registration(client_token=client["token"])
            agent = talk.post("register", "/api/agents/register", said)["agent_id"]
            question = {"instance": {"current_mode": "spot"}, "pricing": {"on_demand_price": 0.1}}
            talk.post("decide", f"/api/agents/{agent}/decide", question)
            order = {"target_mode": "ondemand"}
            issued = talk.post("issue", f"/api/agents/{agent}/issue-switch-command", order)
            command = issued["command_id"]
            talk.get("poll", f"/api/agents/{agent}/pending-commands")
            done = {"command_id": command, "success": True}
            talk.post("done", f"/api/agents/{agent}/mark-command-executed", done)
            talk.get("idle", f"/api/agents/{agent}/pending-commands")
        server.send(signal.SIGTERM)
        assert server.end() == 0

    with closing(sqlite3.connect(tmp_path / "spot-optimizer.sqlite3")) as database:
        ((decision,),) = database.execute("SELECT id FROM decision_engine_log").fetchall()
    of_agent, of_command = {"agent_id": agent}, {"agent_id": agent, "command_id": command}
    assert lines_of(server) == {
        "create": {},
        "register": of_agent,
        "decide": of_agent | {"decision_id": str(decision)},
        "issue": of_command,
        "poll": of_command,
        "done": of_command,
        "idle": of_agent,
    }
