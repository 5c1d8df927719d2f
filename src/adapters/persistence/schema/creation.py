"""Creates what is missing, and touches nothing that is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.compiler import DDLCompiler

from spot_optimizer.adapters.persistence.schema.routines import missing_routines
from spot_optimizer.adapters.persistence.tables import metadata
from spot_optimizer.adapters.persistence.tables.base import columns_of

_PATIENCE_SECONDS: Final = 20


class SchemaNotCreated(Exception):
    """A part the server cannot do without could not be made."""


@dataclass(frozen=True, slots=True)
class Created:
    """What was missing and now exists, and what is still missing and why."""

    tables: tuple[str, ...]
    routines: tuple[str, ...]
    warnings: tuple[str, ...]


def create_schema(engine: Engine) -> Created:
    with engine.connect().execution_options(writes=True) as connection, _alone(connection):
        tables = _missing(connection)
        for table in tables:
            _create_table(connection, table)
        routines, warnings = _create_routines(connection)
        connection.commit()
    return Created(tuple(table.name for table in tables), routines, warnings)


def missing_tables(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [table.name for table in _missing(connection)]


class _CreateTableWithKeys(CreateTable):
    """One statement per table: an interruption leaves no table without its indexes."""


@compiles(_CreateTableWithKeys)
def _with_keys(element: _CreateTableWithKeys, compiler: DDLCompiler, **_options: Any) -> str:
    statement = str(
        compiler.visit_create_table(element)  # type: ignore[no-untyped-call]  # SQLAlchemy's
    )
    columns, closing, storage = statement.rpartition("\n)")
    keys = [
        f",\n\tKEY {index.name} ({columns_of(index, compiler)})"
        for index in sorted(element.element.indexes, key=lambda index: str(index.name))
    ]
    return "".join([columns, *keys, closing, storage])


def _missing(connection: Connection) -> list[Table]:
    present = set(inspect(connection).get_table_names())
    return [table for table in metadata.sorted_tables if table.name not in present]


def _create_table(connection: Connection, table: Table) -> None:
    try:
        if connection.dialect.name == "sqlite":
            connection.execute(CreateTable(table))
            for index in table.indexes:
                connection.execute(CreateIndex(index))
        else:
            connection.execute(_CreateTableWithKeys(table))
    except DBAPIError as error:
        raise SchemaNotCreated(_reason("table", table.name, error)) from error


def _create_routines(connection: Connection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    created, warnings = [], []
    for routine in missing_routines(connection):
        try:
            # Without parameters the driver leaves percent signs alone.
            connection.exec_driver_sql(routine.statement, execution_options={"no_parameters": True})
        except DBAPIError as error:
            reason = _reason(routine.kind, routine.name, error)
            if routine.is_required:
                raise SchemaNotCreated(reason) from error
            warnings.append(reason)
        else:
            created.append(routine.name)
    return tuple(created), tuple(warnings)


def _reason(kind: str, name: str, error: DBAPIError) -> str:
    return f"{kind} {name} could not be created: {error.orig}"


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Two servers that start at once do not create the same table twice."""
    if connection.dialect.name == "sqlite":
        yield  # the transaction already excludes other writers
        return
    lock = {"name": connection.scalar(text("SELECT LEFT(CONCAT('schema of ', DATABASE()), 64)"))}
    taken = text("SELECT GET_LOCK(:name, :patience)")
    if connection.scalar(taken, lock | {"patience": _PATIENCE_SECONDS}) != 1:
        raise SchemaNotCreated("another process is creating the schema and does not finish")
    try:
        yield
    finally:
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), lock)
