"""Time, chance and a cache in our hands."""

from datetime import datetime, timedelta

from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from tests.builders import NOON


class FixedClock:
    """Noon until it is advanced."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, duration: timedelta) -> None:
        self._now += duration


class HeldStopwatch:
    """Stands still until it is advanced."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def seconds(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        self._seconds += seconds


class SteadyStopwatch:
    """Every look at it is `step` seconds after the one before."""

    def __init__(self, step: float = 0.25) -> None:
        self._step = step
        self._seconds = 0.0

    def seconds(self) -> float:
        self._seconds += self._step
        return self._seconds


class CountingIdentifiers:
    def __init__(self) -> None:
        self.given = 0

    def new_id(self) -> str:
        self.given += 1
        return f"00000000-0000-4000-8000-{self.given:012d}"


class FixedTokens:
    def __init__(self, token: str = "token-" + "T" * 32) -> None:
        self.token = token
        self.secrets = 0

    def new_client_token(self) -> str:
        return self.token

    def new_session_secret(self) -> str:
        self.secrets += 1
        return f"secret-{self.secrets}"


class InMemoryCache:
    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[bytes, datetime]] = {}

    def get(self, key: str) -> bytes | None:
        value, ends = self._entries.get(key, (None, self._clock.now()))
        return value if ends > self._clock.now() else None

    def put(self, key: str, value: bytes, lifetime: timedelta) -> None:
        self._entries[key] = value, self._clock.now() + lifetime

    def add(self, key: str, value: bytes, lifetime: timedelta) -> bool:
        if self.get(key) is not None:
            return False
        self.put(key, value, lifetime)
        return True

    def drop(self, key: str) -> None:
        self._entries.pop(key, None)

    @property
    def keys(self) -> list[str]:
        return list(self._entries)


class CacheAway:
    """Cannot be reached."""

    def add(self, key: str, value: bytes, lifetime: timedelta) -> bool:
        raise StoreUnavailable("the cache is away")

    def get(self, key: str) -> bytes | None:
        raise StoreUnavailable("the cache is away")

    def put(self, key: str, value: bytes, lifetime: timedelta) -> None:
        raise StoreUnavailable("the cache is away")

    def drop(self, key: str) -> None:
        raise StoreUnavailable("the cache is away")
