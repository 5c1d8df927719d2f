"""When the database takes two texts for the same key."""

import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Boolean, Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

T = TypeVar("T", str, str | None)


def folded(text: T) -> T:
    """Text as MySQL's utf8mb4_unicode_ci compares it: no case, no accents, no trailing blanks."""
    if text is None:
        return text
    if text.isascii():
        return text.rstrip(" ").lower()
    letters = unicodedata.normalize("NFKD", text.rstrip(" "))
    return "".join(c for c in letters if not unicodedata.combining(c)).casefold()


def as_compared(connection: Connection) -> Callable[[str], str]:
    """Keys that come out equal cannot both be stored. SQLite compares them exactly."""
    return str if connection.dialect.name == "sqlite" else folded


class SameText(FunctionElement[bool]):
    """Whether two texts are the same to MySQL, on SQLite as well."""

    type = Boolean()
    inherit_cache = True


@compiles(SameText)
def _equal(element: SameText, compiler: SQLCompiler, **options: Any) -> str:
    one, other = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{one} = {other}"


@compiles(SameText, "sqlite")
def _equal_when_folded(element: SameText, compiler: SQLCompiler, **options: Any) -> str:
    one, other = (compiler.process(clause, **options) for clause in element.clauses)
    return f"folded({one}) = folded({other})"
