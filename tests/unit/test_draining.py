"""A server that is told to end goes on for a while, refuses readiness, and finishes what it has."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.processes import LOCAL, PATIENCE_SECONDS, Command, a_command, a_free_port

pytestmark = pytest.mark.xdist_group("processes")

# Longer than any test is let run: what these wait for is the second signal.
_FOR_EVER = "600"


@contextmanager
def a_server(data: Path, workers: int, drain_seconds: str) -> Iterator[tuple[Command, int]]:
    port = a_free_port()
    options = ("--port", str(port), "--workers", str(workers))
    with a_command(
        data, "serve", *options, ADMIN_API_TOKEN="t", DRAIN_SECONDS=drain_seconds
    ) as server:
        server.line_with("Listening on ")
        yield server, port


@contextmanager
def a_connection(port: int) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection(LOCAL, port, timeout=PATIENCE_SECONDS)) as connection:
        yield connection


def asked(connection: HTTPConnection, path: str) -> tuple[HTTPResponse, bytes]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer, answer.read()


def readiness(port: int) -> tuple[int, bytes]:
    """By a connection of its own, so that any worker may answer."""
    with a_connection(port) as connection:
        answer, told = asked(connection, "/readyz")
        return answer.status, told


class HalfARequest:
    """Its head is with the server, its body is not."""

    def __init__(self, connection: HTTPConnection, name: str) -> None:
        self._connection = connection
        self._body = json.dumps({"name": name}).encode()
        connection.putrequest("POST", "/api/admin/clients/create")
        connection.putheader("Authorization", "Bearer t")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(self._body)))
        connection.putheader("Expect", "100-continue")
        connection.endheaders(self._body[:5])
        # The server says so when the application asks for the body: the request is under way.
        with connection.sock.makefile("rb") as stream:
            self.went_on = stream.readline() + stream.readline()

    def finished(self) -> HTTPResponse:
        self._connection.send(self._body[5:])
        return self._connection.getresponse()


def until_refused(port: int) -> None:
    """Nobody listens any more."""
    while True:
        try:
            socket.create_connection((LOCAL, port), PATIENCE_SECONDS).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            continue  # it closed at this very moment


@pytest.mark.parametrize("workers", [1, 2])
def test_callers_are_sent_away_before_anybody_is_refused(tmp_path: Path, workers: int) -> None:
    with a_server(tmp_path, workers, _FOR_EVER) as (server, port), a_connection(port) as kept:
        before, _ = asked(kept, "/livez")
        server.send(signal.SIGTERM)
        answers = {(200, b"")}
        while 200 in {status for status, _ in answers}:  # of any worker
            answers = {readiness(port) for _ in range(20)}
        after, _ = asked(kept, "/livez")
        server.send(signal.SIGTERM)
        exit_code = server.end()

    assert (before.status, before.headers["Connection"]) == (200, None)
    assert answers == {(503, b'{"status":"draining"}')}
    assert (after.status, after.headers["Connection"]) == (200, "close")
    assert exit_code == 0
    assert "Traceback" not in server.said


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("drain_seconds", ["0", "1"])
def test_a_request_under_way_is_finished_when_nobody_listens_any_more(
    tmp_path: Path, workers: int, drain_seconds: str
) -> None:
    with (
        a_server(tmp_path, workers, drain_seconds) as (server, port),
        a_connection(port) as connection,
    ):
        under_way = HalfARequest(connection, "the last one")
        server.send(signal.SIGTERM)
        until_refused(port)
        answer = under_way.finished()
        made = json.load(answer)
        exit_code = server.end()

    assert under_way.went_on == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (answer.status, made["client"]["name"]) == (200, "the last one")
    assert answer.headers["Connection"] == "close"
    assert exit_code == 0
    assert "Traceback" not in server.said


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_waits_for_nobody(tmp_path: Path, workers: int) -> None:
    with a_server(tmp_path, workers, _FOR_EVER) as (server, _):
        server.send(signal.SIGINT)
        exit_code = server.end()

    assert exit_code == 0
