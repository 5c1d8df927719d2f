"""What every cache keeps to, whatever it is made of."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Final
from uuid import uuid4

import pytest
from redis import Redis

from spot_optimizer.adapters.persistence.file_cache import FileCache
from spot_optimizer.adapters.scheduling.redis_cache import RedisCache
from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from tests.application_under_test import at_once
from tests.contract.clock import ReplayClock
from tests.services import redis_url, require_redis

# Adds the same entries as every other process, and says how many of them were its own.
PROCESS: Final = """
import sys
from datetime import timedelta
from pathlib import Path
from spot_optimizer.adapters.persistence.file_cache import FileCache
from spot_optimizer.adapters.system import SystemClock

cache = FileCache(Path(sys.argv[1]), SystemClock())
print("ready", flush=True)
sys.stdin.readline()
print(sum(cache.add(f"k{number}", b"x", timedelta(minutes=5)) for number in range(60)))
"""
LONG: Final = timedelta(minutes=5)


@pytest.fixture(params=["file", "redis"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Cache:
    if request.param == "file":
        return FileCache(tmp_path / "deep" / "er" / "cache.sqlite3", ReplayClock())
    require_redis()
    return RedisCache(redis_url())


@pytest.fixture
def key() -> Iterator[str]:
    """One that nobody else uses, gone afterwards."""
    name = f"test-{uuid4().hex}"
    yield name
    try:
        with Redis.from_url(redis_url(), socket_connect_timeout=1) as redis:
            for found in redis.scan_iter(f"*{name}*"):
                redis.delete(found)
    except OSError:
        pass


def test_nothing_is_there_at_first(cache: Cache, key: str) -> None:
    assert cache.get(key) is None


@pytest.mark.parametrize("value", [b"", b"x", bytes(range(256)), b"y" * 1_000_000])
def test_what_is_put_comes_back(cache: Cache, key: str, value: bytes) -> None:
    cache.put(key, value, LONG)

    assert cache.get(key) == value


def test_what_is_put_replaces_what_was_there(cache: Cache, key: str) -> None:
    cache.put(key, b"old", LONG)
    cache.put(key, b"new", LONG)

    assert cache.get(key) == b"new"


def test_add_puts_only_where_nothing_is(cache: Cache, key: str) -> None:
    assert cache.add(key, b"first", LONG) is True
    assert cache.add(key, b"second", LONG) is False
    assert cache.get(key) == b"first"


def test_add_respects_what_was_put(cache: Cache, key: str) -> None:
    cache.put(key, b"first", LONG)

    assert cache.add(key, b"second", LONG) is False


def test_what_is_dropped_is_gone(cache: Cache, key: str) -> None:
    cache.put(key, b"x", LONG)

    cache.drop(key)
    cache.drop(key)

    assert cache.get(key) is None
    assert cache.add(key, b"y", LONG) is True


def test_keys_are_told_apart_exactly(cache: Cache, key: str) -> None:
    spellings = [key, key.upper(), f"{key} ", f"{key}:ä", f"{key}:😀", f"{key}'--"]

    for spelling in spellings:
        assert cache.add(spelling, spelling.encode(), LONG) is True

    assert [cache.get(spelling) for spelling in spellings] == [s.encode() for s in spellings]


def test_of_many_threads_one_adds(cache: Cache, key: str) -> None:
    added = at_once(*[lambda: cache.add(key, b"x", LONG)] * 16)

    assert sorted(added) == [False] * 15 + [True]


class TestAFile:
    @pytest.fixture
    def clock(self) -> ReplayClock:
        return ReplayClock()

    @pytest.fixture
    def cache(self, tmp_path: Path, clock: ReplayClock) -> FileCache:
        return FileCache(tmp_path / "cache.sqlite3", clock)

    @pytest.mark.parametrize("way", ["put", "add"])
    def test_forgets_when_the_time_has_come(
        self, cache: FileCache, clock: ReplayClock, way: str
    ) -> None:
        getattr(cache, way)("k", b"x", timedelta(seconds=60))

        clock.advance(59)
        assert cache.get("k") == b"x"
        clock.advance(1)
        assert cache.get("k") is None

    def test_takes_in_what_it_has_forgotten(self, cache: FileCache, clock: ReplayClock) -> None:
        cache.add("k", b"x", timedelta(seconds=60))
        clock.advance(60)

        assert cache.add("k", b"y", LONG) is True
        assert cache.get("k") == b"y"

    def test_does_not_grow_by_what_it_has_forgotten(
        self, cache: FileCache, clock: ReplayClock, tmp_path: Path
    ) -> None:
        for number in range(20):
            cache.add(f"k{number}", b"x" * 100_000, timedelta(seconds=1))
            clock.advance(2)

        assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 20 * 100_000

    def test_is_the_same_for_everybody_who_opens_it(
        self, cache: FileCache, clock: ReplayClock, tmp_path: Path
    ) -> None:
        cache.put("k", b"x", LONG)

        assert FileCache(tmp_path / "cache.sqlite3", clock).get("k") == b"x"

    def test_of_two_processes_one_adds_each_entry(self, tmp_path: Path) -> None:
        command = [sys.executable, "-c", PROCESS, str(tmp_path / "cache.sqlite3")]
        with (
            Popen(command, stdin=PIPE, stdout=PIPE, text=True) as one,  # noqa: S603  our own
            Popen(command, stdin=PIPE, stdout=PIPE, text=True) as other,  # noqa: S603
        ):
            assert [_line_from(one), _line_from(other)] == ["ready", "ready"]
            _say_go(one)
            _say_go(other)
            added = int(_line_from(one)) + int(_line_from(other))

        assert added == 60

    @pytest.mark.parametrize("operation", ["get", "put", "add", "drop"])
    def test_that_is_no_cache_is_unavailable(self, tmp_path: Path, operation: str) -> None:
        path = tmp_path / "cache.sqlite3"
        path.write_bytes(b"no database" * 100)

        with pytest.raises(StoreUnavailable):
            _use(FileCache(path, ReplayClock()), operation)

    @pytest.mark.parametrize("operation", ["get", "put", "add", "drop"])
    def test_in_a_place_that_cannot_be_written_is_unavailable(
        self, tmp_path: Path, operation: str
    ) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(StoreUnavailable):
            _use(FileCache(tmp_path / "file" / "cache.sqlite3", ReplayClock()), operation)


class TestRedis:
    def test_is_told_how_long_to_keep_an_entry(self, key: str) -> None:
        require_redis()
        cache = RedisCache(redis_url())

        cache.put(f"{key}:put", b"x", timedelta(seconds=60))
        cache.add(f"{key}:add", b"x", timedelta(milliseconds=60_000))

        with Redis.from_url(redis_url()) as redis:
            left = [redis.pttl(found) for found in redis.scan_iter(f"*{key}*")]
        assert len(left) == 2
        assert all(50_000 < one <= 60_000 for one in left)

    @pytest.mark.parametrize("operation", ["get", "put", "add", "drop"])
    def test_that_does_not_answer_is_unavailable(self, operation: str) -> None:
        with pytest.raises(StoreUnavailable):
            _use(RedisCache("redis://127.0.0.1:1/0"), operation)


def _use(cache: Cache, operation: str) -> None:
    if operation == "put":
        cache.put("k", b"x", LONG)
    elif operation == "add":
        cache.add("k", b"x", LONG)
    else:
        getattr(cache, operation)("k")


def _line_from(process: Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _say_go(process: Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
