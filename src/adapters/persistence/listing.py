"""Many rows as one text.

The driver takes every field of every row apart in Python; a JSON document crosses as a single
field and is taken apart in C, which makes a list of a hundred rows five times cheaper.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, String, func, literal_column, select
from sqlalchemy import type_coerce as taken_as
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from spot_optimizer.adapters.persistence.tables.types import UtcInstant

T = TypeVar("T")


class _Gathered(FunctionElement[str]):
    type = String()
    inherit_cache = True


@compiles(_Gathered)
def _gathered(element: _Gathered, compiler: SQLCompiler, **options: Any) -> str:
    return f"JSON_ARRAYAGG({compiler.process(element.clauses, **options)})"


@compiles(_Gathered, "sqlite")
def _gathered_on_sqlite(element: _Gathered, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"


class Listing(Generic[T]):
    """The rows of a statement, whose columns stand in the order of the fields of `line`; sorted
    by `order`, because the database promises none within a document."""

    def __init__(self, line: type[T], rows: Select[Any], order: Callable[[T], Any]) -> None:
        self.rows = rows
        self._line, self._order = line, order
        hints = get_type_hints(line)
        types = tuple(hints[field.name] for field in fields(line))  # type: ignore[arg-type]  # a dataclass
        self._decode = msgspec.json.Decoder(
            list[tuple[types]],  # type: ignore[valid-type]  # known when the program runs
            strict=False,  # truth values come as 0 and 1
        ).decode
        inner = rows.subquery()
        one = func.json_array(*(_portable(column) for column in inner.c))
        self._document = select(func.count(literal_column("1")), _Gathered(one)).select_from(inner)

    def read(self, connection: Connection, asked: Mapping[str, object]) -> list[T]:
        count, document = connection.execute(self._document, asked).one()
        if not count:
            return []
        found = self._decoded(document)
        if len(found) != count:  # longer than the database puts into one text
            found = connection.execute(self.rows, asked)
        return sorted((self._line(*values) for values in found), key=self._order)

    def _decoded(self, document: str | None) -> Any:
        try:
            return [] if document is None else self._decode(document)
        except msgspec.DecodeError:
            return []


def _portable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, UtcInstant):
        return taken_as(column, String).concat("Z")
    return column
