"""`spot-optimizer db`: making the schema, and saying whether a database can carry the server."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spot_optimizer.adapters.persistence.schema import SchemaReport, check_schema, create_schema
from spot_optimizer.cli.configuration import settings_from
from spot_optimizer.cli.databases import is_in_memory, is_sqlite, opened, parse, place
from spot_optimizer.cli.failures import FAILED, Failure


def init() -> None:
    """Creates what is missing and says what that was.

    Raises:
        Failure: the database cannot be reached, or does not let the schema be made.
    """
    url = settings_from().database_url
    console = Console()
    with console.status("Creating the schema"), opened(url) as engine:
        created = create_schema(engine)
        warnings = check_schema(engine).warnings
    where = escape(place(parse(url)))
    if created.tables or created.routines:
        console.print(
            f"Created {len(created.tables)} tables and {len(created.routines)} views, triggers, "
            f"procedures and events in the database at {where}",
            soft_wrap=True,
        )
    else:
        console.print(f"Nothing was missing in the database at {where}", soft_wrap=True)
    for warning in dict.fromkeys((*created.warnings, *warnings)):
        console.print(f"[yellow]Warning:[/] {escape(warning)}", soft_wrap=True)


def check() -> None:
    """Prints what was found.

    Raises:
        Failure: the database cannot be reached, or not carry the server.
    """
    url = settings_from().database_url
    parsed = parse(url)
    if is_sqlite(parsed) and not is_in_memory(parsed) and not Path(str(parsed.database)).exists():
        raise Failure(f"There is no database at {place(parsed)}: the first start makes it", FAILED)
    console = Console()
    with console.status("Looking at the database"), opened(url) as engine:
        report = check_schema(engine)
    if report.is_empty:
        hint = "`spot-optimizer db init` makes the schema"
        raise Failure(f"The database at {place(parsed)} is empty: {hint}", FAILED)
    table = _findings(report)
    if table.row_count:
        console.print(table)
    if not report.is_usable:
        raise Failure(f"The database at {place(parsed)} cannot carry the server", FAILED)
    console.print(f"The database at {escape(place(parsed))} is usable", soft_wrap=True)


def _findings(report: SchemaReport) -> Table:
    table = Table(title="Findings", title_justify="left")
    table.add_column("What")
    table.add_column("Where", overflow="fold")
    table.add_column("More")
    for row in _rows(report):
        table.add_row(*map(escape, row))
    return table


def _rows(report: SchemaReport) -> Iterator[tuple[str, str, str]]:
    yield from (("table missing", name, "") for name in report.missing_tables)
    yield from (("column missing", name, "") for name in report.missing_columns)
    for column in report.narrow_columns:
        yield "column too narrow", column.name, f"is {column.found}, needs {column.needed}"
    yield from (("trigger missing", name, "") for name in report.missing_triggers)
    yield from (("warning", "", text) for text in report.warnings)
