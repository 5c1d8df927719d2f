"""Which steps an application can be asked, and how they reach it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar import Litestar, Request, post
from litestar.params import FromPath
from litestar.testing import TestClient

from tests.contract import recording as recorded
from tests.contract.clock import ReplayClock
from tests.contract.made_up import a_step
from tests.contract.recording import Recording
from tests.contract.replay import is_replayable, steps_to_judge
from tests.contract.server import Routes, Server
from tests.contract.templates import Scope


class TestRoutes:
    routes = Routes.named(["GET /api/agents/{agent_id:str}/config", "POST /api/agents/register"])

    def test_the_names_of_parameters_do_not_count(self) -> None:
        assert self.routes.serve(a_step("x", route="GET /api/agents/<id>/config"))
        assert not self.routes.serve(a_step("x", route="POST /api/agents/<id>/config"))
        assert not self.routes.serve(a_step("x", route="GET /api/agents/<id>/commands"))

    def test_a_step_that_meets_no_route_on_purpose_is_always_sent(self) -> None:
        assert self.routes.serve(a_step("x", route=None))

    def test_a_recording_without_any_route_of_ours_is_none_to_judge(self) -> None:
        ours = a_step("x", route="POST /api/agents/register")
        others = [a_step("y", route="GET /elsewhere"), a_step("z", route=None)]
        shared = Recording(scenario="s", title="", steps=[ours, *others])
        foreign = Recording(scenario="f", title="", steps=others)
        optional = Recording(scenario="o", title="", steps=[ours], needs=["the cloud"])

        assert not is_replayable(foreign, self.routes)
        assert steps_to_judge([shared, foreign, optional], self.routes) == [ours, others[1]]


@post("/echo/{name:str}")
async def repeat(request: Request[Any, Any, Any], name: FromPath[str]) -> dict[str, Any]:
    return {
        "name": name,
        "query": dict(request.query_params),
        "type": request.headers.get("content-type", "").split(";")[0],
        "token": request.headers.get("authorization"),
        "text": (await request.body()).decode(),
    }


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    app = Litestar([repeat], openapi_config=None)
    with TestClient(app) as client:
        yield Server(client, Routes.of(app), lambda: None)


class TestRequests:
    def send(self, server: Server, **request: Any) -> Any:
        asked = {"method": "POST", "path": "/echo/{{name}}", **request}
        scope = Scope(ReplayClock(), {"name": "rose"})
        return server.send(msgspec.convert(asked, recorded.Request), scope).body

    def test_routes_are_read_from_the_application(self, server: Server) -> None:
        assert server.routes.serve(a_step("x", route="POST /echo/<id>"))
        assert not server.routes.serve(a_step("x", route="GET /echo/<id>"))

    def test_a_document_is_sent_as_json(self, server: Server) -> None:
        heard = self.send(server, json={"at": "{{now-5|iso}}"}, query={"days": 2})

        assert heard["name"] == "rose"
        assert heard["query"] == {"days": "2"}
        assert heard["type"] == "application/json"
        assert heard["text"] == '{"at":"2025-06-17T11:59:55"}'

    def test_raw_text_is_sent_as_it_is(self, server: Server) -> None:
        heard = self.send(server, raw="{]", headers={"Authorization": "Bearer {{name}}"})

        assert (heard["type"], heard["text"]) == ("", "{]")
        assert heard["token"] == "Bearer rose"

    def test_nothing_is_sent_as_nothing(self, server: Server) -> None:
        heard = self.send(server)

        assert (heard["type"], heard["text"]) == ("", "")

    def test_files_are_sent_as_a_form(self, server: Server) -> None:
        form = [
            {"field": "files", "filename": "{{name}}.pkl", "content": "abc"},
            {"field": "files", "filename": "b.pkl", "base64": "ZGVm"},
            {"field": "note", "content": "text"},
        ]
        heard = self.send(server, multipart=form)

        assert heard["type"] == "multipart/form-data"
        assert 'name="files"; filename="rose.pkl"' in heard["text"]
        assert "def" in heard["text"]
        assert 'name="note"\r\n' in heard["text"]

    def test_another_address_is_not_found(self, server: Server) -> None:
        reply = server.send(recorded.Request(method="GET", path="/"), Scope(ReplayClock()))

        assert (reply.status, reply.kind) == (404, "json")
