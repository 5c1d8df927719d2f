"""A server that remembers tokens refuses at once those that it has replaced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application_under_test import OPERATOR_TOKEN, OWNER, Api, Store, a_shared_store, an_api

REFUSED = {"error": "Invalid client token"}


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_shared_store(request) as store:
        yield store


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[Api]:
    store.empty()
    with an_api(store.url, tmp_path) as api:
        yield api


def test_agents_that_were_just_let_in_are_refused_with_the_former_token(api: Api) -> None:
    config = f"/api/agents/{api.register()}/config"
    assert api.get(config).status_code == 200

    path = f"/api/admin/clients/{OWNER}/regenerate-token"
    token = api.post(path, token=OPERATOR_TOKEN).json()["token"]

    assert api.get(config).json() == REFUSED
    assert api.get(config, token=token).status_code == 200


def test_agents_of_a_client_that_is_let_go_are_refused(api: Api) -> None:
    config = f"/api/agents/{api.register()}/config"
    assert api.get(config).status_code == 200

    answer = api.send("DELETE", f"/api/admin/clients/{OWNER}", token=OPERATOR_TOKEN)

    assert answer.status_code == 200
    assert api.get(config).json() == REFUSED
