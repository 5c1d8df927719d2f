"""Tables as CSV, Parquet or JSON, a piece at a time."""

import csv
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from io import StringIO
from typing import Any, Final, Generic, TypeVar

import msgspec

from spot_optimizer.adapters.http.wire import timestamp
from spot_optimizer.domain.values import Cents

T = TypeVar("T")

Chunks = Generator[bytes, None, None]

# Spreadsheets take cells that begin so for formulas, some of them full-width signs too (OWASP, CSV
# injection).
_FORMULA_STARTS: Final = (
    *("=", "+", "-", "@", "\t", "\r", "\n"),
    *("\uff1d", "\uff0b", "\uff0d", "\uff20"),
)
_ROWS_OF_A_GROUP: Final = 20_000


class Kind(StrEnum):
    TEXT = "text"
    WHOLE = "whole"
    MONEY = "money"
    """USD with 4 decimals; CSV shows cents, which add up to the same."""
    PRICE = "price"
    """USD per hour with 6 decimals."""
    FLAG = "flag"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    title: str
    """The head of the column in CSV."""
    name: str
    """In Parquet and JSON."""
    kind: Kind
    value: Callable[[T], Any]
    absent: str = ""
    """What CSV shows in place of nothing."""


class Format(StrEnum):
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self]


MEDIA_TYPES: Final = {
    Format.CSV: "text/csv",  # the framework adds the charset
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.JSON: "application/json",
}


def as_csv(columns: Sequence[Column[T]], batches: Iterable[Sequence[T]]) -> Chunks:
    """Commas, CRLF, minimal quoting, no byte order mark; no cell is taken for a formula."""
    yield _lines([[column.title for column in columns]])
    cells = [(column.value, _cell(column.kind), column.absent) for column in columns]
    for batch in batches:
        yield _lines(
            [
                [
                    absent if (it := value(row)) is None else cell(it)
                    for value, cell, absent in cells
                ]
                for row in batch
            ]
        )


def as_json(columns: Sequence[Column[T]], batches: Iterable[Sequence[T]]) -> Chunks:
    """One array of objects; figures are exact."""
    yield b"["
    between = b""
    for batch in batches:
        objects = [
            {column.name: _json_value(column, column.value(row)) for column in columns}
            for row in batch
        ]
        if objects:
            yield between + _ENCODER.encode(objects)[1:-1]
            between = b","
    yield b"]"


def as_parquet(columns: Sequence[Column[T]], batches: Iterable[Sequence[T]]) -> Chunks:
    """Figures are exact decimals, times are UTC."""
    # Sixty megabytes that only those pay who ask for it.
    import pyarrow
    from pyarrow import parquet

    types = {
        Kind.TEXT: pyarrow.string(),
        Kind.WHOLE: pyarrow.int64(),
        Kind.MONEY: pyarrow.decimal128(20, 4),
        Kind.PRICE: pyarrow.decimal128(20, 6),
        Kind.FLAG: pyarrow.bool_(),
        Kind.TIME: pyarrow.timestamp("ms", tz="UTC"),
    }
    schema = pyarrow.schema([(column.name, types[column.kind]) for column in columns])
    written = _Written()
    with parquet.ParquetWriter(written, schema) as writer:
        for group in _groups(batches):
            arrays = [
                pyarrow.array([column.value(row) for row in group], types[column.kind])
                for column in columns
            ]
            writer.write_table(pyarrow.table(arrays, schema=schema))
            yield written.taken()
    yield written.taken()


class _Written:
    """A file that is taken away as it is written."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        self._position += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nobody has to be told."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _groups(batches: Iterable[Sequence[T]]) -> Generator[list[T], None, None]:
    group: list[T] = []
    for batch in batches:
        group.extend(batch)
        if len(group) >= _ROWS_OF_A_GROUP:
            yield group
            group = []
    if group:
        yield group


def _lines(rows: list[list[str]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _harmless(value: Any) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _six_decimals(price: Decimal) -> str:
    return f"{price:.6f}"


def _yes_or_no(flag: object) -> str:
    return "true" if flag else "false"


def _cell(kind: Kind) -> Callable[[Any], str]:
    if kind is Kind.MONEY:
        cents = Cents()
        return lambda amount: str(cents.of(amount))
    return _CELLS[kind]


_CELLS: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.TEXT: _harmless,
    Kind.WHOLE: str,
    Kind.PRICE: _six_decimals,
    Kind.FLAG: _yes_or_no,
    Kind.TIME: lambda moment: timestamp(moment) or "",
}

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def _json_value(column: Column[Any], value: Any) -> Any:
    if column.kind is Kind.TIME and isinstance(value, datetime):
        return timestamp(value.astimezone(UTC))
    return value
