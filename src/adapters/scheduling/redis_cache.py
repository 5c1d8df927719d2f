"""The cache that processes on several machines share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

from spot_optimizer.application.ports.unit_of_work import StoreUnavailable

_PREFIX: Final = "spot-optimizer:"


class RedisCache:
    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=30
        )

    def get(self, key: str) -> bytes | None:
        with _answering():
            value = self._redis.get(_PREFIX + key)
        return value if isinstance(value, bytes) else None

    def put(self, key: str, value: bytes, lifetime: timedelta) -> None:
        with _answering():
            self._redis.set(_PREFIX + key, value, px=lifetime)

    def add(self, key: str, value: bytes, lifetime: timedelta) -> bool:
        with _answering():
            return bool(self._redis.set(_PREFIX + key, value, px=lifetime, nx=True))

    def drop(self, key: str) -> None:
        with _answering():
            self._redis.delete(_PREFIX + key)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise StoreUnavailable("Redis does not answer") from error
