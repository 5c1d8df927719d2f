"""Commands that last, run as their users run them: in processes that are ended by signals."""

import json
import os
import re
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from spot_optimizer.adapters.admin_token import AdminTokenFile
from spot_optimizer.cli.failures import DATABASE_UNUSABLE, FAILED, PORT_IN_USE, WRONG_SETTING
from tests.processes import LOCAL, PATIENCE_SECONDS, Command, a_command, a_free_port
from tests.services import a_mariadb_database

pytestmark = pytest.mark.xdist_group("processes")


@pytest.fixture
def mariadb_database() -> Iterator[str]:
    with a_mariadb_database() as url:
        yield url


def is_free(port: int) -> bool:
    try:
        socket.create_server((LOCAL, port)).close()
    except OSError:
        return False
    return True


def ask(port: int, path: str, token: str = "", **body: object) -> Any:
    request = urllib.request.Request(
        f"http://{LOCAL}:{port}{path}",
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
        return json.load(answer)


class TestServe:
    @pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
    @pytest.mark.parametrize("workers", [1, 2])
    def test_it_serves_until_a_signal(self, tmp_path: Path, workers: int, ending: int) -> None:
        port = a_free_port()
        options = ("--port", str(port), "--workers", str(workers))
        with a_command(tmp_path, "serve", *options) as server:
            shown = server.line_with("Admin token (shown once; kept in ")
            server.line_with(f"Listening on http://{LOCAL}:{port} ")
            token = shown.split()[-1]
            created = ask(port, "/api/admin/clients/create", token, name="First")
            known = ask(port, "/api/admin/clients", token)
            server.send(ending)
            exit_code = server.end()

        assert exit_code == 0
        assert "Traceback" not in server.said
        assert "DECISION_ENGINE_MODULE=decision_engines.placement_engine weighs" in server.said
        assert token == AdminTokenFile(tmp_path).read()
        assert server.said.count(token) == 1
        assert created["client"]["name"] == "First"
        assert [client["name"] for client in known] == ["First"]
        assert is_free(port)

    def test_every_worker_tells_the_figures_of_all(self, tmp_path: Path) -> None:
        port, requests = a_free_port(), 40
        with a_command(
            tmp_path, "serve", "--port", str(port), "--workers", "2", ADMIN_API_TOKEN="t"
        ) as server:
            server.line_with("Listening on ")
            url, headers = f"http://{LOCAL}:{port}", {"Authorization": "Bearer t"}

            def asked(path: str) -> httpx.Response:
                # A connection of its own each time, so that either worker may answer.
                return httpx.get(
                    url + path, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
                )

            def counted() -> float:
                text = asked("/metrics").text
                series = 'seconds_count{method="GET",route="/livez",status="200"} '
                return sum(
                    float(line.split(series)[1]) for line in text.split("\n") if series in line
                )

            for _ in range(requests):
                asked("/livez")
            seen = [counted()]
            while seen[-1] < requests:
                seen.append(counted())
            seen += [counted() for _ in range(10)]
            server.send(signal.SIGTERM)
            assert server.end() == 0

        assert seen == sorted(seen)
        assert set(seen[-10:]) == {float(requests)}

    def test_the_second_start_shows_no_token_and_keeps_the_data(self, tmp_path: Path) -> None:
        token, _ = AdminTokenFile(tmp_path).ensure()
        log = tmp_path / "logs" / "server.log"
        port = a_free_port()
        with a_command(
            tmp_path,
            "serve",
            PORT=str(port),
            LOG_LEVEL="DEBUG",
            LOG_FILE=str(log),
            DECISION_ENGINE_MODULE="decision_engines.placement_engine",
        ) as server:
            server.line_with("Listening on ")
            assert ask(port, "/readyz?secret=1") == {"status": "ready"}
            server.send(signal.SIGTERM)
            assert server.end() == 0

        assert f"The admin token is kept in {tmp_path / 'admin-token'}" in server.said
        assert token not in server.said
        assert "DECISION_ENGINE_MODULE" not in server.said
        assert re.search(r'Z INFO uvicorn\.access .*"GET /readyz HTTP/1\.1" 200\n', server.said)
        assert log.read_text(encoding="utf-8") == server.said

    def test_a_port_in_use_is_told_in_one_line(self, tmp_path: Path) -> None:
        with socket.create_server((LOCAL, 0)) as listener:
            port = listener.getsockname()[1]
            with a_command(tmp_path, "serve", "--port", str(port)) as server:
                exit_code = server.end()

        assert exit_code == PORT_IN_USE
        assert server.said == f"Port {port} on {LOCAL} is in use\n"
        assert list(tmp_path.iterdir()) == []

    def test_a_database_that_does_not_answer_is_waited_for(self, tmp_path: Path) -> None:
        port, nobody = a_free_port(), a_free_port()
        url = f"mysql://root:s3cret@{LOCAL}:{nobody}/x"
        with a_command(
            tmp_path,
            *("serve", "--port", str(port)),
            DATABASE_URL=url,
            ADMIN_AUTH="open",
            ALLOW_UNSAFE_UPLOADS="True",
        ) as server:
            server.line_with("WARNING spot_optimizer.cli.serve ADMIN_AUTH=open: ")
            server.line_with("WARNING spot_optimizer.cli.serve ALLOW_UNSAFE_UPLOADS: ")
            warning = server.line_with("Cannot reach the database")
            server.line_with("Listening on ")
            alive = ask(port, "/livez")
            server.send(signal.SIGTERM)
            exit_code = server.end()

        assert exit_code == 0
        assert f"WARNING spot_optimizer.cli.serve Cannot reach the database at {LOCAL}" in warning
        assert alive == {"status": "alive"}
        assert "s3cret" not in server.said

    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_an_empty_database_is_not_filled_unasked(
        self, tmp_path: Path, mariadb_database: str, workers: str
    ) -> None:
        options = ("--port", str(a_free_port()), "--workers", workers)
        with a_command(
            tmp_path, "serve", *options, DATABASE_URL=mariadb_database, ADMIN_API_TOKEN="s3cret"
        ) as server:
            exit_code = server.end()

        assert exit_code == DATABASE_UNUSABLE
        (line,) = server.said.splitlines()
        assert line.endswith(" is empty: run `spot-optimizer db init` first")

    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_an_application_that_cannot_be_built_is_not_tried_for_ever(
        self, tmp_path: Path, workers: str
    ) -> None:
        options = ("--port", str(a_free_port()), "--workers", workers)
        with a_command(
            tmp_path, "serve", *options, REDIS_URL="redis://127.0.0.1:no-port"
        ) as server:
            exit_code = server.end()

        assert exit_code == FAILED
        assert "The application cannot be built" in server.said
        assert server.said.endswith("The server could not be started: see the log lines above\n")


class TestADashboard:
    def test_is_served_to_who_has_logged_in(self, tmp_path: Path) -> None:
        port, built = a_free_port(), tmp_path / "dist"
        built.mkdir()
        (built / "index.html").write_text("the dashboard")
        options = ("--port", str(port), "--dashboard-dir", str(built), "--workers", "2")
        with a_command(tmp_path, "serve", *options, ADMIN_API_TOKEN="right") as server:
            server.line_with("Listening on ")
            with httpx.Client(
                base_url=f"http://{LOCAL}:{port}",
                headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin"},
                follow_redirects=True,
                timeout=PATIENCE_SECONDS,
                trust_env=False,
            ) as browser:
                asked = browser.get("/clients/x?tab=1&y=%2F")
                shown = browser.post(asked.url, data={"token": "right"})
            server.send(signal.SIGTERM)
            server.end()

        assert asked.url.path == "/login"
        assert str(shown.url) == f"http://{LOCAL}:{port}/clients/x?tab=1&y=%2F"
        assert shown.text == "the dashboard"

    def test_that_is_not_there_is_told_in_one_line(self, tmp_path: Path) -> None:
        with a_command(tmp_path, "serve", DASHBOARD_DIR=str(tmp_path)) as server:
            exit_code = server.end()

        assert exit_code == WRONG_SETTING
        assert server.said == (
            f"Wrong setting DASHBOARD_DIR: there is no index.html in {tmp_path}\n"
        )


class TestAProxy:
    @pytest.mark.parametrize(("trusted", "is_believed"), [("", True), ("192.0.2.1", False)])
    def test_is_believed_where_the_setting_says_so(
        self, tmp_path: Path, trusted: str, is_believed: bool
    ) -> None:
        port = a_free_port()
        headers = {
            "Sec-Fetch-Site": "same-origin",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "203.0.113.9",
        }
        with a_command(
            tmp_path, "serve", PORT=str(port), ADMIN_API_TOKEN="right", FORWARDED_ALLOW_IPS=trusted
        ) as server:
            server.line_with("Listening on ")
            with httpx.Client(
                base_url=f"http://{LOCAL}:{port}", timeout=PATIENCE_SECONDS, trust_env=False
            ) as browser:
                answer = browser.post("/login", data={"token": "right"}, headers=headers)
                browser.post("/login", data={"token": "my-guess"}, headers=headers)
            server.send(signal.SIGTERM)
            server.end()

        assert ("Secure" in answer.headers["Set-Cookie"]) == is_believed
        assert f"wrong token from {'203.0.113.9' if is_believed else LOCAL}" in server.said
        assert "my-guess" not in server.said


class TestDemo:
    def test_a_fleet_works_and_nothing_stays_behind(self, tmp_path: Path) -> None:
        port = a_free_port()
        options = ("--port", str(port), "--agents", "5", "--duration", "8")
        with a_command(
            tmp_path, "demo", *options, DATABASE_URL="mysql://real", http_proxy="http://no.test"
        ) as demo:
            exit_code = demo.end()

        token = AdminTokenFile(tmp_path).read()
        assert exit_code == 0
        assert "left aside: DATABASE_URL" in demo.said
        assert f"http://{LOCAL}:{port}/health" in demo.said
        assert f'curl -H "Authorization: Bearer {token}" http://{LOCAL}:{port}/api' in demo.said
        assert re.search(r"│ POST /api/agents/register +│ +[5-9] │ +0 │", demo.said)
        assert re.search(r"│ Agents +│ +5 │", demo.said)
        assert "Traceback" not in demo.said
        assert is_free(port)

    def test_ctrl_c_ends_it(self, tmp_path: Path) -> None:
        port = a_free_port()
        with a_command(tmp_path, "demo", "--port", str(port), "--agents", "2") as demo:
            demo.line_with("agents online")
            token = AdminTokenFile(tmp_path).read() or ""
            totals = ask(port, "/api/admin/stats", token)
            demo.send(signal.SIGINT)
            exit_code = demo.end()

        assert exit_code == 0
        assert totals["totalAccounts"] == 1
        assert "The fleet, simulated time" in demo.said
        assert "Traceback" not in demo.said
        assert is_free(port)

    def test_a_dying_server_ends_it_too(self, tmp_path: Path) -> None:
        port = a_free_port()
        with a_command(tmp_path, "demo", "--port", str(port), "--agents", "2") as demo:
            demo.line_with("agents online")
            os.kill(the_child_of(demo), signal.SIGKILL)
            exit_code = demo.end()

        assert exit_code == FAILED
        assert demo.said.splitlines()[-1] == (
            f"The server ended with exit code -9: see {tmp_path / 'demo-server.log'}"
        )
        assert "Traceback" not in demo.said

    def test_a_fleet_can_join_a_server_that_runs(self, tmp_path: Path) -> None:
        port = a_free_port()
        with a_command(tmp_path, "serve", "--port", str(port)) as server:
            server.line_with("Listening on ")
            options = ("--url", f"http://{LOCAL}:{port}", "--agents", "2", "--duration", "2")
            with a_command(tmp_path, "simulate", *options) as fleet:
                exit_code = fleet.end()
            server.send(signal.SIGTERM)
            server.end()

        assert exit_code == 0
        assert re.search(r"│ Agents +│ +2 │", fleet.said)


def the_child_of(command: Command) -> int:
    pid = command.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)
