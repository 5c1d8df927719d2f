"""Telling the processes on several machines at once that other models are in service."""

import logging
from threading import Event
from time import monotonic
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

_CHANNEL: Final = "spot-optimizer:models"


class RedisAnnouncer:
    """While Redis is away nobody hears anything, and everybody looks for themselves."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)
        self._heard: Any = None
        self._closed = Event()

    def announce(self) -> None:
        try:
            self._redis.publish(_CHANNEL, b"")
        except RedisError as error:
            logger.warning("the change of models was not announced: %s", error)

    def wait(self, seconds: float) -> None:
        until = monotonic() + seconds
        try:
            while (left := until - monotonic()) > 0 and not self._closed.is_set():
                message = self._subscribed().get_message(timeout=left)
                if message is not None and message["type"] == "message":
                    return
        except RedisError:
            self._heard = None
            self._closed.wait(max(0.0, until - monotonic()))

    def close(self) -> None:
        self._closed.set()

    def _subscribed(self) -> Any:
        if self._heard is None:
            self._heard = self._redis.pubsub()  # type: ignore[no-untyped-call]  # redis's
            self._heard.subscribe(_CHANNEL)
        return self._heard
