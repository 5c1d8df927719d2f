"""Writing many known rows by one statement."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import mysql, sqlite


def update_rows(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    columns: Collection[str],
) -> None:
    """Set the columns of each row, found by its key. The rows are complete, because the statement
    is an insert that updates what is there; in the order of keys, so that two never deadlock."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    ordered = sorted(rows, key=lambda row: [row[key] for key in keys])
    if connection.dialect.name == "sqlite":
        on_sqlite = sqlite.insert(table).values(ordered)
        connection.execute(
            on_sqlite.on_conflict_do_update(
                index_elements=keys, set_={name: on_sqlite.excluded[name] for name in columns}
            )
        )
        return
    on_mysql = mysql.insert(table).values(ordered)
    connection.execute(
        on_mysql.on_duplicate_key_update({name: on_mysql.inserted[name] for name in columns})
    )
