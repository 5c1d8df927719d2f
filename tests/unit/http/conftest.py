"""The whole application over a database that each test finds empty, on SQLite and on MariaDB."""

from collections.abc import Iterator

import pytest

from tests.application_under_test import Api, Store, a_shared_store, an_api


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_shared_store(request) as store:
        yield store


@pytest.fixture(scope="module")
def running(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    # Every test empties the database beneath it.
    data = tmp_path_factory.mktemp("data")
    with an_api(store.url, data, ROWS_CHANGE_BENEATH="true") as api:
        yield api


@pytest.fixture
def api(store: Store, running: Api) -> Api:
    store.empty()
    return running
