"""A server that remembers lists tells at once what has been added to them, by whomever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application_under_test import OWNER, Api, Store, a_shared_store, an_api

HISTORY = f"/api/client/{OWNER}/switch-history"


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_shared_store(request) as store:
        yield store


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path) as api:
        yield api


def switch(identity: str, agent_id: str, at: str) -> dict[str, object]:
    return {"id": identity, "client_id": OWNER, "agent_id": agent_id, "initiated_at": at}


def shown(api: Api, path: str = HISTORY) -> list[str]:
    answer = api.send("GET", path, b"")
    assert answer.status_code == 200
    return [line["id"] for line in answer.json()]


def test_another_switch_shows_in_every_list_of_them(api: Api, store: Store) -> None:
    agent = api.register()
    store.add({"switches": [switch("old", agent, api.ago(days=2))]})
    paths = (HISTORY, f"{HISTORY}?limit=1", f"{HISTORY}?instance_id=i-1")
    assert [shown(api, path) for path in paths] == [["old"], ["old"], []]
    assert [shown(api, path) for path in paths] == [["old"], ["old"], []]

    store.add({"switches": [{**switch("new", agent, api.ago(days=1)), "new_instance_id": "i-1"}]})

    assert [shown(api, path) for path in paths] == [["new", "old"], ["new"], ["new"]]


def test_what_was_added_long_after_it_happened_shows_too(api: Api, store: Store) -> None:
    agent = api.register()
    store.add({"switches": [switch("known", agent, api.ago(days=1))]})
    assert shown(api) == ["known"]

    store.add(
        {"switches": [{**switch("late", agent, api.ago(days=9)), "timestamp": api.ago(days=8)}]}
    )

    assert shown(api) == ["known", "late"]
