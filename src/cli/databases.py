"""Opening the database a command is about, with every way to fail told in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from spot_optimizer.adapters.persistence.engine import UnsupportedDatabase, make_engine
from spot_optimizer.adapters.persistence.schema import SchemaNotCreated
from spot_optimizer.cli.configuration import wrong_setting
from spot_optimizer.cli.failures import DATABASE_UNUSABLE, Failure

_IN_MEMORY: Final = {None, "", ":memory:"}
_MYSQL_PORT: Final = 3306


class DatabaseUnreachable(Failure):
    """It does not answer, or not to this user."""


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """One connection to the database.

    Raises:
        Failure: the URL is of no use, or the schema cannot be made.
        DatabaseUnreachable: it does not answer, be it in the middle of the block.
    """
    parsed = parse(url)
    try:
        engine = make_engine(url, connections=1)
    except UnsupportedDatabase as error:
        raise wrong_setting("DATABASE_URL", f"{error} is neither MySQL nor SQLite") from error
    except OSError as error:
        raise _unreachable(parsed, error.strerror or str(error)) from error
    try:
        yield engine
    except SchemaNotCreated as error:
        raise Failure(f"The schema at {place(parsed)}: {error}", DATABASE_UNUSABLE) from error
    except DBAPIError as error:
        raise _unreachable(parsed, _reason(error)) from error
    finally:
        engine.dispose()


def parse(url: str) -> URL:
    """Raises:
    Failure: it is no URL of a database.
    """
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:
        raise wrong_setting(
            "DATABASE_URL", "cannot be read as sqlite:///FILE or mysql://…"
        ) from error


def place(url: URL) -> str:
    """Where a database is, without its password."""
    if is_sqlite(url):
        return "memory" if is_in_memory(url) else str(url.database)
    return f"{url.host or 'localhost'}:{url.port or _MYSQL_PORT} (user {url.username})"


def is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def is_in_memory(url: URL) -> bool:
    return is_sqlite(url) and url.database in _IN_MEMORY


def _unreachable(url: URL, reason: str) -> DatabaseUnreachable:
    return DatabaseUnreachable(
        f"Cannot reach the database at {place(url)}: {reason}", DATABASE_UNUSABLE
    )


def _reason(error: DBAPIError) -> str:
    """What the driver says, never the statement or its parameters."""
    told = error.orig.args if error.orig is not None else ()
    return str(told[-1]) if told else type(error).__name__
