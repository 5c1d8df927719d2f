"""The database connection pool, MySQL/MariaDB or SQLite behind the same interface."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any, Final

import msgspec
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from spot_optimizer.adapters.persistence.collation import folded

_MYSQL_NAMES: Final = {"mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"}
_SQLITE_NAMES: Final = {"sqlite", "sqlite+pysqlite"}
_LOST_AFTER_S: Final = 900
_KEPT_FOR_JOBS: Final = 3
_IN_MEMORY: Final = {None, "", ":memory:"}


# Figures in JSON columns are exact both ways.
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)

# MariaDB stores documents of 31 levels, and a statement must fit into one packet (16 MiB).
_DEEPEST: Final = 30
_LONGEST: Final = 4 * 1024 * 1024


class UnsupportedDatabase(Exception):
    """The URL names a database that is neither MySQL, MariaDB nor SQLite."""


def make_engine(url: str, connections: int) -> Engine:
    """As many connections as callers at a time, none beyond: nobody waits, nobody overloads."""
    parsed = make_url(url)
    if parsed.drivername in _MYSQL_NAMES:
        return _mysql(parsed.set(drivername="mysql+pymysql"), connections, "READ COMMITTED")
    if parsed.drivername in _SQLITE_NAMES:
        return _sqlite(parsed, connections)
    raise UnsupportedDatabase(parsed.drivername)


def make_reading_engine(engine: Engine, connections: int) -> Engine:
    """For single statements that only read: on MySQL outside of any transaction, which saves the
    round trip that would end it."""
    if engine.dialect.name == "sqlite":
        return engine
    return _mysql(engine.url, connections, "AUTOCOMMIT")


def make_background_engine(engine: Engine) -> Engine:
    """For jobs, which take no connection from a request; and a machine that is lost in the middle
    of one holds its locks no longer than a quarter of an hour."""
    if engine.dialect.name == "sqlite":
        if engine.url.database in _IN_MEMORY:
            return engine
        return _sqlite(engine.url, connections=None)
    background = _mysql(engine.url, None, "READ COMMITTED", recycled_after_s=_LOST_AFTER_S // 2)
    event.listen(background, "connect", _end_when_lost)
    return background


def _end_when_lost(connection: Any, _entry: ConnectionPoolEntry) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION wait_timeout = {_LOST_AFTER_S}")


def _pool(connections: int | None) -> dict[str, Any]:
    """None is as many as there are users, of which some are kept."""
    if connections is None:
        return {"pool_size": _KEPT_FOR_JOBS, "max_overflow": -1}
    return {"pool_size": connections, "max_overflow": 0}


def _mysql(
    url: URL, connections: int | None, isolation: IsolationLevel, recycled_after_s: int = 1800
) -> Engine:
    return create_engine(
        url,
        **_pool(connections),
        pool_recycle=recycled_after_s,
        # A unit of work rolls back what it did not commit; a second rollback is a lost round trip.
        pool_reset_on_return=None,
        isolation_level=isolation,
        skip_autocommit_rollback=True,
        hide_parameters=True,  # tokens must not reach a log
        json_serializer=_to_json,
        json_deserializer=_DECODER.decode,
        connect_args={
            "charset": "utf8mb4",
            # Lists come as one text, which a statement's packet bounds, not MySQL's 1,024 bytes.
            "init_command": "SET time_zone='+00:00', group_concat_max_len=16777216",
            "connect_timeout": 5,
            "read_timeout": 30,
            "write_timeout": 30,
        },
    )


def _sqlite(url: URL, connections: int | None) -> Engine:
    if url.database in _IN_MEMORY:
        # Every connection would be a database of its own, so there is only one.
        engine = create_engine(
            url,
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
            hide_parameters=True,  # tokens must not reach a log
            json_serializer=_to_json,
            json_deserializer=_DECODER.decode,
        )
    else:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            url,
            **_pool(connections),
            hide_parameters=True,  # tokens must not reach a log
            json_serializer=_to_json,
            json_deserializer=_DECODER.decode,
        )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _to_json(value: object) -> str:
    """Whatever anybody sent: what is too deep is cut off, what is too long is left out."""
    text = _ENCODER.encode(value).decode()
    if text.count("[") + text.count("{") > _DEEPEST:
        text = _ENCODER.encode(_cut_off(value, _DEEPEST)).decode()
    if len(text) > _LONGEST:
        return "{}" if isinstance(value, Mapping) else "[]"
    return text


def _cut_off(value: object, levels: int) -> object:
    if isinstance(value, Mapping):
        return {key: _cut_off(it, levels - 1) for key, it in value.items()} if levels else None
    if isinstance(value, list | tuple):
        return [_cut_off(it, levels - 1) for it in value] if levels else None
    return value


def _configure(connection: SqliteConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver starts no transaction behind our back
    connection.execute("PRAGMA busy_timeout=10000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")  # a commit survives a power failure
    connection.execute("PRAGMA foreign_keys=ON")
    connection.create_function("folded", 1, folded, deterministic=True)


def _begin(connection: Connection) -> None:
    # A reader that turns writer in mid-transaction can be refused without waiting.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
