"""What a failed statement means for the one who issued it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolExhausted

from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, TransactionLost

# MySQL's codes for a transaction that gave way to another: deadlock, lock wait, changed snapshot.
_GAVE_WAY: Final = frozenset({1213, 1205, 1020})


def meaning_of(error: SQLAlchemyError, *, committing: bool = False) -> Exception:
    """The port's exception for a driver's, or the driver's own where it is a defect of ours.

    A row that came or went meanwhile (a violated key) loses the transaction, as a lock does. A
    connection that broke does so too, unless the commit was under way.
    """
    if isinstance(error, PoolExhausted):
        return StoreUnavailable("no database connection is free")
    if isinstance(error, IntegrityError):
        return TransactionLost("a row came or went meanwhile")
    if isinstance(error, DBAPIError) and _code_of(error) in _GAVE_WAY:
        return TransactionLost("gave way to another transaction")
    if isinstance(error, DBAPIError) and error.connection_invalidated and not committing:
        return TransactionLost("the connection broke")
    if isinstance(error, OperationalError | InterfaceError):
        return StoreUnavailable("the database does not answer")
    return error


def _code_of(error: DBAPIError) -> int | None:
    arguments = getattr(error.orig, "args", ())
    code = arguments[0] if arguments else None
    return code if isinstance(code, int) else None


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read from; its users repeat what was lost."""
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise meaning_of(error) from error
