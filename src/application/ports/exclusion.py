from contextlib import AbstractContextManager
from typing import Protocol

from spot_optimizer.domain.errors import Conflict


class Busy(Conflict):
    """Somebody else holds it for too long."""

    def __init__(self) -> None:
        super().__init__("Another upload or activation is under way")


class Exclusion(Protocol):
    """One at a time among all processes of an installation; ends with the process that holds it.

    Raises:
        Busy: it did not become free in time.
        StoreUnavailable: nobody can say.
    """

    def __call__(self) -> AbstractContextManager[None]: ...
