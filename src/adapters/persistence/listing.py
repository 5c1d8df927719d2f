"""Many rows as one text.

The driver takes every field of every row apart in Python; a document crosses as a single field and
is taken apart in C, which makes a list of a hundred rows five times cheaper.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, String, func, literal_column, select
from sqlalchemy import type_coerce as taken_as
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from spot_optimizer.adapters.persistence.tables.types import UtcInstant

T = TypeVar("T", bound=NamedTuple)
K = TypeVar("K")

# ASCII's own separators, which no name or id has in it. Where somebody put one, the numbers of
# fields and rows do not fit, and the rows are read one by one. (Who calls himself by the last one
# alone has no name.)
_AFTER_A_FIELD: Final = "\x1f"
_AFTER_A_ROW: Final = "\x1e"
_NOTHING: Final = "\x1d"

# Of one listing; a line takes about a kilobyte.
_LINES_REMEMBERED: Final = 4_000

# Of the largest lists so many fit into one text.
_ASKED_TOGETHER: Final = 8


class _Gathered(FunctionElement[str]):
    """The columns of all rows as one document."""

    type = String()
    inherit_cache = True


@compiles(_Gathered, "mysql")
@compiles(_Gathered, "mariadb")
def _on_mysql(element: _Gathered, compiler: SQLCompiler, **options: Any) -> str:
    # JSON is what it takes longer to write than to find the rows.
    fields = (
        f"COALESCE({compiler.process(column, **options)}, '{_NOTHING}')"
        for column in element.clauses
    )
    row = f"CONCAT_WS('{_AFTER_A_FIELD}', {', '.join(fields)})"
    return f"GROUP_CONCAT({row} SEPARATOR '{_AFTER_A_ROW}')"


@compiles(_Gathered, "sqlite")
def _on_sqlite(element: _Gathered, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **options)}))"


class Listing(Generic[T]):
    """The rows of a statement, whose columns stand in the order of the fields of `line`; sorted
    by `order` if there is one, because the database promises none within a document.

    A row that reads as it did the last time is the same line again, not another that equals it:
    most rows of a list that is asked for every few seconds have not changed.
    """

    def __init__(
        self, line: type[T], rows: Select[Any], order: Callable[[T], Any] | None = None
    ) -> None:
        self.rows = rows
        self._line, self._order = line, order
        self._known: dict[str, T] = {}
        self._lines = list[line]  # type: ignore[valid-type]  # known when the program runs
        self._from_json = msgspec.json.Decoder(self._lines, strict=False).decode
        inner = rows.subquery()
        self._document = select(
            func.count(literal_column("1")), _Gathered(*(_portable(column) for column in inner.c))
        ).select_from(inner)

    def read(self, connection: Connection, asked: Mapping[str, object]) -> Sequence[T]:
        count, document = connection.execute(self._document, asked).one()
        if not count:
            return []
        lines = self._told(document, in_json=connection.dialect.name == "sqlite")
        if len(lines) != count:  # longer than the database puts into one text, or not to be split
            lines = [self._line(*row) for row in connection.execute(self.rows, asked)]
        return lines if self._order is None else sorted(lines, key=self._order)

    def _told(self, document: str | None, *, in_json: bool) -> list[T]:
        """Nothing where it cannot be read."""
        if document is None:
            return []
        try:
            if in_json:
                found: list[T] = self._from_json(document)
                return found
            return self._lines_of(document.split(_AFTER_A_ROW))
        except msgspec.DecodeError:  # ValidationError is one, too
            return []

    def _lines_of(self, rows: Sequence[str]) -> list[T]:
        known = self._known  # which another thread may replace
        if unknown := [row for row in rows if row not in known]:
            if len(known) + len(unknown) > _LINES_REMEMBERED:
                self._known = known = {}
                unknown = list(rows)
            # Truth values and figures come as texts.
            split = [_fields(row) for row in unknown]
            lines = msgspec.convert(split, self._lines, strict=False)
            known.update(zip(unknown, lines, strict=True))
        return [known[row] for row in rows]


def _fields(row: str) -> list[str | None]:
    return [None if field == _NOTHING else field for field in row.split(_AFTER_A_FIELD)]


def _portable(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, UtcInstant):
        return taken_as(column, String).concat("Z")
    return column


def batched(keys: Collection[K]) -> Iterator[list[K]]:
    """So many of them as may share a document."""
    listed = list(keys)
    for first in range(0, len(listed), _ASKED_TOGETHER):
        yield listed[first : first + _ASKED_TOGETHER]
