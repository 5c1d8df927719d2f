"""What all tables have in common: the catalogue they belong to and how they are stored."""

from typing import Any, Final, cast

from sqlalchemy import ClauseElement, Index, MetaData
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import DDLCompiler

metadata: Final = MetaData()

STORAGE: Final[dict[str, Any]] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_unicode_ci",
}


def columns_of(index: Index, compiler: DDLCompiler) -> str:
    """The part of an index between the parentheses."""
    return ", ".join(
        compiler.sql_compiler.process(
            cast(ClauseElement, expression), include_table=False, literal_binds=True
        )
        for expression in index.expressions
    )


@compiles(CreateIndex, "sqlite")
def _named_after_its_table(element: CreateIndex, compiler: DDLCompiler, **_options: Any) -> str:
    """Several tables share index names, which SQLite wants unique in the whole database."""
    index = element.element
    if index.table is None or index.table.metadata is not metadata:
        return str(
            compiler.visit_create_index(element)  # type: ignore[no-untyped-call]  # SQLAlchemy's
        )
    guard = "IF NOT EXISTS " if element.if_not_exists else ""
    table = index.table.name
    return f"CREATE INDEX {guard}{table}_{index.name} ON {table} ({columns_of(index, compiler)})"
