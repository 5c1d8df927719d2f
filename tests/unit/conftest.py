"""Where things are kept: in memory, in SQLite and in MariaDB.

`store` runs a test in all three, `database` in the two that are databases.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from tests.object_store import an_object_store
from tests.services import a_mariadb_database
from tests.stores import InMemoryStore, SqlStore, Store, does_not_wait_for_the_disk


@pytest.fixture(scope="session")
def sqlite_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield from _created(f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.sqlite3'}")


@pytest.fixture(scope="session")
def mariadb_engine() -> Iterator[Engine]:
    with a_mariadb_database() as url:
        yield from _created(url)


@pytest.fixture(scope="session")
def object_store() -> Iterator[None]:
    with an_object_store():
        yield


@pytest.fixture
def sqlite(sqlite_engine: Engine) -> SqlStore:
    return _empty(sqlite_engine)


@pytest.fixture
def mariadb(mariadb_engine: Engine) -> SqlStore:
    return _empty(mariadb_engine)


@pytest.fixture(params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest) -> SqlStore:
    return _empty(request.getfixturevalue(f"{request.param}_engine"))


@pytest.fixture(params=["memory", "sqlite", "mariadb"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return InMemoryStore()
    return _empty(request.getfixturevalue(f"{request.param}_engine"))


def _created(url: str) -> Iterator[Engine]:
    engine = make_engine(url, 4)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", does_not_wait_for_the_disk)
    create_schema(engine)
    yield engine
    engine.dispose()


def _empty(engine: Engine) -> SqlStore:
    store = SqlStore(engine)
    store.clear()
    return store
