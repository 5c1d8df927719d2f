"""An existing dashboard, which knows of no login, in a real browser (ruling R1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import httpx
import pytest
from websockets.sync.client import ClientConnection

from spot_optimizer.adapters.admin_token import AdminTokenFile
from tests.chromium import Page, PageFailed, a_chromium
from tests.processes import LOCAL, PATIENCE_SECONDS, a_command, a_free_port

pytestmark = pytest.mark.xdist_group("processes")

DASHBOARD: Final = Path(__file__).parents[2] / "dashboard"
SITE: Final = f"http://{LOCAL}"


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    data: Path

    @property
    def token(self) -> str:
        return AdminTokenFile(self.data).read() or ""

    def clients(self) -> list[str]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.get(
            f"{self.url}/api/admin/clients",
            headers=headers,
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )
        return [client["name"] for client in answer.json()]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientConnection]:
    with a_chromium(tmp_path_factory.mktemp("chromium")) as connection:
        yield connection


@pytest.fixture
def page(chromium: ClientConnection) -> Page:
    return Page(chromium)


@contextmanager
def a_server(data: Path, **settings: str) -> Iterator[Server]:
    port = a_free_port()
    settings |= {"PORT": str(port), "DASHBOARD_DIR": str(DASHBOARD)}
    with a_command(data, "serve", patience_s=600, **settings) as command:
        command.line_with("Listening on ")
        yield Server(f"{SITE}:{port}", data)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with a_server(tmp_path_factory.mktemp("server")) as server:
        yield server


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        pass


@contextmanager
def another_origin() -> Iterator[int]:
    """The port of a server that has the dashboard and nothing else."""
    with ThreadingHTTPServer((LOCAL, 0), partial(_Quiet, directory=str(DASHBOARD))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    with another_origin() as port:
        yield port


def log_in(page: Page, server: Server, path: str = "/") -> None:
    page.open(f"{server.url}{path}")
    page.type("#token", server.token)


def outcome(page: Page, script: str) -> object:
    """What a call of the dashboard comes to: its value, or the error that it would show."""
    try:
        return page.evaluate(script)
    except PageFailed as failed:
        return str(failed).splitlines()[0]


class TestLoggingIn:
    def test_leads_through_the_login_page_to_where_the_dashboard_was_opened(
        self, page: Page, server: Server
    ) -> None:
        wanted = f"{server.url}/clients/t3.medium?tab=1&y=%2F#prices"
        page.open(wanted)

        assert page.evaluate("document.title") == "Log in \N{EN DASH} Spot Optimizer"
        assert page.evaluate("typeof request") == "undefined"
        page.type("#token", "my-guess")
        assert "This is not the admin token." in page.html
        page.type("#token", server.token)

        assert page.url == wanted
        assert page.evaluate("document.title") == "A dashboard without a login"

    def test_needs_no_script(self, page: Page, server: Server) -> None:
        page.call("Emulation.setScriptExecutionDisabled", value=True)

        log_in(page, server, "/clients")

        assert page.url == f"{server.url}/clients"
        assert "<h1>Clients</h1>" in page.html

    def test_takes_nothing_from_elsewhere(self, page: Page, server: Server) -> None:
        page.open(f"{server.url}/login")

        loaded = page.evaluate("performance.getEntriesByType('resource').map(it => it.name)")
        assert loaded == []
        # The policy lets the page's own style through.
        assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "384px"

    def test_gives_a_cookie_that_no_script_sees(self, page: Page, server: Server) -> None:
        log_in(page, server)

        (cookie,) = page.cookies
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
        assert cookie["expires"] > 0
        assert page.evaluate("document.cookie") == ""

    def test_is_undone_by_logging_out(self, page: Page, server: Server) -> None:
        log_in(page, server)
        page.open(f"{server.url}/login")

        page.click("button")

        assert page.url == f"{server.url}/login"
        assert page.cookies == []
        page.open(f"{server.url}/clients")
        assert page.url == f"{server.url}/login?next=%2Fclients"

    def test_is_needed_again_when_the_token_is_rotated(self, page: Page, tmp_path: Path) -> None:
        with a_server(tmp_path) as server:
            log_in(page, server)
            with a_command(tmp_path, "admin", "token", "rotate") as command:
                assert command.end() == 0

            assert outcome(page, "getStats()") == "Error: Missing admin token"
            page.open(f"{server.url}/clients")
            assert page.url == f"{server.url}/login?next=%2Fclients"


class TestTheDashboard:
    def test_reads_and_changes_what_it_likes(self, page: Page, server: Server) -> None:
        log_in(page, server)

        created = page.evaluate("createClient('Acme')")

        assert created["success"] is True
        assert "Acme" in server.clients()
        client = created["client"]
        token = page.evaluate(f"getToken({client['id']!r})")
        assert token == {"token": client["token"], "client_name": "Acme"}
        assert page.evaluate("getStats()")["totalAccounts"] == len(server.clients())
        page.evaluate("show()")
        assert "<li>Acme</li>" in page.html
        assert page.evaluate("document.querySelector('#trouble').textContent") == ""

    def test_shows_the_errors_of_the_api(self, page: Page, server: Server) -> None:
        log_in(page, server)

        assert outcome(page, "createClient('')") == "Error: Client name is required"
        assert outcome(page, "request('/api/nothing')") == "Error: Not Found"

    def test_is_open_to_everybody_on_an_open_server(self, page: Page, tmp_path: Path) -> None:
        with a_server(tmp_path, ADMIN_AUTH="open") as server:
            page.open(f"{server.url}/clients/x")

            assert page.url == f"{server.url}/clients/x"
            assert page.evaluate("createClient('Acme')")["success"] is True


SAME_SITE, ANOTHER_SITE = LOCAL, "localhost"
WITH_COOKIE = "{credentials: 'include'}"
A_CHANGE = "method: 'POST', body: JSON.stringify({name: 'Evil'})"


@pytest.mark.parametrize("host", [SAME_SITE, ANOTHER_SITE])
class TestAnotherOrigin:
    @pytest.fixture
    def page(self, page: Page, server: Server, elsewhere: int, host: str) -> Page:
        """Elsewhere, in a browser in which the operator has logged in."""
        log_in(page, server)
        page.open(f"http://{host}:{elsewhere}/?api={server.url}")
        return page

    def test_reads_nothing_without_credentials(self, page: Page) -> None:
        assert outcome(page, "getClients()") == "Error: Missing admin token"

    def test_reads_nothing_with_the_cookie(self, page: Page) -> None:
        assert outcome(page, f"request('/api/admin/clients', {WITH_COOKIE})") == (
            "TypeError: Failed to fetch"
        )

    def test_changes_nothing(self, page: Page, server: Server) -> None:
        outcome(page, f"request('/api/admin/clients/create', {{{A_CHANGE}}})")
        # As forms are sent, for which the browser asks the server for no leave before.
        for path in ("/api/admin/clients/create", "/logout"):
            form = f"{{credentials: 'include', mode: 'no-cors', {A_CHANGE}}}"
            assert page.evaluate(f"fetch('{server.url}{path}', {form}).then(it => it.type)") == (
                "opaque"
            )

        assert "Evil" not in server.clients()
        page.open(f"{server.url}/clients")
        assert page.url == f"{server.url}/clients"

    def test_may_use_an_open_server(self, page: Page, tmp_path: Path) -> None:
        with a_server(tmp_path, ADMIN_AUTH="open") as server:
            page.open(f"{page.url.partition('?')[0]}?api={server.url}")

            assert page.evaluate("getClients()") == []
            assert page.evaluate("createClient('Acme')")["success"] is True


def test_an_origin_that_is_listed_reads_with_the_cookie_and_changes_nothing(
    page: Page, elsewhere: int, tmp_path: Path
) -> None:
    with a_server(tmp_path, CORS_ALLOW_ORIGINS=f"{SITE}:{elsewhere}") as server:
        log_in(page, server)
        page.open(f"{SITE}:{elsewhere}/?api={server.url}")

        assert page.evaluate(f"request('/api/admin/clients', {WITH_COOKIE})") == []
        refused = outcome(
            page,
            "request('/api/admin/clients/create', "
            "{credentials: 'include', headers: {'Content-Type': 'application/json'}, "
            f"{A_CHANGE}}})",
        )

        assert refused == "Error: Request from another origin"
        assert server.clients() == []
