"""What a failing database means to the application."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event

from spot_optimizer.adapters.persistence.admin_queries import SqlAdminQueries, SqlHealthProbe
from spot_optimizer.adapters.persistence.agent_queries import SqlAgentQueries
from spot_optimizer.adapters.persistence.credentials import SqlCredentials
from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from spot_optimizer.adapters.persistence.unit_of_work import SqlUnitOfWork
from spot_optimizer.application.agents.record_heartbeats import (
    ReceivedHeartbeat,
    RecordHeartbeats,
)
from spot_optimizer.application.ports.unit_of_work import (
    AlwaysLost,
    StoreUnavailable,
    TransactionLost,
)
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.identifiers import ClientId, SwitchId
from tests.builders import (
    ACME,
    AGENT,
    FROM_ACME,
    NOON,
    TODAY,
    a_client,
    a_heartbeat,
    a_switch,
    an_agent,
)
from tests.fakes import FixedClock
from tests.stores import SqlStore


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "locked.sqlite3"


@pytest.fixture
def impatient(file: Path) -> Iterator[SqlStore]:
    """A database that waits a millisecond for its file, with an agent in it."""
    engine = make_engine(f"sqlite:///{file}", 2)

    @event.listens_for(engine, "connect")
    def wait_for_nobody(connection: sqlite3.Connection, _entry: object) -> None:
        connection.execute("PRAGMA busy_timeout=1")

    create_schema(engine)
    store = SqlStore(engine)
    store.put(a_client(), an_agent())
    yield store
    engine.dispose()


@pytest.fixture
def held(file: Path, impatient: SqlStore) -> Iterator[sqlite3.Connection]:
    """Somebody else who writes and does not finish."""
    with closing(sqlite3.connect(file, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        yield somebody


@pytest.fixture
def unreachable() -> Iterator[Engine]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    engine = make_engine(f"mysql://nobody@127.0.0.1:{port}/nothing", 1)
    yield engine
    engine.dispose()


class TestLockedFile:
    def test_it_makes_the_store_unavailable_to_writers(
        self, impatient: SqlStore, held: sqlite3.Connection
    ) -> None:
        record = RecordHeartbeats(impatient.work, FixedClock(), TODAY)
        heartbeat = ReceivedHeartbeat(AGENT, a_heartbeat(), FROM_ACME)

        with pytest.raises(StoreUnavailable):
            record([heartbeat])

        held.execute("ROLLBACK")
        assert record([heartbeat]) == [None]

    def test_readers_are_not_kept_out(self, impatient: SqlStore, held: sqlite3.Connection) -> None:
        assert impatient.credentials.owners_of([a_client().token]) != [None]
        assert SqlAdminQueries(impatient.engine).totals().accounts == 1


class TestUnreachableDatabase:
    def test_nothing_can_be_written(self, unreachable: Engine) -> None:
        with pytest.raises(StoreUnavailable), SqlUnitOfWork(unreachable):
            pass

    def test_nothing_can_be_read(self, unreachable: Engine) -> None:
        with pytest.raises(StoreUnavailable):
            SqlCredentials(unreachable).owners_of(["token"])
        with pytest.raises(StoreUnavailable):
            SqlAdminQueries(unreachable).totals()
        with pytest.raises(StoreUnavailable):
            SqlAgentQueries(unreachable).configurations([])

    def test_it_is_not_well(self, unreachable: Engine) -> None:
        probe = SqlHealthProbe(unreachable)

        assert not probe.database_answers()
        with pytest.raises(StoreUnavailable):
            probe.schema_is_complete()


def test_more_callers_than_connections_find_the_store_unavailable(file: Path) -> None:
    engine = create_engine(f"sqlite:///{file}", pool_size=1, max_overflow=0, pool_timeout=0.01)
    with SqlUnitOfWork(engine), pytest.raises(StoreUnavailable), SqlUnitOfWork(engine):
        pass
    engine.dispose()


def test_a_row_that_came_meanwhile_loses_the_transaction_and_nothing_is_kept(
    database: SqlStore,
) -> None:
    database.put(a_client())

    with pytest.raises(TransactionLost):
        database.put(a_client(id=ClientId("c2"), email="new", token="new"), a_client())

    assert len(SqlAdminQueries(database.engine).clients()) == 1


def test_a_row_that_went_meanwhile_loses_the_transaction(database: SqlStore) -> None:
    def record_a_switch() -> None:
        with database.work() as work:
            work.switches.add(a_switch(id=SwitchId("s")))
            work.commit()

    database.put(a_client())

    with pytest.raises(TransactionLost):
        record_a_switch()


class TestBrokenConnection:
    """Killed on the server, as a restart of it would."""

    @staticmethod
    def kill_all(store: SqlStore) -> None:
        others = (
            "SELECT id FROM information_schema.processlist "
            "WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )
        killer = create_engine(store.engine.url)
        with killer.connect() as connection:
            for (number,) in connection.exec_driver_sql(others).all():
                connection.exec_driver_sql(f"KILL {number}")
        killer.dispose()

    def test_before_the_commit_the_work_is_done_again(self, mariadb: SqlStore) -> None:
        mariadb.put(a_client(), an_agent())
        attempts: list[int] = []

        @repeated_when_lost
        def credit() -> None:
            with mariadb.work() as work:
                work.agents.get_for_update(AGENT, ACME)
                attempts.append(len(attempts))
                if len(attempts) == 1:
                    self.kill_all(mariadb)
                work.agents.heard([AGENT], NOON)
                work.commit()

        credit()

        assert attempts == [0, 1]
        with mariadb.work() as work:
            assert work.agents.get(AGENT, ACME).last_heartbeat_at == NOON

    def test_at_the_commit_nobody_knows(self, mariadb: SqlStore) -> None:
        mariadb.put(a_client(), an_agent())
        attempts: list[int] = []

        @repeated_when_lost
        def hear() -> None:
            attempts.append(len(attempts))
            with mariadb.work() as work:
                work.agents.heard([AGENT], NOON)
                self.kill_all(mariadb)
                work.commit()

        with pytest.raises(StoreUnavailable) as failure:
            hear()

        assert attempts == [0]
        assert not isinstance(failure.value, AlwaysLost)

    def test_while_nothing_was_asked_it_goes_unnoticed(self, mariadb: SqlStore) -> None:
        mariadb.put(a_client(), an_agent())
        self.kill_all(mariadb)

        assert SqlAdminQueries(mariadb.engine).totals().accounts == 1
        assert SqlHealthProbe(mariadb.engine).database_answers()
