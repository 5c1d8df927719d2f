"""Sending runs of jobs to workers on any machine."""

from typing import Final

from dramatiq import Broker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerConnectionError
from redis.exceptions import RedisError

from spot_optimizer.adapters.scheduling.actors import common_middleware

_NAMESPACE: Final = "spot-optimizer:jobs"

UNREACHABLE: Final[tuple[type[Exception], ...]] = (RedisError, BrokerConnectionError)


def redis_broker(url: str) -> Broker:
    """What has failed for good stays a week in the dead-letter queue, `jobs.XQ`."""
    return RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq's
        url=url,
        namespace=_NAMESPACE,
        middleware=common_middleware(),
        socket_timeout=15,
        socket_connect_timeout=2,
    )
