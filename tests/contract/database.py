"""The database of a replay: emptied, filled and looked at behind the application's back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

import msgspec
from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    Date,
    DateTime,
    Engine,
    Integer,
    MetaData,
    Numeric,
    Select,
    Table,
    Text,
    create_engine,
    delete,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.pool import NullPool

from tests.contract.recording import Catalogue, Change, Json, Row, Rows
from tests.contract.snapshots import Snapshot, key_of

# Rows come in any order, and times are in UTC.
_MYSQL_SESSION: Final = "SET FOREIGN_KEY_CHECKS = 0, time_zone = '+00:00'"
_SESSIONS: Final = {
    "sqlite": "PRAGMA foreign_keys = OFF",
    "mysql": _MYSQL_SESSION,
    "mariadb": _MYSQL_SESSION,
}


class ReplayDatabase:
    """One connection that is open for as long as the replay lasts."""

    def __init__(self, url: str, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._engine = create_engine(url, poolclass=NullPool)
        self._connection = self._engine.connect()
        self._connection.exec_driver_sql(_SESSIONS[self._engine.dialect.name])
        self._connection.commit()
        self._tables = _reflect(self._engine, self._connection, catalogue)
        self._selects: dict[str, Select[Any]] = {
            name: select(*[table.c[column] for column in catalogue.tables[name].columns])
            for name, table in self._tables.items()
        }
        self._which_have_rows = select(
            *[select(table).exists().label(name) for name, table in self._tables.items()]
        )

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()

    def reset(self, rows: Rows, seed: Rows) -> None:
        """The state before every scenario: nothing but the seed and the scenario's own rows."""
        with self._transaction():
            self._clear(self._tables)
            self._fill(seed)
            self._fill(rows)

    def prepare(self, clear: Iterable[str], rows: Rows) -> None:
        with self._transaction():
            self._clear(clear)
            self._fill(rows)

    def change(self, table: str, change: Change) -> None:
        target = self._tables[table]
        values = {column: _stored(target, column, it) for column, it in change.columns.items()}
        statement = update(target).filter_by(**_key(target, change.key)).values(values)
        with self._transaction() as connection:
            connection.execute(statement)

    def remove(self, table: str, key: Row) -> None:
        target = self._tables[table]
        with self._transaction() as connection:
            connection.execute(delete(target).filter_by(**_key(target, key)))

    def snapshot(self) -> Snapshot:
        with self._transaction() as connection:
            filled = connection.execute(self._which_have_rows).mappings().one()
            return {
                name: self._rows(connection, name, statement) if filled[name] else {}
                for name, statement in self._selects.items()
            }

    def _rows(
        self, connection: Connection, name: str, statement: Select[Any]
    ) -> dict[tuple[str, ...], Row]:
        table = self.catalogue.tables[name]
        rows = (
            dict(zip(table.columns, map(_recorded, row), strict=True))
            for row in connection.execute(statement)
        )
        return {key_of(row, table.pk): row for row in rows}

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._connection.begin():
            yield self._connection

    def _clear(self, tables: Iterable[str]) -> None:
        for name in tables:
            self._connection.execute(delete(self._tables[name]))

    def _fill(self, rows: Rows) -> None:
        for name, items in rows.items():
            table = self._tables[name]
            for _, alike in groupby(items, key=lambda row: list(row)):
                self._connection.execute(
                    insert(table),
                    [{c: _stored(table, c, value) for c, value in row.items()} for row in alike],
                )


def _reflect(engine: Engine, connection: Connection, catalogue: Catalogue) -> dict[str, Table]:
    metadata = MetaData()

    @event.listens_for(metadata, "column_reflect")
    def plain_types(inspector: object, table: object, column: dict[str, Any]) -> None:
        """Numbers as floats, documents as text, truth values as numbers: as recorded."""
        if isinstance(column["type"], Numeric):
            column["type"] = Numeric(asdecimal=False)
        elif isinstance(column["type"], JSON):
            column["type"] = Text()
        elif isinstance(column["type"], Boolean):
            column["type"] = Integer()

    metadata.reflect(connection, only=list(catalogue.tables), resolve_fks=False)
    connection.commit()
    return {name: metadata.tables[name] for name in catalogue.tables}


def _key(table: Table, key: Row) -> dict[str, Json]:
    return {column: _stored(table, column, value) for column, value in key.items()}


def _stored(table: Table, column: str, value: Json) -> Json:
    """A recorded value as the column takes it."""
    kind = table.c[column].type
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    if isinstance(value, str) and isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and isinstance(kind, Date):
        return date.fromisoformat(value[:10])
    return value


def _recorded(value: Json) -> Json:
    """A value of the database as recordings write it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return value
