from datetime import timedelta
from typing import Protocol


class Cache(Protocol):
    """Small values with a lifetime, shared by all processes of one installation.

    Raises:
        StoreUnavailable: the place they are kept in cannot be reached.
    """

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes, lifetime: timedelta) -> None: ...

    def add(self, key: str, value: bytes, lifetime: timedelta) -> bool:
        """Put it unless something is there; True for exactly one of several callers."""
        ...

    def drop(self, key: str) -> None: ...
