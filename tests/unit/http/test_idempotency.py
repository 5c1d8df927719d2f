"""A POST repeated under the same key gets the same answer (ruling R8)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from spot_optimizer.adapters.persistence.file_cache import FileCache
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER_TOKEN,
    STRANGER_TOKEN,
    Answer,
    Api,
    GatedClock,
    Json,
    Store,
    a_registration,
    a_store_in,
    an_api,
    at_once,
)
from tests.contract.clock import ReplayClock

CREATE = "/api/admin/clients/create"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with a_store_in(tmp_path_factory.mktemp("idempotency")) as store:
        yield store


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path) as api:
        yield api


def keyed(
    api: Api, key: str, body: Json, path: str = CREATE, token: str = OPERATOR_TOKEN
) -> Answer:
    return api.post(path, body, token=token, headers={"Idempotency-Key": key})


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(
    api: Api, store: Store
) -> None:
    first = keyed(api, "k", {"name": "Acme"})
    before = store.contents()

    again = keyed(api, "k", {"name": "Acme"})

    assert first.status_code == 200
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert store.contents() == before


def test_a_refusal_is_repeated_too(api: Api, store: Store) -> None:
    first = keyed(api, "k", {"name": ""})

    again = keyed(api, "k", {"name": ""})

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert first.status_code == 400


def test_the_same_key_with_another_body_is_refused(api: Api, store: Store) -> None:
    keyed(api, "k", {"name": "Acme"})
    before = store.contents()

    answer = keyed(api, "k", {"name": "Other"})

    assert (answer.status_code, answer.json()) == (
        422,
        {"error": "Idempotency-Key was used with another body"},
    )
    assert store.contents() == before


def test_another_key_is_another_request(api: Api) -> None:
    assert keyed(api, "a", {"name": "Acme"}).status_code == 200
    assert keyed(api, "b", {"name": "Acme"}).status_code == 409
    assert keyed(api, "A", {"name": "Other"}).status_code == 200


def test_a_key_is_one_callers_own(api: Api, store: Store) -> None:
    path = "/api/agents/register"
    mine = keyed(api, "k", a_registration(), path, OWNER_TOKEN)
    theirs = keyed(api, "k", a_registration(), path, STRANGER_TOKEN)

    assert mine.json()["client_id"] == "client-owner"
    assert theirs.json()["client_id"] == "client-stranger"
    assert len(store.rows("agents")) == 2


def test_a_caller_is_known_by_a_token_in_the_body_too(api: Api, store: Store) -> None:
    path = f"/api/agents/{api.register()}/cleanup-report"
    key = {"Idempotency-Key": "k"}
    mine = api.post(path, {"client_token": OWNER_TOKEN}, token=None, headers=key)
    theirs = api.post(path, {"client_token": STRANGER_TOKEN}, token=None, headers=key)

    assert (mine.status_code, theirs.status_code) == (200, 404)
    assert len(store.rows("cleanup_logs")) == 1


def test_a_token_that_opens_nothing_any_more_gets_no_kept_answer(api: Api, store: Store) -> None:
    path = f"/api/agents/{api.register()}/cleanup-report"
    assert keyed(api, "k", {}, path, OWNER_TOKEN).status_code == 200

    with store.writing() as connection:
        connection.execute(
            text("UPDATE clients SET client_token = 'rotated' WHERE id = :id"),
            {"id": "client-owner"},
        )

    assert keyed(api, "k", {}, path, OWNER_TOKEN).status_code == 401
    assert keyed(api, "k", {}, path, "rotated").status_code == 200
    assert len(store.rows("cleanup_logs")) == 1


def test_a_key_belongs_to_one_route(api: Api) -> None:
    agent_id = api.register()
    heard = keyed(api, "k", {}, f"/api/agents/{agent_id}/heartbeat", OWNER_TOKEN)
    cleaned = keyed(api, "k", {}, f"/api/agents/{agent_id}/cleanup-report", OWNER_TOKEN)

    assert heard.json() == {"success": True}
    assert cleaned.json()["message"] == "Cleanup report recorded"


def test_a_request_without_a_key_is_made_every_time(api: Api, store: Store) -> None:
    path = f"/api/agents/{api.register()}/cleanup-report"
    for _ in range(2):
        api.post(path, {})
        api.post(path, {}, headers={"Idempotency-Key": ""})

    assert len(store.rows("cleanup_logs")) == 4


def test_a_key_says_nothing_on_a_get(api: Api) -> None:
    path = f"/api/agents/{api.register()}/config"
    headers = {"Idempotency-Key": "k"}

    assert api.get(path, headers=headers).status_code == 200
    assert api.get(path, headers=headers, token=None).status_code == 401


@pytest.mark.parametrize(("length", "status"), [(255, 200), (256, 400), (5000, 400)])
def test_a_key_has_at_most_255_characters(api: Api, store: Store, length: int, status: int) -> None:
    before = store.contents()

    answer = keyed(api, "k" * length, {"name": "Acme"})

    assert answer.status_code == status
    if status == 400:
        assert answer.json() == {"error": "Idempotency-Key is too long"}
        assert store.contents() == before


def test_an_answer_is_kept_for_a_day(api: Api) -> None:
    keyed(api, "k", {"name": "Acme"})

    api.clock.advance(24 * 3600 - 1)
    assert keyed(api, "k", {"name": "Acme"}).status_code == 200
    api.clock.advance(2)
    assert keyed(api, "k", {"name": "Acme"}).status_code == 409


def test_an_answer_is_known_after_a_restart(store: Store, tmp_path: Path) -> None:
    store.empty()
    answers = []
    for _ in range(2):
        with an_api(store.url, tmp_path) as api:
            answers.append(keyed(api, "k", {"name": "Acme"}).json())

    assert answers[0] == answers[1]


def test_a_failure_of_ours_is_not_kept(api: Api, store: Store) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE clients RENAME TO elsewhere")
    failed = keyed(api, "k", {"name": "Acme"})
    with store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO clients")

    assert failed.status_code == 500
    assert keyed(api, "k", {"name": "Acme"}).status_code == 200


def test_a_request_that_is_being_answered_is_not_made_twice(store: Store, tmp_path: Path) -> None:
    store.empty()
    clock = GatedClock()
    cache = FileCache(tmp_path / "cache", ReplayClock())
    with an_api(store.url, tmp_path, clock, cache) as api, ThreadPoolExecutor(1) as thread:
        clock.shut()
        first = thread.submit(keyed, api, "k", {"name": "Acme"})
        clock.wait_for_somebody()

        meanwhile = keyed(api, "k", {"name": "Acme"})
        otherwise = keyed(api, "k", {"name": "Other"})
        clock.open()

        assert (meanwhile.status_code, meanwhile.json()) == (
            409,
            {"error": "A request with this key is being answered"},
        )
        assert otherwise.status_code == 422
        assert first.result().status_code == 200
        assert keyed(api, "k", {"name": "Acme"}).json() == first.result().json()


def test_of_many_at_once_one_is_made(api: Api, store: Store) -> None:
    path = f"/api/agents/{api.register()}/cleanup-report"

    answers = at_once(*[lambda: keyed(api, "k", {}, path, OWNER_TOKEN)] * 12)

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len(store.rows("cleanup_logs")) == 1
    assert 200 in {answer.status_code for answer in answers}


class ForgetfulCache:
    """A cache whose place is gone, from some moment on."""

    def __init__(self, *, takes_requests: bool) -> None:
        self.takes_requests = takes_requests

    def get(self, key: str) -> bytes | None:
        raise StoreUnavailable

    def put(self, key: str, value: bytes, lifetime: timedelta) -> None:
        raise StoreUnavailable

    def add(self, key: str, value: bytes, lifetime: timedelta) -> bool:
        if self.takes_requests:
            return True
        raise StoreUnavailable

    def drop(self, key: str) -> None:
        raise StoreUnavailable


def test_without_a_place_to_remember_only_requests_with_a_key_are_refused(
    store: Store, tmp_path: Path
) -> None:
    store.empty()
    with an_api(store.url, tmp_path, cache=ForgetfulCache(takes_requests=False)) as api:
        before = store.contents()
        refused = keyed(api, "k", {"name": "Acme"})
        assert store.contents() == before
        assert api.post(CREATE, {"name": "Acme"}, token=OPERATOR_TOKEN).status_code == 200

    assert (refused.status_code, refused.json()) == (
        503,
        {"error": "Idempotency store unavailable"},
    )


@pytest.mark.parametrize(("body", "status"), [({"name": "Acme"}, 200), ({"name": ""}, 400)])
def test_an_answer_that_cannot_be_kept_is_given_nevertheless(
    store: Store, tmp_path: Path, body: Json, status: int
) -> None:
    store.empty()
    with an_api(store.url, tmp_path, cache=ForgetfulCache(takes_requests=True)) as api:
        answer = keyed(api, "k", body)

    assert answer.status_code == status
    assert "error" in answer.json() or answer.json()["success"]


@pytest.mark.parametrize("key", ["schlüssel", "😀", "a b", "../../x", "'; DROP TABLE entries"])
def test_a_key_is_any_text(api: Api, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode(), b"Authorization": OPERATOR_TOKEN.encode()}
    first, again = (api.http.post(CREATE, json={"name": "Acme"}, headers=headers) for _ in range(2))

    assert first.status_code == 200
    assert again.content == first.content
