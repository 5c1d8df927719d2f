"""What is true of the database before the server starts."""

from sqlalchemy import inspect

from spot_optimizer.adapters.persistence.schema import SchemaReport, check_schema, create_schema
from spot_optimizer.cli.configuration import wrong_setting
from spot_optimizer.cli.databases import (
    DatabaseUnreachable,
    is_in_memory,
    is_sqlite,
    opened,
    parse,
    place,
)
from spot_optimizer.cli.failures import DATABASE_UNUSABLE, Failure


def inspected(url: str) -> tuple[str, ...]:
    """What the operator should know about the database; an embedded one has its schema now.

    One on a server is left as it is, and keeps nobody from serving while it does not answer.

    Raises:
        Failure: the embedded database cannot be used, or the one on a server is empty.
    """
    parsed = parse(url)
    if is_in_memory(parsed):
        raise wrong_setting("DATABASE_URL", "in memory, no process sees what another writes")
    if is_sqlite(parsed):
        with opened(url) as engine:
            create_schema(engine)
            return _remarks(check_schema(engine))
    try:
        with opened(url) as engine:
            if not inspect(engine).get_table_names():
                raise Failure(
                    f"The database at {place(parsed)} is empty: run `spot-optimizer db init` first",
                    DATABASE_UNUSABLE,
                )
            return _remarks(check_schema(engine))
    except DatabaseUnreachable as unreachable:
        return (f"{unreachable}; until it answers, so does every request with an error",)


def _remarks(report: SchemaReport) -> tuple[str, ...]:
    if report.is_usable:
        return report.warnings
    return ("the schema is incomplete: see `spot-optimizer db check`", *report.warnings)
