"""One at a time among all processes, on both databases."""

import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import text

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.exclusion import DatabaseExclusion
from spot_optimizer.application.ports.exclusion import Busy
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from tests.stores import SqlStore

PATIENCE_S = 20

HOLDER = """
import sys
from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.exclusion import DatabaseExclusion
with DatabaseExclusion(make_engine(sys.argv[1], 1), "models")():
    print("held", flush=True)
    sys.stdin.read()
"""


def exclusion(database: SqlStore, name: str = "models") -> DatabaseExclusion:
    return DatabaseExclusion(database.engine, name, patience_s=0)


def test_the_second_is_refused_while_the_first_is_inside(database: SqlStore) -> None:
    with exclusion(database)():
        with pytest.raises(Busy):
            exclusion(database)().__enter__()
        with exclusion(database, "something else")():
            pass

    with exclusion(database)():
        pass


def test_it_ends_with_a_failure(database: SqlStore) -> None:
    with pytest.raises(ZeroDivisionError), exclusion(database)():
        raise ZeroDivisionError

    with exclusion(database)():
        pass


def test_the_second_comes_in_when_the_first_has_left(database: SqlStore) -> None:
    came_in = Event()
    patient = DatabaseExclusion(database.engine, "models", PATIENCE_S)

    def come() -> None:
        with patient():
            came_in.set()

    with exclusion(database)():
        second = Thread(target=come)
        second.start()
        assert not came_in.is_set()
    second.join(PATIENCE_S)

    assert came_in.is_set()


def test_it_is_held_against_other_processes_and_ends_with_theirs(database: SqlStore) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    other = subprocess.Popen(  # noqa: S603  our own code
        [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"

        with pytest.raises(Busy):
            exclusion(database)().__enter__()

        other.kill()
    with DatabaseExclusion(database.engine, "models", PATIENCE_S)():
        pass


def test_without_the_database_nobody_comes_in(tmp_path: Path) -> None:
    for url in (
        f"sqlite:///{tmp_path / 'x.sqlite3'}",
        "mysql+pymysql://nobody@127.0.0.1:1/nothing",
    ):
        engine = make_engine(url, 1)
        if engine.dialect.name == "sqlite":
            (tmp_path / "x.sqlite3.models.lock").mkdir()
        nobody = DatabaseExclusion(engine, "models", 0)
        with pytest.raises(StoreUnavailable):
            nobody().__enter__()
        engine.dispose()


def test_a_connection_that_breaks_inside_breaks_nothing_else(mariadb: SqlStore) -> None:
    engine = make_engine(mariadb.engine.url.render_as_string(hide_password=False), 1)
    with exclusion(mariadb)(), mariadb.engine.connect() as connection:
        ids = connection.execute(
            text("SELECT id FROM information_schema.processlist WHERE db = DATABASE()")
        ).scalars()
        own = connection.execute(text("SELECT CONNECTION_ID()")).scalar_one()
        holders = [one for one in ids if one != own]
        connection.rollback()
        assert holders
        for holder in holders:
            connection.execute(text(f"KILL {holder}"))
        connection.rollback()

    free_again = DatabaseExclusion(engine, "models", PATIENCE_S)
    with free_again(), pytest.raises(Busy), exclusion(mariadb)():
        pytest.fail("two held it at a time")
    with exclusion(mariadb)(), mariadb.engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()
