"""Appending many rows by one statement.

On MySQL a row that passes through SQLAlchemy and the driver as parameters costs ten times what the
driver's own escaping of its values does, and agents report thousands of rows a second, in which
most values are the same: here each is escaped once per statement.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from pymysql.converters import escape_item
from sqlalchemy import JSON, Connection, Dialect, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

# As the driver does it: a statement has to fit into a packet of the server (16 MiB by default).
_LONGEST_STATEMENT: Final = 1_000_000

Row: TypeAlias = Mapping[str, Any]
Processor: TypeAlias = Callable[[Any], Any] | None


def append_rows(
    connection: Connection, table: Table, rows: Sequence[Row], *, leave_existing: bool = False
) -> None:
    """Insert the rows, all of which name the same columns; or those of them whose place is free,
    by the unique keys of a table with a generated `id`."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        whole = sqlite.insert(table)
        connection.execute(whole.on_conflict_do_nothing() if leave_existing else whole, rows)
        return
    columns = tuple(rows[0])
    beginning = _beginning(table, columns)
    end = " ON DUPLICATE KEY UPDATE id = id" if leave_existing else ""
    for values in _packed(_rendered(connection, table, columns, rows)):
        try:
            connection.exec_driver_sql(
                beginning + values + end, execution_options={"no_parameters": True}
            )
        except DBAPIError as error:
            error.statement = beginning  # the values must not reach a log
            raise


@lru_cache
def _beginning(table: Table, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "  # noqa: S608  # our own names


def _rendered(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> Iterator[str]:
    mogrify = connection.connection.cursor().mogrify

    def written(bound: object) -> str:
        # How text is escaped depends on the connection.
        depends = isinstance(bound, str | bytes)
        text: str = mogrify("%s", (bound,)) if depends else escape_item(bound)
        return text

    literals = [
        _Literals(written, processor).__getitem__ if hashable else _each(written, processor)
        for processor, hashable in _kinds(table, columns, connection.dialect)
    ]
    for row in rows:
        texts = [literal(value) for literal, value in zip(literals, row.values(), strict=True)]
        yield f"({','.join(texts)})"


class _Literals(dict[Any, str]):
    """The values of one column as a statement writes them."""

    def __init__(self, written: Callable[[object], str], processor: Processor) -> None:
        super().__init__()
        self._write = _each(written, processor)

    def __missing__(self, value: Any) -> str:
        text = self[value] = self._write(value)
        return text


def _each(written: Callable[[object], str], processor: Processor) -> Callable[[Any], str]:
    return written if processor is None else lambda value: written(processor(value))


@lru_cache
def _kinds(
    table: Table, columns: tuple[str, ...], dialect: Dialect
) -> Sequence[tuple[Processor, bool]]:
    """Of each column, what makes a parameter of its values, and whether they are hashable."""
    types = [table.c[name].type for name in columns]
    return [
        (it.dialect_impl(dialect).bind_processor(dialect), not isinstance(it, JSON)) for it in types
    ]


def _packed(rendered: Iterator[str]) -> Iterator[str]:
    """The values of one statement after the other."""
    packed: list[str] = []
    length = 0
    for text in rendered:
        if packed and length + len(text) > _LONGEST_STATEMENT:
            yield ",".join(packed)
            packed, length = [], 0
        packed.append(text)
        length += len(text) + 1
    if packed:
        yield ",".join(packed)
