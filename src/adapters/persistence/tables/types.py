"""How values cross between Python and the columns, the same on MySQL, MariaDB and SQLite."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.types import TypeEngine


class UtcInstant(TypeDecorator[datetime]):
    """Aware UTC in Python; naive UTC in whole seconds in the database."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            # The form of CURRENT_TIMESTAMP: SQLite compares instants as text.
            whole_seconds = sqlite.DATETIME(  # type: ignore[no-untyped-call]  # SQLAlchemy's
                truncate_microseconds=True
            )
            return dialect.type_descriptor(whole_seconds)
        return dialect.type_descriptor(mysql.TIMESTAMP())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant without a time zone: {value.isoformat()}")
        return value.astimezone(UTC).replace(microsecond=0, tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Amount(TypeDecorator[Decimal]):
    """A decimal of fixed scale; SQLite knows none and keeps the nearest number instead."""

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale, asdecimal=True)
        self.precision = precision
        self.scale = scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Float())
        return dialect.type_descriptor(mysql.DECIMAL(self.precision, self.scale))

    def process_bind_param(
        self, value: Decimal | float | None, dialect: Dialect
    ) -> Decimal | float | None:
        if value is None or dialect.name != "sqlite":
            return value
        return float(value)

    def process_result_value(
        self, value: Decimal | float | None, dialect: Dialect
    ) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-self.scale))


def one_of(*values: str) -> TypeEngine[str]:
    """One word of a fixed vocabulary."""
    return Text().with_variant(mysql.ENUM(*values), "mysql", "mariadb")


# SQLite counts up by itself only in a key declared as INTEGER.
BIG_ID: Final = BigInteger().with_variant(Integer(), "sqlite")
TINY: Final = SmallInteger().with_variant(mysql.TINYINT(), "mysql", "mariadb")
# MariaDB keeps JSON as text with a check; without a value the column is null, not JSON null.
JSON_VALUE: Final = JSON(none_as_null=True)
