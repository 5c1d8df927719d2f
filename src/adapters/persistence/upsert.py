"""Writing many known rows by one statement."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import mysql, sqlite


def update_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    columns: tuple[str, ...],
    key: tuple[str, ...] = ("id",),
) -> None:
    """Set the columns of each row, found by its unique key.

    The rows are complete, because the statement is an insert that updates what is there; in the
    order of their keys, so that two such statements never wait for each other.
    """
    if rows:
        ordered = sorted(rows, key=lambda row: [row[name] for name in key])
        statement = _statement(table, columns, key, connection.dialect.name)
        connection.execute(statement, [dict(row) for row in ordered])


@lru_cache
def _statement(
    table: Table, columns: tuple[str, ...], key: tuple[str, ...], dialect: str
) -> Insert:
    """Composed once: the rows come as parameters, which the driver joins to one statement."""
    if dialect == "sqlite":
        on_sqlite = sqlite.insert(table)
        return on_sqlite.on_conflict_do_update(
            index_elements=key,
            set_={name: on_sqlite.excluded[name] for name in columns},
        )
    on_mysql = mysql.insert(table)
    return on_mysql.on_duplicate_key_update({name: on_mysql.inserted[name] for name in columns})
