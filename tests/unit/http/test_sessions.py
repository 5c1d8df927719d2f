"""Logging in with a browser (ruling R1), on every route that the application has."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote

import pytest

from spot_optimizer.adapters.admin_token import AdminTokenFile
from spot_optimizer.adapters.http.session_cookie import NAME
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from spot_optimizer.application.sessions.attempts import ALLOWED
from spot_optimizer.application.sessions.open_sessions import LIFETIME
from tests.application_under_test import (
    OPEN_PATHS,
    OPERATOR_TOKEN,
    OWNER,
    OWNER_TOKEN,
    STRANGER_TOKEN,
    Answer,
    Api,
    Store,
    a_store_in,
    an_api,
    routes_of,
)
from tests.fakes import FixedClock, InMemoryCache

HERE = {"Origin": "http://testserver.local"}
FORM = "application/x-www-form-urlencoded"

FOREIGN = [
    {},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "https://testserver.local"},
    {"Origin": "http://testserver.local:8080"},
    {"Origin": "https://testserver.local:80"},
    {"Origin": "null", "Host": ""},
    {"Origin": "nonsense", "Host": ":nonsense"},
    {"Origin": "http://testserver.local.evil.example"},
    {"Origin": "http://evil.example/http://testserver.local"},
    {"Origin": "http://[nonsense"},
    {"Origin": "http://testserver.local:nonsense"},
    {**HERE, "Sec-Fetch-Site": "cross-site"},
    {**HERE, "Sec-Fetch-Site": "same-site"},
    {**HERE, "Sec-Fetch-Site": "none"},
    {**HERE, "Sec-Fetch-Site": ""},
]
OWN = [
    HERE,
    {"Origin": "http://TESTSERVER.local:80"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://what.the.proxy.is.called"},
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with a_store_in(tmp_path_factory.mktemp("sessions")) as store:
        yield store


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path) as api:
        yield api


def log_in(
    api: Api, token: str = OPERATOR_TOKEN, query: str = "", headers: dict[str, str] | None = None
) -> Answer:
    sent = {"Content-Type": FORM, **(HERE if headers is None else headers)}
    answer = api.post(f"/login{query}", f"token={token}".encode(), token=None, headers=sent)
    api.http.cookies.clear()  # each test presents what it wants to
    return answer


def session(api: Api, token: str = OPERATOR_TOKEN) -> str:
    """The cookie of a browser in which the operator has logged in, as it sends it."""
    return f"{NAME}={cookie_of(log_in(api, token))}"


def cookie_of(answer: Answer) -> str:
    return SimpleCookie(answer.headers["Set-Cookie"])[NAME].value


def closed_routes(api: Api, agent_id: str) -> list[tuple[str, str]]:
    routes = routes_of(api.app, agent_id=agent_id, client_id=OWNER)
    apart = {*OPEN_PATHS, "/logout", "/api/client/validate"}
    return [(method, path) for method, path in routes if path not in apart]


class TestTheLoginPage:
    def test_asks_for_the_token(self, api: Api) -> None:
        answer = api.get("/login", token=None)

        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert '<form method="post">' in answer.text
        assert 'name="token" type="password"' in answer.text

    def test_needs_nothing_from_elsewhere_and_no_script(self, api: Api) -> None:
        page = api.get("/login", token=None).text

        assert "<script" not in page
        assert "://" not in page
        assert "url(" not in page

    def test_can_be_put_into_no_frame_and_is_kept_nowhere(self, api: Api) -> None:
        headers = api.get("/login", token=None).headers

        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert headers["Cache-Control"] == "no-store"

    def test_tells_who_has_logged_in_so_and_lets_them_out(self, api: Api) -> None:
        page = api.get("/login", token=None, headers={"Cookie": session(api)}).text

        assert "You are logged in" in page
        assert '<form method="post" action="/logout">' in page
        assert 'type="password"' not in page


class TestLoggingIn:
    def test_gives_a_cookie_that_scripts_and_other_sites_do_not_get(self, api: Api) -> None:
        answer = log_in(api)

        assert answer.status_code == 303
        cookie = SimpleCookie(answer.headers["Set-Cookie"])[NAME]
        assert len(cookie.value) >= 43
        assert (cookie["httponly"], cookie["samesite"].lower()) == (True, "strict")
        assert (cookie["path"], cookie["domain"]) == ("/", "")
        assert cookie["max-age"] == str(int(LIFETIME.total_seconds()))
        assert not cookie["secure"]

    def test_gives_a_cookie_for_tls_only_under_tls(self, api: Api) -> None:
        answer = api.http.post(
            "https://testserver.local/login",
            content=f"token={OPERATOR_TOKEN}",
            headers={"Origin": "https://testserver.local", "Content-Type": FORM},
            follow_redirects=False,
        )

        assert SimpleCookie(answer.headers["Set-Cookie"])[NAME]["secure"] is True

    @pytest.mark.parametrize("blanks", ["%20", "%0A", "+", "%0D%0A"])
    def test_forgives_the_blanks_that_copying_adds(self, api: Api, blanks: str) -> None:
        assert log_in(api, f"{blanks}{OPERATOR_TOKEN}{blanks}").status_code == 303

    @pytest.mark.parametrize(
        "token", ["", "x", OWNER_TOKEN, OPERATOR_TOKEN.upper(), OPERATOR_TOKEN[:-1], "%ff", "%00"]
    )
    def test_needs_the_token_of_the_operator(self, api: Api, token: str) -> None:
        answer = log_in(api, token)

        assert answer.status_code == 401
        assert "Set-Cookie" not in answer.headers
        assert "This is not the admin token." in unescape(answer.text)

    @pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"token", b"&" * 500, b'{"token": "x"}'])
    def test_needs_a_form_with_the_token(self, api: Api, body: bytes) -> None:
        answer = api.post("/login", body, token=None, headers={**HERE, "Content-Type": FORM})

        assert answer.status_code == 401

    def test_shows_no_token(self, api: Api) -> None:
        assert "my-guess" not in log_in(api, "my-guess").text

    def test_is_refused_after_too_many_guesses(self, api: Api) -> None:
        for _ in range(ALLOWED):
            assert log_in(api, "my-guess").status_code == 401

        answer = log_in(api)

        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "900"
        assert "Set-Cookie" not in answer.headers

    def test_is_not_done_by_another_page(self, api: Api) -> None:
        for headers in FOREIGN:
            answer = log_in(api, headers=headers)
            assert (answer.status_code, "Set-Cookie" in answer.headers) == (403, False), headers

    @pytest.mark.parametrize(
        "wanted",
        ["/", "/clients/x?tab=1&y=%2f", "/a//b", "/%ff", "/login"],
    )
    def test_leads_on_to_where_the_operator_wanted_to_go(self, api: Api, wanted: str) -> None:
        answer = log_in(api, query=f"?next={quote(wanted, safe='')}")

        assert answer.headers["Location"] == wanted

    @pytest.mark.parametrize(
        "wanted",
        [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "evil.example",
            "/%09/evil.example",
            "/%0d%0aSet-Cookie:x=y",
            "/ü",
            "/\x20",
        ],
    )
    def test_leads_nowhere_else(self, api: Api, wanted: str) -> None:
        assert log_in(api, query=f"?next={wanted}").headers["Location"] == "/login"

    def test_is_put_on_record(self, api: Api, store: Store) -> None:
        log_in(api)

        entry = store.row("audit_logs")
        assert (entry["action"], entry["entity_type"]) == ("logged_in", "session")
        assert (entry["actor_type"], entry["ip_address"]) == ("operator", "testclient")
        assert store.rows("system_events") == []

    def test_is_not_put_on_record_when_it_fails(self, api: Api, store: Store) -> None:
        before = store.contents()

        log_in(api, "my-guess")

        assert store.contents() == before

    def test_is_done_anew_under_a_key_that_was_used_before(self, api: Api) -> None:
        headers = {**HERE, "Idempotency-Key": "k"}

        cookies = {cookie_of(log_in(api, headers=headers)) for _ in range(2)}

        assert len(cookies) == 2


class TestTheCookie:
    def test_opens_every_route_that_the_operators_token_opens(self, api: Api) -> None:
        headers = {"Cookie": session(api), **HERE}

        for method, path in closed_routes(api, api.register()):
            answer = api.send(method, path, {}, token=None, headers=headers)
            assert answer.status_code not in (401, 403, 500), path

    def test_is_answered_as_the_operators_token_is(self, api: Api) -> None:
        headers = {"Cookie": session(api)}

        for method, path in closed_routes(api, api.register()):
            if method == "GET" and "pending-commands" not in path and path != "/metrics":
                by_cookie = api.get(path, token=None, headers=headers)
                by_token = api.get(path, token=OPERATOR_TOKEN)
                assert by_cookie.status_code == by_token.status_code, path
                assert by_cookie.content == by_token.content, path

    def test_makes_the_operator_the_one_on_record(self, api: Api, store: Store) -> None:
        headers = {"Cookie": session(api), **HERE}

        created = api.post(
            "/api/admin/clients/create", {"name": "New"}, token=None, headers=headers
        )

        assert created.status_code == 200
        entries = {entry["action"]: entry["actor_type"] for entry in store.rows("audit_logs")}
        assert entries["client_created"] == "operator"

    @pytest.mark.parametrize("value", ["", "x", "nonsense; x", '"', "\xff", "x" * 4000])
    def test_of_nobody_opens_nothing(self, api: Api, value: str) -> None:
        headers = {b"Cookie": f"{NAME}={value}".encode("latin-1"), b"Origin": b"http://testserver"}

        for method, path in closed_routes(api, "x"):
            answer = api.http.request(method, path, headers=headers)
            assert answer.status_code == 401, path

    def test_gives_way_to_a_token(self, api: Api) -> None:
        headers = {"Cookie": session(api), **HERE}
        path = f"/api/agents/{api.register()}/config"

        assert api.get(path, token="nonsense", headers=headers).status_code == 401
        assert api.get(path, token=STRANGER_TOKEN, headers=headers).status_code == 404
        assert api.get("/api/admin/stats", token=OWNER_TOKEN, headers=headers).status_code == 401

    def test_gives_way_to_a_token_in_the_body(self, api: Api) -> None:
        headers = {"Cookie": session(api), **HERE}
        path = f"/api/agents/{api.register()}/heartbeat"

        answer = api.post(path, {"client_token": STRANGER_TOKEN}, token=None, headers=headers)

        assert answer.status_code == 404


class TestAPageOfAnotherOrigin:
    def test_changes_nothing_by_the_cookie(self, api: Api, store: Store) -> None:
        cookie, agent_id = session(api), api.register()
        before = store.contents()

        for foreign in FOREIGN:
            for method, path in [*closed_routes(api, agent_id), ("POST", "/logout")]:
                if method not in ("GET", "HEAD"):
                    headers = {"Cookie": cookie, **foreign}
                    answer = api.send(method, path, {}, token=None, headers=headers)
                    assert answer.status_code == 403, (path, foreign)
                    assert answer.json() == {"error": "Request from another origin"}

        assert store.contents() == before

    def test_changes_nothing_by_the_cookie_under_a_key(self, api: Api, store: Store) -> None:
        headers = {"Cookie": session(api), **FOREIGN[2], "Idempotency-Key": "k"}
        before = store.contents()

        answer = api.post("/api/admin/clients/create", {"name": "New"}, token=None, headers=headers)

        assert answer.status_code == 403
        assert store.contents() == before

    def test_is_no_matter_where_a_token_is_presented(self, api: Api) -> None:
        headers = {"Cookie": session(api), **FOREIGN[2]}
        path = f"/api/agents/{api.register()}/heartbeat"

        assert api.post(path, {}, headers=headers).status_code == 200

    @pytest.mark.parametrize("own", OWN)
    def test_is_told_from_the_dashboard(self, api: Api, own: dict[str, str]) -> None:
        headers = {"Cookie": session(api), **own}

        answer = api.post("/api/admin/clients/create", {"name": "New"}, token=None, headers=headers)

        assert answer.status_code == 200

    def test_reads_nothing_unless_its_origin_is_listed(self, store: Store, tmp_path: Path) -> None:
        listed, other = "https://dash.example", "https://evil.example"
        for origins in ("*", f"{listed}, *", listed):
            with an_api(store.url, tmp_path, CORS_ALLOW_ORIGINS=origins) as api:
                cookie = session(api)
                for origin in (listed, other):
                    for method in ("GET", "OPTIONS"):
                        headers = {
                            "Cookie": cookie,
                            "Origin": origin,
                            "Access-Control-Request-Method": "GET",
                        }
                        answer = api.send(method, "/api/admin/stats", token=None, headers=headers)
                        with_credentials = (
                            answer.headers.get("Access-Control-Allow-Credentials") == "true"
                            and answer.headers.get("Access-Control-Allow-Origin") == origin
                        )
                        assert with_credentials == (origins == origin), (origins, origin, method)


class TestASession:
    def test_is_known_to_every_process(self, store: Store, tmp_path: Path) -> None:
        with an_api(store.url, tmp_path) as one, an_api(store.url, tmp_path) as other:
            headers = {"Cookie": session(one), **HERE}

            assert other.get("/api/admin/stats", token=None, headers=headers).status_code == 200
            other.post("/logout", b"", token=None, headers=headers)
            assert one.get("/api/admin/stats", token=None, headers=headers).status_code == 401

    def test_outlives_a_restart(self, store: Store, tmp_path: Path) -> None:
        with an_api(store.url, tmp_path) as before:
            headers = {"Cookie": session(before)}
        with an_api(store.url, tmp_path) as after:
            assert after.get("/api/admin/stats", token=None, headers=headers).status_code == 200

    def test_ends_when_its_time_is_over(self, api: Api) -> None:
        headers = {"Cookie": session(api)}

        api.clock.advance(LIFETIME.total_seconds())

        assert api.get("/api/admin/stats", token=None, headers=headers).status_code == 401

    def test_ends_when_the_token_is_rotated(self, store: Store, tmp_path: Path) -> None:
        file = AdminTokenFile(tmp_path)
        old, _ = file.ensure()
        with an_api(store.url, tmp_path, ADMIN_API_TOKEN="") as api:
            headers = {"Cookie": session(api, old)}
            assert api.get("/api/admin/stats", token=None, headers=headers).status_code == 200

            new = file.rotate()

            assert api.get("/api/admin/stats", token=None, headers=headers).status_code == 401
            assert log_in(api, old).status_code == 401
            assert log_in(api, new).status_code == 303

    def test_is_no_anonymous_caller_to_a_repeated_request(self, api: Api) -> None:
        headers = {"Cookie": session(api), **HERE, "Idempotency-Key": "k"}
        path, body = "/api/admin/clients/create", {"name": "New"}
        first = api.post(path, body, token=None, headers=headers)

        again = api.post(path, body, token=None, headers=headers)
        by_nobody = api.post(path, body, token=None, headers={"Idempotency-Key": "k"})

        assert (first.status_code, again.json()) == (200, first.json())
        assert by_nobody.status_code == 401


class TestLoggingOut:
    def test_ends_the_session_and_takes_the_cookie(self, api: Api, store: Store) -> None:
        headers = {"Cookie": session(api), **HERE}

        answer = api.post("/logout", b"", token=None, headers=headers)

        assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
        assert SimpleCookie(answer.headers["Set-Cookie"])[NAME]["max-age"] == "0"
        assert api.get("/api/admin/stats", token=None, headers=headers).status_code == 401
        actions = [entry["action"] for entry in store.rows("audit_logs")]
        assert sorted(actions) == ["logged_in", "logged_out"]

    def test_leads_a_person_whose_session_is_over_to_the_login_page(self, api: Api) -> None:
        headers = {"Cookie": f"{NAME}=over", "Accept": "text/html,*/*", **HERE}

        answer = api.post("/logout", b"", token=None, headers=headers)

        assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


class TestAnOpenServer:
    @pytest.fixture
    def api(self, store: Store, tmp_path: Path) -> Iterator[Api]:
        store.empty()
        with an_api(store.url, tmp_path, ADMIN_AUTH="open") as api:
            yield api

    def test_takes_a_session_that_is_over_for_none(self, api: Api) -> None:
        headers = {"Cookie": f"{NAME}=over"}

        answer = api.post("/api/admin/clients/create", {"name": "New"}, token=None, headers=headers)

        assert answer.status_code == 200

    def test_knows_who_has_logged_in(self, api: Api, store: Store) -> None:
        headers = {"Cookie": session(api), **HERE}

        api.post("/api/admin/clients/create", {"name": "New"}, token=None, headers=headers)

        entries = {entry["action"]: entry["actor_type"] for entry in store.rows("audit_logs")}
        assert entries["client_created"] == "operator"


def test_nobody_logs_in_off_the_record(tmp_path: Path) -> None:
    with an_api("mysql+pymysql://root@127.0.0.1:1/away", tmp_path) as api:
        answer = log_in(api)

    assert (answer.status_code, "Set-Cookie" in answer.headers) == (503, False)
    assert "at the moment" in answer.text


class _Away(InMemoryCache):
    """A cache that cannot be reached."""

    def get(self, key: str) -> bytes | None:
        raise StoreUnavailable("away")

    def add(self, *_: object) -> bool:
        raise StoreUnavailable("away")


class TestWithoutAStoreForSessions:
    @pytest.fixture
    def api(self, store: Store, tmp_path: Path) -> Iterator[Api]:
        store.empty()
        with an_api(store.url, tmp_path, cache=_Away(FixedClock())) as api:
            yield api

    def test_nobody_logs_in(self, api: Api) -> None:
        answer = log_in(api)

        assert answer.status_code == 503
        assert "at the moment" in answer.text

    def test_a_cookie_is_not_taken_for_a_wrong_one(self, api: Api) -> None:
        headers = {"Cookie": f"{NAME}=x"}

        answer = api.get("/api/admin/stats", token=None, headers=headers)

        assert (answer.status_code, answer.json()) == (503, {"error": "Session store unavailable"})
        assert api.get("/login", token=None, headers=headers).status_code == 503

    def test_tokens_go_on_working(self, api: Api) -> None:
        assert api.get("/api/admin/stats", token=OPERATOR_TOKEN).status_code == 200


def test_no_token_and_no_secret_is_in_a_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    cookie = session(api)
    log_in(api, "my-guess")
    api.get("/api/admin/stats", token=None, headers={"Cookie": cookie})
    api.post("/logout", b"", token=None, headers={"Cookie": cookie, **HERE})

    assert "wrong token from testclient" in caplog.text
    for secret in (OPERATOR_TOKEN, "my-guess", cookie.partition("=")[2]):
        assert secret not in caplog.text
