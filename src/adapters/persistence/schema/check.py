"""Whether a database can carry the server, without changing anything in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, inspect, select, text

from spot_optimizer.adapters.persistence.schema.routines import missing_routines
from spot_optimizer.adapters.persistence.schema.widths import is_narrower
from spot_optimizer.adapters.persistence.tables import clients, metadata

_PUBLISHED_TOKEN: Final = "demo-token-12345"  # noqa: S105 - looked for because everybody knows it
_STRICT_MODES: Final = {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"}


@dataclass(frozen=True, slots=True)
class NarrowColumn:
    """A column that may refuse or shorten what the server writes."""

    name: str
    found: str
    needed: str


@dataclass(frozen=True, slots=True)
class SchemaReport:
    """What keeps the server from running, and what the operator should know."""

    is_empty: bool
    """There is no table of ours at all."""
    missing_tables: tuple[str, ...]
    missing_columns: tuple[str, ...]
    narrow_columns: tuple[NarrowColumn, ...]
    missing_triggers: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def is_usable(self) -> bool:
        return not (
            self.missing_tables
            or self.missing_columns
            or self.narrow_columns
            or self.missing_triggers
        )


def check_schema(engine: Engine) -> SchemaReport:
    with engine.connect() as connection:
        found = _columns(connection)
        present = [table for table in metadata.sorted_tables if table.name in found]
        routines = missing_routines(connection)
        return SchemaReport(
            is_empty=not present,
            missing_tables=tuple(
                table.name for table in metadata.sorted_tables if table not in present
            ),
            missing_columns=tuple(
                f"{table.name}.{column.name}"
                for table in present
                for column in table.columns
                if column.name not in found[table.name]
            ),
            narrow_columns=tuple(_narrow_columns(connection, found)),
            missing_triggers=tuple(routine.name for routine in routines if routine.is_required),
            warnings=(
                *(
                    f"{routine.kind} {routine.name} is missing, or this user may not see it"
                    for routine in routines
                    if not routine.is_required
                ),
                *_server_warnings(connection),
                *_token_warnings(connection, found),
            ),
        )


def _columns(connection: Connection) -> dict[str, dict[str, str]]:
    """The type of every column of every table."""
    found: dict[str, dict[str, str]] = {}
    if connection.dialect.name == "sqlite":
        for (_, table), columns in inspect(connection).get_multi_columns().items():
            found[table] = {column["name"]: str(column["type"]) for column in columns}
    else:
        for table, column, type_name in connection.execute(text(_COLUMNS_IN_MYSQL)):
            found.setdefault(table, {})[column] = type_name
    return found


_COLUMNS_IN_MYSQL: Final = """
SELECT c.table_name, c.column_name, c.column_type
FROM information_schema.columns AS c
JOIN information_schema.tables AS t
    ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'
"""


def _narrow_columns(
    connection: Connection, found: dict[str, dict[str, str]]
) -> Iterator[NarrowColumn]:
    if connection.dialect.name == "sqlite":
        return  # widths are not enforced there
    for table in metadata.sorted_tables:
        for column in table.columns:
            type_name = found.get(table.name, {}).get(column.name)
            needed = column.type.compile(dialect=connection.dialect)
            if type_name is not None and is_narrower(type_name, needed):
                yield NarrowColumn(f"{table.name}.{column.name}", type_name, needed.lower())


def _server_warnings(connection: Connection) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        return
    scheduler, modes = connection.execute(
        text("SELECT @@global.event_scheduler, @@session.sql_mode")
    ).one()
    if scheduler == "ON":
        yield (
            "the event scheduler is on: its events overwrite clients.total_savings every night "
            "and mark agents offline without telling anybody; "
            "run SET GLOBAL event_scheduler = OFF"
        )
    if not _STRICT_MODES & set(modes.split(",")):
        yield "strict SQL mode is off: values that do not fit are shortened silently"


def _token_warnings(connection: Connection, found: dict[str, dict[str, str]]) -> Iterator[str]:
    if not {"client_token", "is_active"} <= found.get(clients.name, {}).keys():
        return
    demo_client = select(clients.c.id).where(
        clients.c.client_token == _PUBLISHED_TOKEN, clients.c.is_active.is_(True)
    )
    if connection.execute(demo_client).first() is not None:
        yield f"the published token {_PUBLISHED_TOKEN} is valid here: regenerate or remove it"
