"""Running a use case again when its transaction was lost to another one."""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from spot_optimizer.application.ports.unit_of_work import AlwaysLost, TransactionLost

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS: Final = 4


def repeated_when_lost(use_case: Callable[P, T]) -> Callable[P, T]:
    """From the start, at most four times: nothing of a lost transaction has happened.

    Raises:
        AlwaysLost: it was lost every time.
    """

    @wraps(use_case)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(ATTEMPTS):
            try:
                return use_case(*args, **kwargs)
            except TransactionLost as lost:
                if attempt + 1 == ATTEMPTS:
                    raise AlwaysLost("the transaction was lost every time") from lost
        raise AssertionError("unreachable")

    return call
