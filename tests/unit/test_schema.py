import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pymysql
import pytest
from sqlalchemy import Connection, Engine, Row, Table, func, insert, inspect, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from spot_optimizer.adapters.persistence.engine import UnsupportedDatabase, make_engine
from spot_optimizer.adapters.persistence.schema import (
    SchemaNotCreated,
    check_schema,
    create_schema,
    missing_tables,
)
from spot_optimizer.adapters.persistence.schema.widths import is_narrower
from spot_optimizer.adapters.persistence.tables import (
    agent_configs,
    agents,
    audit_logs,
    clients,
    cost_records,
    metadata,
    pool_risk_analysis,
    pricing_reports,
    replica_instances,
    savings_snapshots,
    spot_pools,
    spot_price_snapshots,
    switches,
    termination_events,
)
from tests.services import a_mariadb_database

FACTS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "schema.json").read_text(encoding="utf-8")
)["tables"]
TABLES = sorted(name for name, facts in FACTS.items() if facts["kind"] == "table")
VIEWS = sorted(name for name, facts in FACTS.items() if facts["kind"] == "view")
PROCEDURES = {
    "calculate_agent_savings",
    "calculate_client_savings",
    "check_switch_limits",
    "cleanup_old_data",
    "compute_monthly_savings",
    "get_cheapest_pool",
    "get_pending_commands",
    "mark_command_executed",
    "register_agent",
    "sp_calculate_daily_savings",
    "sp_cleanup_old_metrics",
    "update_client_total_savings",
    "update_spot_pool_prices",
}
EVENTS = {
    "evt_calculate_daily_savings",
    "evt_cleanup_old_metrics",
    "evt_compute_monthly_savings",
    "evt_daily_cleanup",
    "evt_mark_stale_agents",
    "evt_update_total_savings",
}
TRIGGERS = {"before_spot_pools_insert", "before_spot_pools_update"}
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Engine]:
    """A complete database; tests that use it leave it as it was."""
    with a_mariadb_database() as url:
        engine = make_engine(url, 2)
        create_schema(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def empty_mariadb() -> Iterator[Engine]:
    with a_mariadb_database() as url:
        engine = make_engine(url, 2)
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", "mariadb"])
def empty(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "mariadb":
        yield request.getfixturevalue("empty_mariadb")
        return
    engine = make_engine("sqlite://", 1)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A connection to a complete database; what is written is rolled back."""
    if request.param == "mariadb":
        with request.getfixturevalue("mariadb").connect() as connection:
            yield connection
        return
    engine = make_engine("sqlite://", 1)
    create_schema(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _columns(engine: Engine, table: str) -> list[dict[str, Any]]:
    query = text(
        "SELECT column_name, column_type, is_nullable, column_default, extra"
        " FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = :table ORDER BY ordinal_position"
    )
    with engine.connect() as connection:
        return [
            {"name": name, "type": kind, "nullable": nullable == "YES", "default": default}
            | ({"extra": extra} if extra else {})
            for name, kind, nullable, default, extra in connection.execute(query, {"table": table})
        ]


def _indexes(engine: Engine, table: str) -> list[dict[str, Any]]:
    query = text(
        "SELECT index_name, non_unique, column_name FROM information_schema.statistics"
        " WHERE table_schema = DATABASE() AND table_name = :table"
        " ORDER BY index_name, seq_in_index"
    )
    found: dict[str, dict[str, Any]] = {}
    with engine.connect() as connection:
        for name, repeats, column in connection.execute(query, {"table": table}):
            index = found.setdefault(name, {"name": name, "unique": not repeats, "columns": []})
            index["columns"].append(column)
    return _by_name(found.values())


def _foreign_keys(engine: Engine, table: str) -> list[dict[str, Any]]:
    query = text(
        "SELECT k.constraint_name, k.column_name, k.referenced_table_name,"
        " k.referenced_column_name, r.delete_rule"
        " FROM information_schema.key_column_usage AS k"
        " JOIN information_schema.referential_constraints AS r"
        " ON r.constraint_schema = k.constraint_schema AND r.table_name = k.table_name"
        " AND r.constraint_name = k.constraint_name"
        " WHERE k.table_schema = DATABASE() AND k.table_name = :table"
    )
    with engine.connect() as connection:
        return _by_name(
            {"name": name, "column": column, "references": f"{to}.{key}", "on_delete": on_delete}
            for name, column, to, key, on_delete in connection.execute(query, {"table": table})
        )


def _by_name(facts: Any) -> list[dict[str, Any]]:
    return sorted(facts, key=lambda fact: str(fact["name"]))


def _definition(engine: Engine, table: str) -> Any:
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            query = text("SELECT sql FROM sqlite_master WHERE name = :table")
            return connection.scalar(query, {"table": table})
        return connection.execute(text(f"SHOW CREATE TABLE {table}")).one()[1]


class TestTheSchemaOnMariaDb:
    def test_has_the_tables_and_views_of_the_contract(self, mariadb: Engine) -> None:
        names = inspect(mariadb)

        assert sorted(names.get_table_names()) == TABLES
        assert sorted(names.get_view_names()) == VIEWS

    @pytest.mark.parametrize("name", TABLES)
    def test_has_the_columns_and_keys_of_the_contract(self, mariadb: Engine, name: str) -> None:
        facts = FACTS[name]

        assert _columns(mariadb, name) == facts["columns"]
        assert _indexes(mariadb, name) == _by_name(facts.get("indexes", []))
        assert _foreign_keys(mariadb, name) == _by_name(facts.get("foreign_keys", []))

    @pytest.mark.parametrize("name", VIEWS)
    def test_has_the_view_columns_of_the_contract(self, mariadb: Engine, name: str) -> None:
        assert _columns(mariadb, name) == FACTS[name]["columns"]

    def test_stores_every_table_the_same_way(self, mariadb: Engine) -> None:
        query = text(
            "SELECT DISTINCT engine, table_collation FROM information_schema.tables"
            " WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
        )
        with mariadb.connect() as connection:
            assert connection.execute(query).all() == [("InnoDB", "utf8mb4_unicode_ci")]

    def test_sorts_the_newest_first_where_the_contract_says_so(self, mariadb: Engine) -> None:
        query = text(
            "SELECT collation FROM information_schema.statistics WHERE table_schema = DATABASE()"
            " AND index_name = 'idx_switches_client_time' ORDER BY seq_in_index"
        )
        with mariadb.connect() as connection:
            assert connection.scalars(query).all() == ["A", "D"]

    def test_has_the_procedures_events_and_triggers(self, mariadb: Engine) -> None:
        queries = {
            "SELECT routine_name FROM information_schema.routines"
            " WHERE routine_schema = DATABASE()": PROCEDURES,
            "SELECT event_name FROM information_schema.events"
            " WHERE event_schema = DATABASE()": EVENTS,
            "SELECT trigger_name FROM information_schema.triggers"
            " WHERE trigger_schema = DATABASE()": TRIGGERS,
        }
        with mariadb.connect() as connection:
            for query, names in queries.items():
                assert set(connection.scalars(text(query))) == names

    def test_leaves_the_event_scheduler_alone(self, empty_mariadb: Engine) -> None:
        state = text("SELECT @@global.event_scheduler")
        with empty_mariadb.connect() as connection:
            before = connection.scalar(state)
        create_schema(empty_mariadb)
        with empty_mariadb.connect() as connection:
            assert connection.scalar(state) == before


class TestCreation:
    def test_reports_what_it_made(self, empty: Engine) -> None:
        created = create_schema(empty)

        assert sorted(created.tables) == TABLES
        assert {*VIEWS, *TRIGGERS} <= set(created.routines)
        assert created.warnings == ()
        assert missing_tables(empty) == []
        assert check_schema(empty).is_usable

    def test_a_second_time_makes_nothing(self, empty: Engine) -> None:
        create_schema(empty)
        before = {name: _definition(empty, name) for name in TABLES}

        created = create_schema(empty)

        assert (created.tables, created.routines, created.warnings) == ((), (), ())
        assert {name: _definition(empty, name) for name in TABLES} == before

    def test_completes_a_half_made_database(self, empty: Engine) -> None:
        create_schema(empty)
        with empty.begin() as connection:
            connection.execute(text("DROP VIEW recent_switches"))
            connection.execute(text("DROP TRIGGER before_spot_pools_update"))
            connection.execute(text("DROP TABLE audit_logs"))
        assert missing_tables(empty) == ["audit_logs"]

        created = create_schema(empty)

        assert created.tables == ("audit_logs",)
        assert set(created.routines) == {"recent_switches", "before_spot_pools_update"}

    def test_leaves_an_existing_table_as_it_is(self, empty: Engine) -> None:
        with empty.begin() as connection:
            connection.execute(text("CREATE TABLE audit_logs (id INTEGER, note VARCHAR(7))"))
            connection.execute(text("INSERT INTO audit_logs VALUES (1, 'kept')"))
        before = _definition(empty, "audit_logs")

        created = create_schema(empty)

        assert "audit_logs" not in created.tables
        assert _definition(empty, "audit_logs") == before
        with empty.connect() as connection:
            assert connection.execute(text("SELECT * FROM audit_logs")).all() == [(1, "kept")]

    def test_goes_on_without_what_the_server_can_do_without(self, empty: Engine) -> None:
        # A view over a table without its columns cannot be made, whatever the privileges.
        with empty.begin() as connection:
            connection.execute(text("CREATE TABLE pool_risk_analysis (id INTEGER)"))
            if empty.dialect.name == "sqlite":
                connection.execute(text("CREATE TABLE v_pool_risk_current (id INTEGER)"))

        created = create_schema(empty)

        (warning,) = created.warnings
        assert warning.startswith("view v_pool_risk_current could not be created: ")
        assert set(created.routines) >= TRIGGERS

    def test_refuses_to_go_on_without_a_table(self, empty: Engine) -> None:
        with empty.begin() as connection:
            connection.execute(text("CREATE VIEW spot_pools AS SELECT 1 AS id"))

        with pytest.raises(SchemaNotCreated, match="table spot_pools could not be created"):
            create_schema(empty)

    def test_refuses_to_go_on_without_the_triggers(self, empty_mariadb: Engine) -> None:
        create_schema(empty_mariadb)
        with empty_mariadb.begin() as connection:
            for name in TRIGGERS:
                connection.execute(text(f"DROP TRIGGER {name}"))
            connection.execute(text("ALTER TABLE spot_pools DROP COLUMN pool_name"))

        with pytest.raises(SchemaNotCreated, match="trigger before_spot_pools_insert"):
            create_schema(empty_mariadb)


class TestARestrictedUser:
    """May read and write rows, may not see or make triggers."""

    @pytest.fixture
    def restricted(self, empty_mariadb: Engine) -> Iterator[Engine]:
        create_schema(empty_mariadb)
        url = make_url(str(empty_mariadb.url))
        user = f"u{str(url.database)[-20:]}"
        with empty_mariadb.begin() as connection:
            connection.execute(text(f"CREATE USER {user} IDENTIFIED BY 'secret'"))
            connection.execute(
                text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {url.database}.* TO {user}")
            )
        engine = make_engine(
            url.set(username=user, password="secret").render_as_string(hide_password=False), 1
        )
        yield engine
        engine.dispose()
        with empty_mariadb.begin() as connection:
            connection.execute(text(f"DROP USER {user}"))

    def test_finds_a_complete_database_usable(self, restricted: Engine) -> None:
        assert check_schema(restricted).is_usable

    def test_adopts_a_complete_database(self, restricted: Engine) -> None:
        created = create_schema(restricted)

        assert created.tables == ()
        assert all("could not be created" in warning for warning in created.warnings)

    def test_leaves_no_trace_of_looking(self, restricted: Engine) -> None:
        check_schema(restricted)

        with restricted.connect() as connection:
            assert connection.scalar(select(func.count()).select_from(spot_pools)) == 0


class TestCheck:
    def test_an_empty_database_lacks_everything(self, empty: Engine) -> None:
        report = check_schema(empty)

        assert sorted(report.missing_tables) == TABLES
        assert set(report.missing_triggers) == TRIGGERS
        assert not report.is_usable

    def test_a_complete_database_lacks_nothing(self, empty: Engine) -> None:
        create_schema(empty)

        report = check_schema(empty)

        assert report.is_usable
        assert (report.missing_tables, report.missing_columns, report.narrow_columns) == (
            (),
            (),
            (),
        )

    def test_finds_a_dropped_column(self, empty: Engine) -> None:
        create_schema(empty)
        with empty.begin() as connection:
            connection.execute(text("ALTER TABLE audit_logs DROP COLUMN user_agent"))

        report = check_schema(empty)

        assert report.missing_columns == ("audit_logs.user_agent",)
        assert not report.is_usable

    def test_finds_narrow_columns(self, empty_mariadb: Engine) -> None:
        create_schema(empty_mariadb)
        with empty_mariadb.begin() as connection:
            connection.execute(text("ALTER TABLE audit_logs MODIFY action VARCHAR(10)"))
            connection.execute(text("ALTER TABLE switches MODIFY savings_impact DECIMAL(6,3)"))

        report = check_schema(empty_mariadb)

        assert {(narrow.name, narrow.found, narrow.needed) for narrow in report.narrow_columns} == {
            ("audit_logs.action", "varchar(10)", "varchar(100)"),
            ("switches.savings_impact", "decimal(6,3)", "decimal(10, 6)"),
        }
        assert not report.is_usable

    def test_a_missing_view_is_worth_a_warning(self, empty: Engine) -> None:
        create_schema(empty)
        with empty.begin() as connection:
            connection.execute(text("DROP VIEW recent_switches"))

        report = check_schema(empty)

        assert report.warnings == ("view recent_switches is missing, or this user may not see it",)
        assert report.is_usable

    @pytest.mark.parametrize(("active", "warnings"), [(True, 1), (False, 0)])
    def test_warns_of_the_published_token(self, empty: Engine, active: bool, warnings: int) -> None:
        create_schema(empty)
        with empty.begin() as connection:
            demo = _a_client(client_token="demo-token-12345", is_active=active)
            connection.execute(insert(clients).values(demo))

        assert len(check_schema(empty).warnings) == warnings

    @pytest.mark.parametrize(
        ("found", "needed", "narrower"),
        [
            ("varchar(49)", "VARCHAR(50)", True),
            ("varchar(50)", "VARCHAR(50)", False),
            ("text", "VARCHAR(50)", False),
            ("tinytext", "TEXT", True),
            ("varchar(255)", "TEXT", True),
            ("longtext", "JSON", False),
            ("json", "JSON", False),
            ("text", "JSON", True),
            ("int(11)", "BIGINT", True),
            ("bigint(20)", "INTEGER", False),
            ("int", "INTEGER", False),
            ("tinyint(1)", "BOOL", False),
            ("decimal(10,6)", "DECIMAL(10, 6)", False),
            ("decimal(10,7)", "DECIMAL(10, 6)", True),
            ("decimal(9,5)", "DECIMAL(10, 6)", True),
            ("float", "DECIMAL(10, 6)", True),
            ("datetime", "TIMESTAMP", False),
            ("date", "TIMESTAMP", True),
            ("date", "DATE", False),
            ("enum('a','b','c')", "ENUM('a','b')", False),
            ("enum('a')", "ENUM('a','b')", True),
            ("varchar(20)", "ENUM('a','b')", True),
        ],
    )
    def test_widths(self, found: str, needed: str, narrower: bool) -> None:
        assert is_narrower(found, needed) is narrower


class TestPoolNames:
    def test_a_pool_without_a_name_gets_one(self, database: Connection) -> None:
        database.execute(insert(spot_pools).values(_a_pool()))

        assert _stored(database, spot_pools).pool_name == "t3.medium (us-east-1a)"

    def test_a_given_name_stays(self, database: Connection) -> None:
        database.execute(insert(spot_pools).values(_a_pool(pool_name="ours")))
        database.execute(update(spot_pools).values(is_active=False))

        assert _stored(database, spot_pools).pool_name == "ours"

    def test_a_name_taken_away_comes_back(self, database: Connection) -> None:
        database.execute(insert(spot_pools).values(_a_pool(pool_name="ours")))
        database.execute(update(spot_pools).values(pool_name=None))

        assert _stored(database, spot_pools).pool_name == "t3.medium (us-east-1a)"


class TestDefaults:
    def test_required_columns_are_enough(self, database: Connection) -> None:
        before = datetime.now(UTC) - timedelta(seconds=2)
        database.execute(insert(clients).values(_a_client()))
        database.execute(
            insert(agents).values(id="agent-1", client_id="client-1", logical_agent_id="web")
        )
        database.execute(insert(agent_configs).values(agent_id="agent-1"))

        agent = _stored(database, agents)
        assert (agent.status, agent.current_mode) == ("offline", "unknown")
        assert (agent.replica_count, agent.terminate_wait_seconds) == (0, 300)
        assert (agent.enabled, agent.replica_enabled) == (True, False)
        assert (agent.hostname, agent.metadata, agent.last_heartbeat_at) == (None, None, None)
        assert before <= agent.created_at <= datetime.now(UTC) + timedelta(seconds=2)
        limits = _stored(database, agent_configs)
        assert (limits.min_savings_percent, limits.risk_threshold) == (
            Decimal("15.00"),
            Decimal("0.30"),
        )

    def test_keys_are_made_where_none_is_given(self, database: Connection) -> None:
        statement = text("INSERT INTO clients (name, email, client_token) VALUES ('a', 'b', 'c')")
        database.execute(statement)

        key = _stored(database, clients).id
        assert [len(group) for group in key.split("-")] == [8, 4, 4, 4, 12]

    def test_numbers_count_up(self, database: Connection) -> None:
        database.execute(insert(spot_pools).values(_a_pool()))
        price = insert(spot_price_snapshots).values(pool_id="t3.medium.us-east-1a", price=1)

        first = database.execute(price).inserted_primary_key
        second = database.execute(price).inserted_primary_key

        assert first is not None
        assert second is not None
        assert second[0] > first[0]

    def test_an_enumeration_has_its_default(self, database: Connection) -> None:
        database.execute(
            insert(replica_instances).values(
                id="r", agent_id="a", instance_id="manual-r", replica_type="manual"
            )
        )

        replica = _stored(database, replica_instances)
        assert (replica.status, replica.sync_status) == ("launching", "initializing")
        assert replica.accumulated_cost == Decimal("0.0000")

    def test_an_update_renews_the_time_of_the_last_one(self, database: Connection) -> None:
        database.execute(insert(clients).values(_a_client(updated_at=NOON)))
        assert _stored(database, clients).updated_at == NOON

        database.execute(update(clients).values(name="new"))

        assert _stored(database, clients).updated_at > NOON

    def test_what_belongs_to_a_client_goes_with_it(self, database: Connection) -> None:
        database.execute(insert(clients).values(_a_client()))
        database.execute(
            insert(agents).values(id="agent-1", client_id="client-1", logical_agent_id="web")
        )
        database.execute(clients.delete())

        assert database.execute(select(agents)).all() == []

    def test_an_owner_must_exist(self, database: Connection) -> None:
        with pytest.raises(IntegrityError):
            database.execute(
                insert(agents).values(id="agent-1", client_id="nobody", logical_agent_id="web")
            )


class TestTypes:
    def test_instants_lose_their_fraction_and_come_back_in_utc(self, database: Connection) -> None:
        paris = timezone(timedelta(hours=1))
        given = datetime(2026, 3, 1, 13, 0, 0, 999_999, tzinfo=paris)
        database.execute(insert(clients).values(_a_client(last_sync_at=given)))

        found = _stored(database, clients).last_sync_at
        assert found == NOON
        assert found.tzinfo is UTC

    def test_instants_are_stored_as_the_database_writes_them_itself(
        self, database: Connection
    ) -> None:
        database.execute(insert(clients).values(_a_client(last_sync_at=NOON)))

        equal = text("SELECT COUNT(*) FROM clients WHERE last_sync_at = '2026-03-01 12:00:00'")
        assert database.scalar(equal) == 1

    def test_instants_compare(self, database: Connection) -> None:
        database.execute(insert(clients).values(_a_client(last_sync_at=NOON)))
        query = select(func.count()).select_from(clients)

        assert database.scalar(query.where(clients.c.last_sync_at <= NOON)) == 1
        assert database.scalar(query.where(clients.c.last_sync_at < NOON)) == 0

    def test_an_instant_without_zone_is_refused(self, database: Connection) -> None:
        with pytest.raises(Exception, match="without a time zone"):
            database.execute(
                insert(clients).values(_a_client(last_sync_at=datetime(2026, 3, 1)))  # noqa: DTZ001 - the point
            )

    def test_amounts_keep_their_scale(self, database: Connection) -> None:
        database.execute(insert(clients).values(_a_client(total_savings=Decimal("12.5"))))

        found = _stored(database, clients).total_savings
        assert isinstance(found, Decimal)
        assert str(found) == "12.5000"

    def test_amounts_add_up_and_compare(self, database: Connection) -> None:
        database.execute(insert(spot_pools).values(_a_pool()))
        for price in ("0.1", "0.2", "10"):
            database.execute(
                insert(spot_price_snapshots).values(
                    pool_id="t3.medium.us-east-1a", price=Decimal(price)
                )
            )
        column = spot_price_snapshots.c.price

        assert database.scalar(select(func.sum(column))) == Decimal("10.300000")
        assert database.scalar(select(func.max(column))) == Decimal("10.000000")
        assert database.scalar(select(func.count()).where(column > Decimal("0.15"))) == 2

    def test_no_document_is_null(self, database: Connection) -> None:
        database.execute(insert(clients).values(_a_client(metadata=None)))

        assert database.scalar(text("SELECT COUNT(*) FROM clients WHERE metadata IS NULL")) == 1
        assert _stored(database, clients).metadata is None

    @pytest.mark.parametrize("document", [{}, [], {"zone": "ä", "count": [1, 2.5, None]}, "x", 0])
    def test_documents_come_back(self, database: Connection, document: object) -> None:
        database.execute(insert(clients).values(_a_client(metadata=document)))

        assert _stored(database, clients).metadata == document

    @pytest.mark.parametrize("answer", [True, False, None])
    def test_booleans_come_back(self, database: Connection, answer: bool | None) -> None:
        database.execute(insert(clients).values(_a_client(is_active=answer)))

        assert _stored(database, clients).is_active is answer

    def test_days_come_back(self, database: Connection) -> None:
        database.execute(insert(clients).values(_a_client()))
        day = date(2026, 3, 1)
        database.execute(insert(savings_snapshots).values(client_id="client-1", snapshot_date=day))

        assert _stored(database, savings_snapshots).snapshot_date == day


class TestViews:
    @pytest.fixture(autouse=True)
    def _fleet(self, database: Connection) -> None:
        now = datetime.now(UTC)
        keys = {"client_id": "client-1", "agent_id": "agent-1"}
        pool = "t3.medium.us-east-1a"
        rows: list[tuple[Table, Mapping[str, object]]] = [
            (clients, _a_client(total_savings=Decimal(7))),
            (spot_pools, _a_pool()),
            (
                agents,
                {"id": "agent-1", "client_id": "client-1", "logical_agent_id": "web"}
                | {"status": "online", "current_mode": "spot", "current_pool_id": pool}
                | {"hostname": "web-1"},
            ),
            (agent_configs, {"agent_id": "agent-1"}),
            (
                pricing_reports,
                {"id": "old", "agent_id": "agent-1", "received_at": now - timedelta(hours=1)}
                | {"on_demand_price": Decimal(9), "current_spot_price": Decimal(9)},
            ),
            (
                pricing_reports,
                {"id": "new", "agent_id": "agent-1", "received_at": now}
                | {"on_demand_price": Decimal("0.3"), "current_spot_price": Decimal("0.1")},
            ),
            (spot_price_snapshots, {"pool_id": pool, "price": 2, "captured_at": NOON}),
            (
                spot_price_snapshots,
                {"pool_id": pool, "price": 1, "captured_at": NOON + timedelta(minutes=1)},
            ),
            (switches, keys | {"id": "first", "initiated_at": now - timedelta(days=31)}),
            (switches, keys | {"id": "second", "initiated_at": now, "timestamp": NOON}),
            (
                cost_records,
                keys
                | {"id": "cost", "period_start": now, "period_end": now}
                | {"savings": 1, "actual_cost": 2, "ondemand_cost": 3},
            ),
            (
                savings_snapshots,
                {"client_id": "client-1", "snapshot_date": now.date() - timedelta(days=20)}
                | {"daily_savings": 4, "total_savings": 5, "average_savings_percent": 50},
            ),
            (
                savings_snapshots,
                {"client_id": "client-1", "snapshot_date": now.date()}
                | {"daily_savings": 1, "total_savings": 6, "average_savings_percent": 60},
            ),
            *(
                (
                    termination_events,
                    {"agent_id": "agent-1", "instance_id": instance, "detected_at": at}
                    | {"event_type": "termination_notice"},
                )
                for instance, at in [("i-1", now), ("i-2", now - timedelta(days=2))]
            ),
            *(
                (
                    pool_risk_analysis,
                    {"pool_id": pool, "instance_type": "t3.medium", "region": "us-east-1"}
                    | {"az": "us-east-1a", "analysis_time": at, "risk_score": score},
                )
                for at, score in [(NOON, 0), (now, Decimal("0.5"))]
            ),
        ]
        for table, row in rows:
            database.execute(insert(table).values(row))

    def test_agent_overview_shows_the_newest_report(self, database: Connection) -> None:
        agent = _seen(database, "agent_overview")

        assert (agent.client_name, agent.pending_commands) == ("Client", 0)
        assert float(agent.on_demand_price) == 0.3
        assert float(agent.current_savings_pct) == 66.7
        assert agent.max_switches_per_week == 10

    def test_client_savings_summary_looks_back_thirty_days(self, database: Connection) -> None:
        client = _seen(database, "client_savings_summary")

        assert (client.total_agents, client.online_agents, client.enabled_agents) == (1, 1, 1)
        assert (client.total_savings_30d, client.total_cost_30d) == (1, 2)
        assert (float(client.savings_pct_30d), client.switches_30d) == (33.3, 1)
        assert client.total_savings_all_time == 7

    def test_recent_switches_names_who_switched(self, database: Connection) -> None:
        found = database.execute(text("SELECT * FROM recent_switches")).all()

        assert [switch.id for switch in found] == ["second", "first"]
        assert (found[0].client_name, found[0].logical_agent_id) == ("Client", "web")
        assert str(found[0].completed_at) == "2026-03-01 12:00:00"

    def test_active_spot_pools_show_the_newest_price(self, database: Connection) -> None:
        pool = _seen(database, "active_spot_pools")

        assert (float(pool.latest_price), pool.active_instances) == (1.0, 1)
        assert str(pool.price_updated_at) == "2026-03-01 12:01:00"

    def test_v_client_savings_summary_adds_up_the_snapshots(self, database: Connection) -> None:
        client = _seen(database, "v_client_savings_summary")

        assert (client.lifetime_savings, client.monthly_savings) == (11, 5)
        assert (client.weekly_savings, float(client.avg_savings_percent)) == (1, 55.0)
        assert (client.agent_count, client.online_agents) == (1, 2)

    def test_v_recent_termination_events_are_those_of_a_day(self, database: Connection) -> None:
        event = _seen(database, "v_recent_termination_events")

        assert (event.instance_id, event.hostname, event.client_name) == ("i-1", "web-1", "Client")

    def test_v_pool_risk_current_is_the_latest_word(self, database: Connection) -> None:
        assert float(_seen(database, "v_pool_risk_current").risk_score) == 0.5


class TestProcedures:
    @pytest.fixture
    def cursor(self, mariadb: Engine) -> Iterator[pymysql.cursors.Cursor]:
        with mariadb.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            connection.execute(insert(clients).values(_a_client(client_token="token")))
            with closing(driver.cursor()) as cursor:
                yield cursor

    def _call(self, cursor: pymysql.cursors.Cursor, name: str, *arguments: object) -> Any:
        cursor.callproc(name, arguments)
        rows = cursor.fetchall()
        while cursor.nextset():
            pass
        return rows

    def _register(self, cursor: pymysql.cursors.Cursor, token: str | None = None) -> Any:
        place = ("i-1", "t3.medium", "us-east-1", "us-east-1a", "ami-1", "spot", "1.0")
        return self._call(
            cursor, "register_agent", token or "token", "web", "host", *place, "10.0.0.1", None
        )

    def test_registering_twice_is_one_agent(self, cursor: pymysql.cursors.Cursor) -> None:
        (first,) = self._register(cursor)
        (second,) = self._register(cursor)

        assert first == second
        cursor.execute("SELECT status, current_pool_id FROM agents")
        assert cursor.fetchall() == (("online", "t3.medium.us-east-1a"),)

    def test_registering_needs_a_token(self, cursor: pymysql.cursors.Cursor) -> None:
        with pytest.raises(pymysql.err.OperationalError, match="Invalid or inactive"):
            self._register(cursor, token="wrong")

    def test_commands_come_by_priority_and_are_closed(self, cursor: pymysql.cursors.Cursor) -> None:
        ((agent, *_),) = self._register(cursor)
        cursor.executemany(
            "INSERT INTO commands (id, client_id, agent_id, command_type, priority)"
            " VALUES (%s, 'client-1', %s, 'switch', %s)",
            [("low", agent, 10), ("high", agent, 100)],
        )

        pending = self._call(cursor, "get_pending_commands", agent)
        self._call(cursor, "mark_command_executed", "high", True, "done")

        assert [command[0] for command in pending] == ["high", "low"]
        cursor.execute("SELECT status, message, completed_at FROM commands WHERE id = 'high'")
        ((status, message, completed_at),) = cursor.fetchall()
        assert (status, message) == ("completed", "done")
        assert completed_at is not None

    def test_switches_are_limited(self, cursor: pymysql.cursors.Cursor) -> None:
        ((agent, *_),) = self._register(cursor)
        assert self._call(cursor, "check_switch_limits", agent) == ((1, "Within limits", 0, 0),)

        cursor.executemany(
            "INSERT INTO switches (client_id, agent_id, initiated_at)"
            " VALUES ('client-1', %s, NOW())",
            [(agent,)] * 3,
        )

        assert self._call(cursor, "check_switch_limits", agent) == (
            (0, "Daily switch limit reached", 3, 3),
        )

    def test_prices_are_taken_from_a_list(self, cursor: pymysql.cursors.Cursor) -> None:
        cursor.execute(
            "INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('p', 't', 'r', 'z')"
        )
        prices = json.dumps([{"pool_id": "p", "price": 0.5}, {"pool_id": "p", "price": "0.25"}])

        assert self._call(cursor, "update_spot_pool_prices", prices) == ((2,),)
        cursor.execute("SELECT price FROM spot_price_snapshots ORDER BY price")
        assert cursor.fetchall() == ((Decimal("0.250000"),), (Decimal("0.500000"),))

    def test_the_cheapest_pool_comes_first(self, cursor: pymysql.cursors.Cursor) -> None:
        cursor.executemany(
            "INSERT INTO spot_prices (pool_id, instance_type, region, az, price, recorded_at)"
            " VALUES (%s, 't', 'r', 'z', %s, %s)",
            [("a", 1, "2026-01-01"), ("a", 9, "2026-01-02"), ("b", 5, "2026-01-01")],
        )

        found = self._call(cursor, "get_cheapest_pool", "t", "r")

        assert [(pool[0], pool[4]) for pool in found] == [("b", 5), ("a", 9)]

    def test_costs_add_up(self, cursor: pymysql.cursors.Cursor) -> None:
        ((agent, *_),) = self._register(cursor)
        cursor.executemany(
            "INSERT INTO cost_records (client_id, agent_id, period_start, period_end, mode,"
            " hours_running, actual_cost, ondemand_cost, savings)"
            " VALUES ('client-1', %s, '2026-01-01', '2026-01-02', %s, 2, 1, 3, %s)",
            [(agent, "spot", 2), (agent, "ondemand", 0)],
        )
        period = ("2026-01-01", "2026-02-01")
        sums = (2, 2, 2, 6, 2, Decimal("33.33"))

        assert self._call(cursor, "calculate_agent_savings", agent, *period) == ((agent, *sums),)
        assert self._call(cursor, "calculate_client_savings", "client-1", *period) == (
            ("client-1", *sums, 0),
        )
        self._call(cursor, "update_client_total_savings")
        cursor.execute("SELECT total_savings FROM clients")
        assert cursor.fetchall() == ((2,),)

    @pytest.mark.parametrize(("spot_price", "savings"), [(None, 0), ("0.25", 540), ("2", 0)])
    def test_a_month_is_compared_with_its_baseline(
        self, cursor: pymysql.cursors.Cursor, spot_price: str | None, savings: int
    ) -> None:
        ((agent, *_),) = self._register(cursor)
        cursor.execute(
            "INSERT INTO instances (id, client_id, instance_type, region, az,"
            " baseline_ondemand_price) VALUES ('i', 'client-1', 't', 'r', 'z', 1)"
        )
        if spot_price is not None:
            cursor.execute(
                "INSERT INTO switches (client_id, agent_id, new_mode, new_spot_price)"
                " VALUES ('client-1', %s, 'spot', %s)",
                (agent, spot_price),
            )

        self._call(cursor, "compute_monthly_savings")
        self._call(cursor, "compute_monthly_savings")

        cursor.execute("SELECT baseline_cost, savings, switch_count FROM client_savings_monthly")
        assert cursor.fetchall() == ((720, savings, int(spot_price is not None)),)

    def test_a_day_is_summed_up(self, cursor: pymysql.cursors.Cursor) -> None:
        ((agent, *_),) = self._register(cursor)
        cursor.executemany(
            "INSERT INTO switches (client_id, agent_id, savings_impact, timestamp)"
            " VALUES ('client-1', %s, 0.5, %s)",
            [(agent, "2026-01-01 23:59:59"), (agent, "2026-01-02 00:00:00")],
        )

        self._call(cursor, "sp_calculate_daily_savings", "2026-01-01")
        self._call(cursor, "sp_calculate_daily_savings", "2026-01-01")

        cursor.execute("SELECT snapshot_date, daily_savings, switch_count FROM savings_snapshots")
        assert cursor.fetchall() == ((date(2026, 1, 1), 12, 1),)

    def test_old_rows_go_and_young_ones_stay(self, cursor: pymysql.cursors.Cursor) -> None:
        cursor.executemany(
            "INSERT INTO audit_logs (id, created_at) VALUES (%s, NOW() - INTERVAL %s DAY)",
            [("old", 181), ("young", 179)],
        )
        cursor.executemany(
            "INSERT INTO cleanup_logs (cleanup_type, executed_at)"
            " VALUES (%s, NOW() - INTERVAL %s DAY)",
            [("full", 31), ("amis", 29)],
        )

        self._call(cursor, "cleanup_old_data")
        self._call(cursor, "sp_cleanup_old_metrics", 30)

        cursor.execute("SELECT id FROM audit_logs UNION SELECT cleanup_type FROM cleanup_logs")
        assert cursor.fetchall() == (("young",), ("amis",))


class TestEngine:
    @pytest.mark.parametrize("url", ["mysql://u@h/d", "mariadb://u@h/d", "mariadb+pymysql://u@h/d"])
    def test_one_driver_for_every_spelling(self, url: str) -> None:
        assert str(make_engine(url, 1).url) == "mysql+pymysql://u@h/d"

    def test_other_databases_are_refused(self) -> None:
        with pytest.raises(UnsupportedDatabase):
            make_engine("postgresql://u@h/d", 1)

    def test_mariadb_speaks_utc_and_reads_what_is_committed(self, mariadb: Engine) -> None:
        with mariadb.connect() as connection:
            settings = connection.execute(
                text("SELECT @@session.time_zone, @@session.tx_isolation, @@character_set_client")
            ).one()

        assert settings == ("+00:00", "READ-COMMITTED", "utf8mb4")

    def test_a_sqlite_file_is_made_with_its_folder_and_set_up_to_last(self, tmp_path: Path) -> None:
        engine = make_engine(f"sqlite:///{tmp_path}/deep/down/fleet.db", 2)

        with engine.connect() as connection:
            settings = [
                connection.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
        engine.dispose()

        assert settings == ["wal", 2, 1, 10_000]

    def test_a_sqlite_writer_takes_its_turn_at_the_start(self, tmp_path: Path) -> None:
        engine = make_engine(f"sqlite:///{tmp_path}/fleet.db", 3)
        statements: list[str] = []
        with engine.connect() as reader, engine.connect() as writer:
            for connection in (reader, writer):
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.set_trace_callback(statements.append)
            reader.execute(text("SELECT 1"))
            writer.execution_options(writes=True).execute(text("SELECT 2"))
        engine.dispose()

        assert statements == [
            *("BEGIN", "SELECT 1", "BEGIN IMMEDIATE", "SELECT 2"),
            *("ROLLBACK", "ROLLBACK"),
        ]

    def test_a_sqlite_transaction_without_commit_leaves_nothing(self, tmp_path: Path) -> None:
        engine = make_engine(f"sqlite:///{tmp_path}/fleet.db", 1)
        create_schema(engine)
        with engine.connect() as connection:
            connection.execute(insert(clients).values(_a_client()))
        with engine.connect() as connection:
            assert connection.execute(select(clients)).all() == []
        engine.dispose()

    def test_memory_is_one_database(self) -> None:
        engine = make_engine("sqlite://", 4)
        create_schema(engine)
        with engine.begin() as connection:
            connection.execute(insert(clients).values(_a_client()))
        with engine.connect() as connection:
            assert len(connection.execute(select(clients)).all()) == 1
        engine.dispose()


def test_the_catalogue_is_complete() -> None:
    assert sorted(metadata.tables) == TABLES
    assert audit_logs is metadata.tables["audit_logs"]


def _a_client(**changes: object) -> dict[str, object]:
    client = {"id": "client-1", "name": "Client", "email": "a@b.c", "client_token": "t-1"}
    return client | changes


def _a_pool(**changes: object) -> dict[str, object]:
    pool = {"id": "t3.medium.us-east-1a", "instance_type": "t3.medium"}
    return pool | {"region": "us-east-1", "az": "us-east-1a"} | changes


def _stored(connection: Connection, table: Table) -> Row[Any]:
    return connection.execute(select(table)).one()


def _seen(connection: Connection, view: str) -> Row[Any]:
    return connection.execute(text(f"SELECT * FROM {view}")).one()
