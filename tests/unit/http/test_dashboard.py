"""A built dashboard behind the login, on the origin of the API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from spot_optimizer.adapters.http.session_cookie import NAME
from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER_TOKEN,
    Answer,
    Api,
    Store,
    a_store_in,
    an_api,
)

INDEX = "<!DOCTYPE html><title>The dashboard</title>"
A_PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HERE = "http://testserver.local"
SECRET = "what no browser may see"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with a_store_in(tmp_path_factory.mktemp("dashboard")) as store:
        yield store


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """As build tools leave it, beside something that is not for the browser."""
    folder = tmp_path / "dist"
    for name, content in {
        "index.html": INDEX,
        "assets/index-BxY12abc.js": "script",
        "assets/index-BxY12abc.css": "style",
        "static/js/main.4f2a91bc.chunk.js": "script",
        "assets/logo.svg": "<svg/>",
        "assets/overview.js": "script",
        "fonts/inter.woff2": "font",
        "report-4f2a91bc.js": "script",
        "favicon.ico": "icon",
        "api/admin/nothing": SECRET,
        "login": SECRET,
        ".env": SECRET,
        ".git/config": SECRET,
        "empty/.keep": SECRET,
    }.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    (tmp_path / "beside.txt").write_text(SECRET, encoding="utf-8")
    (folder / "linked.txt").symlink_to(tmp_path / "beside.txt")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "logo.svg").symlink_to("assets/logo.svg")
    (folder / "circle").symlink_to("circle")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
def api(store: Store, built: Path, tmp_path: Path) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path / "data", DASHBOARD_DIR=str(built)) as api:
        yield api


def look_at(api: Api, path: str, **headers: str) -> Answer:
    """As a browser in which the operator has logged in."""
    return api.get(f"{HERE}{path}", token=OPERATOR_TOKEN, headers={**A_PAGE, **headers})


def fetch(api: Api, path: str, **headers: str) -> Answer:
    """As a page that the operator looks at."""
    return api.get(f"{HERE}{path}", token=OPERATOR_TOKEN, headers={"Accept": "*/*", **headers})


class TestTheDashboard:
    @pytest.mark.parametrize("path", ["/", "/index.html", "/clients", "/clients/", "/a/b/c?x=1"])
    def test_is_its_index_on_every_path_of_its_own(self, api: Api, path: str) -> None:
        answer = look_at(api, path)

        assert (answer.status_code, answer.text) == (200, INDEX)
        assert answer.headers["Content-Type"].startswith("text/html")

    @pytest.mark.parametrize("path", ["/t3.medium.us-east-1a", "/clients/a%20b", "/%F0%9F%98%80"])
    def test_has_paths_with_ids_in_them(self, api: Api, path: str) -> None:
        assert look_at(api, path).text == INDEX

    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/assets/index-BxY12abc.js", "javascript"),
            ("/assets/index-BxY12abc.css", "text/css"),
            ("/assets/logo.svg", "image/svg+xml"),
            ("/logo.svg", "image/svg+xml"),
            ("/fonts/inter.woff2", "font/woff2"),
            ("/favicon.ico", "image/"),
        ],
    )
    def test_has_files_of_all_kinds(self, api: Api, path: str, kind: str) -> None:
        answer = fetch(api, path)

        assert answer.status_code == 200
        assert kind in answer.headers["Content-Type"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    def test_is_not_what_a_missing_file_is(self, api: Api) -> None:
        for path in ("/assets/index-OLD12345.js", "/nothing.css", "/nothing"):
            answer = fetch(api, path)
            assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"}), path

    @pytest.mark.parametrize(
        "path",
        ["/api", "/api/", "/api/nothing", "/api/admin/nothing", "/api/agents/x/nothing", "//api/x"],
    )
    def test_is_never_the_answer_of_the_api(self, api: Api, path: str) -> None:
        answer = look_at(api, path)

        assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})

    def test_takes_nothing_from_the_api(self, api: Api) -> None:
        assert look_at(api, "/api/admin/stats").json()["agentsTotal"] == 0
        assert look_at(api, "/health").json()["status"] == "healthy"
        assert "Log in" in look_at(api, "/login").text
        assert api.post("/api/nothing", {}).status_code == 404
        assert api.send("DELETE", "/api/admin/stats").status_code == 405
        assert look_at(api, "/health/").status_code == 404

    def test_cannot_be_written_to(self, api: Api) -> None:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert api.send(method, "/index.html", b"x", token=OPERATOR_TOKEN).status_code == 405

    def test_is_the_new_one_when_it_is_built_anew(self, api: Api, built: Path) -> None:
        look_at(api, "/")

        (built / "index.html").write_text("anew", encoding="utf-8")
        (built / "assets" / "index-NEW12345.js").write_text("new", encoding="utf-8")

        assert look_at(api, "/").text == "anew"
        assert fetch(api, "/assets/index-NEW12345.js").text == "new"

    def test_may_be_gone_for_a_while(self, api: Api, built: Path) -> None:
        built.rename(built.with_name("former"))

        assert look_at(api, "/").status_code == 404

    def test_may_be_linked_as_a_whole(self, store: Store, built: Path, tmp_path: Path) -> None:
        (tmp_path / "current").symlink_to(built)
        with an_api(store.url, tmp_path, DASHBOARD_DIR=str(tmp_path / "current")) as api:
            assert look_at(api, "/").text == INDEX
            assert fetch(api, "/assets/logo.svg").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../beside.txt",
        "/%2e%2e/beside.txt",
        "/..%2fbeside.txt",
        "/assets/..%2f..%2fbeside.txt",
        "/assets/%2e%2e/%2e%2e/beside.txt",
        "/..%5cbeside.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/linked.txt",
        "/linked/beside.txt",
        "/linked/data/admin-token",
        "/.env",
        "/.git/config",
        "/%2egit/config",
        "/empty/.keep",
        "/empty",
        "/circle",
        "/pipe",
        "/%00",
        "/index.html%00.js",
        "/" + "x" * 5000,
        "/" + "x/" * 2000,
        "/%ff",
    ],
)
def test_nothing_but_the_dashboard_is_served(api: Api, path: str) -> None:
    answer = fetch(api, path)

    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})
    assert look_at(api, path).text == INDEX


class TestWhatABrowserKeeps:
    @pytest.mark.parametrize(
        "path",
        [
            "assets/index-BxY12abc.js",
            "assets/index-BxY12abc.css",
            "static/js/main.4f2a91bc.chunk.js",
        ],
    )
    def test_is_for_long_what_is_named_by_its_content(self, api: Api, path: str) -> None:
        kept = fetch(api, f"/{path}").headers["Cache-Control"]

        assert kept == "private, max-age=31536000, immutable"

    @pytest.mark.parametrize(
        "path", ["", "clients", "assets/logo.svg", "assets/overview.js", "report-4f2a91bc.js"]
    )
    def test_is_asked_for_again_where_it_may_change(self, api: Api, path: str) -> None:
        assert look_at(api, f"/{path}").headers["Cache-Control"] == "private, no-cache"

    def test_is_not_sent_again_while_it_is_the_same(self, api: Api, built: Path) -> None:
        etag = look_at(api, "/").headers["ETag"]

        for known in (etag, f"W/{etag}", f'"x", {etag}'):
            answer = look_at(api, "/clients", **{"If-None-Match": known})
            assert (answer.status_code, answer.content) == (304, b""), known
            assert answer.headers["ETag"] == etag
        (built / "index.html").write_text("anew", encoding="utf-8")
        assert look_at(api, "/", **{"If-None-Match": etag}).text == "anew"


class TestBehindTheLogin:
    @pytest.mark.parametrize("path", ["/", "/clients/a%20b%2Fc/", "/assets/logo.svg"])
    def test_a_person_is_led_to_the_login_page_and_back(self, api: Api, path: str) -> None:
        sent_away = api.get(path, token=None, headers=A_PAGE)

        place = urlsplit(sent_away.headers["Location"])
        assert (sent_away.status_code, place.path) == (303, "/login")
        assert sent_away.headers["Cache-Control"] == "no-store"
        assert INDEX not in sent_away.text

        let_in = api.post(
            sent_away.headers["Location"],
            f"token={OPERATOR_TOKEN}".encode(),
            token=None,
            headers={"Origin": HERE},
        )
        assert let_in.headers["Location"] == path
        cookie = SimpleCookie(let_in.headers["Set-Cookie"])[NAME].value
        headers = {**A_PAGE, "Cookie": f"{NAME}={cookie}"}
        assert api.get(path, token=None, headers=headers).status_code == 200

    def test_a_path_that_looks_like_another_host_leads_home(self, api: Api) -> None:
        sent_away = api.get(f"{HERE}//evil.example/x", token=None, headers=A_PAGE)

        query = urlsplit(sent_away.headers["Location"]).query
        assert parse_qs(query)["next"] == ["//evil.example/x"]
        let_in = api.post(
            sent_away.headers["Location"],
            f"token={OPERATOR_TOKEN}".encode(),
            token=None,
            headers={"Origin": HERE},
        )
        assert let_in.headers["Location"] == "/"

    @pytest.mark.parametrize("path", ["/", "/assets/logo.svg", "/nothing"])
    @pytest.mark.parametrize("token", [None, "nonsense", OWNER_TOKEN])
    def test_a_program_is_refused(self, api: Api, path: str, token: str | None) -> None:
        answer = api.get(path, token=token)

        assert answer.status_code == 401
        assert answer.headers["Content-Type"].startswith("application/json")

    def test_whoever_logs_in_from_nowhere_comes_to_the_dashboard(self, api: Api) -> None:
        headers = {"Origin": HERE}

        answer = api.post("/login", f"token={OPERATOR_TOKEN}".encode(), token=None, headers=headers)

        assert answer.headers["Location"] == "/"
        assert 'href="/"' in api.get("/login", token=None).text

    def test_everybody_is_let_in_by_an_open_server(
        self, store: Store, built: Path, tmp_path: Path
    ) -> None:
        with an_api(store.url, tmp_path, DASHBOARD_DIR=str(built), ADMIN_AUTH="open") as api:
            assert api.get("/clients", token=None, headers=A_PAGE).text == INDEX
            assert api.get("/assets/logo.svg", token=None).status_code == 200


def test_without_one_there_is_nothing(store: Store, tmp_path: Path) -> None:
    with an_api(store.url, tmp_path) as api:
        for path in ("/", "/index.html", "/clients"):
            assert look_at(api, path).json() == {"error": "Not Found"}
