"""Redis goes away: only requests that must be remembered are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
from redis import Redis

from tests.application_under_test import Answer, Api, Store, a_store_in, an_api
from tests.services import REDIS_HOST, REDIS_PORT, redis_url, require_redis
from tests.tcp_proxy import TcpProxy, a_proxy_to

PATTERN = "spot-optimizer:idempotency:*"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with a_store_in(tmp_path_factory.mktemp("redis")) as store:
        yield store


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    require_redis()
    with Redis.from_url(redis_url(15)) as redis:
        before = set(redis.scan_iter(PATTERN))
        with a_proxy_to(REDIS_HOST, REDIS_PORT) as proxy:
            yield proxy
        for key in set(redis.scan_iter(PATTERN)) - before:
            redis.delete(key)


@pytest.fixture
def api(store: Store, proxy: TcpProxy, tmp_path: Path) -> Iterator[Api]:
    store.empty()
    url = f"redis://127.0.0.1:{proxy.port}/15"
    with an_api(store.url, tmp_path, REDIS_URL=url) as api:
        yield api


def keyed(api: Api, agent_id: str, key: str = "k") -> Answer:
    headers = {"Idempotency-Key": key}
    return api.post(f"/api/agents/{agent_id}/cleanup-report", {}, headers=headers)


def test_a_key_is_remembered_in_redis(api: Api, store: Store) -> None:
    agent_id = api.register()

    assert keyed(api, agent_id).json() == keyed(api, agent_id).json()
    assert len(store.rows("cleanup_logs")) == 1


def test_a_request_with_a_key_is_refused_without_redis(
    api: Api, store: Store, proxy: TcpProxy
) -> None:
    agent_id = api.register()
    proxy.cut()
    started = monotonic()

    answer = keyed(api, agent_id)

    assert (answer.status_code, answer.json()) == (
        503,
        {"error": "Idempotency store unavailable"},
    )
    assert store.rows("cleanup_logs") == []
    assert monotonic() - started < 10


def test_a_request_without_a_key_is_answered_without_redis(api: Api, proxy: TcpProxy) -> None:
    proxy.cut()

    agent_id = api.register()

    assert api.post(f"/api/agents/{agent_id}/heartbeat", {}).status_code == 200
    assert api.poll(agent_id) == []
    assert api.get("/health").status_code == 200


def test_with_redis_back_keys_are_remembered_again(api: Api, store: Store, proxy: TcpProxy) -> None:
    agent_id = api.register()
    keyed(api, agent_id, "before")
    proxy.cut()
    keyed(api, agent_id, "meanwhile")

    proxy.mend()

    assert keyed(api, agent_id, "before").status_code == 200
    assert keyed(api, agent_id, "meanwhile").status_code == 200
    assert len(store.rows("cleanup_logs")) == 2


def test_a_connection_that_broke_is_replaced(api: Api, proxy: TcpProxy) -> None:
    agent_id = api.register()
    keyed(api, agent_id, "a")

    proxy.drop()

    assert keyed(api, agent_id, "b").status_code == 200
