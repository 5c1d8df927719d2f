"""Another process holds the SQLite file: clear answers meanwhile, and all is well afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, make_url

from tests.application_under_test import (
    OPERATOR_TOKEN,
    Api,
    Store,
    a_registration,
    a_store_in,
    an_api,
)

UNAVAILABLE = {"error": "Database unavailable"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with a_store_in(tmp_path_factory.mktemp("locked")) as store:
        yield store


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[Api]:
    """An application that soon loses patience."""
    store.empty()
    with an_api(store.url, tmp_path) as api:
        event.listen(api.container.engine(), "connect", impatient)
        api.container.engine().dispose()  # the connections of the start are patient
        yield api


def impatient(connection: Any, _: object) -> None:
    connection.execute("PRAGMA busy_timeout=20")


@contextmanager
def held(store: Store) -> Iterator[None]:
    """Somebody else writes, and takes his time."""
    path = make_url(store.url).database
    with closing(sqlite3.connect(str(path), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_what_would_write_is_refused(api: Api, store: Store) -> None:
    agent_id = api.register()
    before = store.contents()
    posts = {
        "/api/agents/register": a_registration(hostname="other"),
        f"/api/agents/{agent_id}/heartbeat": {"status": "offline"},
        f"/api/agents/{agent_id}/cleanup-report": {},
        f"/api/agents/{agent_id}/pricing-report": {},
        f"/api/agents/{agent_id}/switch-report": {"new_instance": {"instance_id": "i-2"}},
        f"/api/agents/{agent_id}/issue-switch-command": {"target_mode": "ondemand"},
    }

    with held(store):
        for path, body in posts.items():
            answer = api.post(path, body)
            assert (answer.status_code, answer.json()) == (500, UNAVAILABLE), path
        created = api.post("/api/admin/clients/create", {"name": "x"}, token=OPERATOR_TOKEN)
        assert (created.status_code, created.json()) == (500, UNAVAILABLE)

    assert store.contents() == before


def test_what_only_reads_is_answered(api: Api, store: Store) -> None:
    agent_id = api.register()

    with held(store):
        for path in ("/health", "/livez", "/readyz", f"/api/agents/{agent_id}/config"):
            assert api.get(path).status_code == 200, path
        assert api.get("/api/admin/stats", token=OPERATOR_TOKEN).status_code == 200


def test_afterwards_everything_works_again(api: Api, store: Store) -> None:
    agent_id = api.register()
    with held(store):
        api.post(f"/api/agents/{agent_id}/heartbeat", {"status": "offline"})

    answer = api.post(f"/api/agents/{agent_id}/heartbeat", {"status": "offline"})

    assert answer.status_code == 200
    assert store.row("agents")["status"] == "offline"


def test_a_database_without_its_tables_is_not_ready(store: Store, tmp_path: Path) -> None:
    with an_api(f"sqlite:///{tmp_path / 'empty.sqlite3'}", tmp_path) as api:
        ready = api.get("/readyz", token=None)
        asked = api.get("/api/admin/stats", token=OPERATOR_TOKEN)

    assert (ready.status_code, ready.json()) == (503, {"status": "database schema incomplete"})
    assert asked.status_code == 500
    assert set(asked.json()) == {"error"}
    assert "no such table" not in asked.text
