"""Values the database fills in itself when a row is inserted without them."""

from typing import Any, Final

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class NewUuid(FunctionElement[str]):
    inherit_cache = True


class TimeOfWrite(FunctionElement[Any]):
    """The time of the insert, then of the latest update."""

    inherit_cache = True


@compiles(NewUuid)
def _new_uuid(_element: NewUuid, _compiler: SQLCompiler, **_options: Any) -> str:
    return "(UUID())"


@compiles(NewUuid, "sqlite")
def _new_uuid_on_sqlite(_element: NewUuid, _compiler: SQLCompiler, **_options: Any) -> str:
    groups = " || '-' || ".join(f"hex(randomblob({size}))" for size in (4, 2, 2, 2, 6))
    return f"(lower({groups}))"


@compiles(TimeOfWrite)
def _time_of_write(_element: TimeOfWrite, _compiler: SQLCompiler, **_options: Any) -> str:
    return "CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"


@compiles(TimeOfWrite, "sqlite")
def _time_of_insert(_element: TimeOfWrite, _compiler: SQLCompiler, **_options: Any) -> str:
    return "CURRENT_TIMESTAMP"


NEW_UUID: Final = NewUuid()
TIME_OF_WRITE: Final = TimeOfWrite()
