"""Each process looks which models are in service, and hears of changes where there is Redis."""

import threading
from dataclasses import dataclass, field

import pytest

from spot_optimizer.adapters.scheduling.engine_watch import EngineWatch, SilentAnnouncer
from spot_optimizer.adapters.scheduling.redis_announcer import RedisAnnouncer
from spot_optimizer.application.ports.model_files import ModelFilesUnavailable
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from tests.fakes.models import CountingAnnouncer
from tests.services import redis_url, require_redis

PATIENCE_S = 20


@dataclass
class Looking:
    """Counts the looks, each of which may fail, and tells of the third."""

    failures: list[Exception] = field(default_factory=list)
    looks: int = 0
    by_rules: int = 0
    third: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> bool:
        self.looks += 1
        if self.looks == 3:
            self.third.set()
        if self.failures:
            raise self.failures.pop(0)
        return True

    def start_with_rules(self) -> None:
        self.by_rules += 1


class TestWatch:
    def test_looks_before_anything_is_answered(self) -> None:
        looking = Looking()
        watch = EngineWatch(looking, SilentAnnouncer(), every_s=PATIENCE_S)

        watch.start()

        assert (looking.looks, looking.by_rules) == (1, 1)
        watch.stop()

    def test_looks_again_and_again_until_it_is_stopped(self) -> None:
        looking = Looking()
        watch = EngineWatch(looking, SilentAnnouncer(), every_s=0.001)

        watch.start()
        assert looking.third.wait(PATIENCE_S)
        watch.stop()

        looks = looking.looks
        assert not any(thread.name == "engine-watch" for thread in threading.enumerate())
        assert looking.looks == looks

    def test_survives_whatever_goes_wrong(self, caplog: pytest.LogCaptureFixture) -> None:
        looking = Looking([StoreUnavailable("away"), StoreUnavailable("away"), ValueError("us")])
        watch = EngineWatch(looking, CountingAnnouncer())

        for _ in range(4):
            watch.look()

        assert looking.looks == 4
        assert caplog.messages == [
            "cannot see which models are in service: away",
            "looking for the models in service failed",
        ]

    def test_complains_once_each_time(self, caplog: pytest.LogCaptureFixture) -> None:
        looking = Looking([ModelFilesUnavailable("no disk")])
        watch = EngineWatch(looking, CountingAnnouncer())
        watch.look()
        watch.look()
        looking.failures.append(ModelFilesUnavailable("no disk"))
        watch.look()

        assert len(caplog.messages) == 2

    def test_may_be_stopped_before_it_was_started(self) -> None:
        looking = Looking()
        watch = EngineWatch(looking, SilentAnnouncer(), every_s=PATIENCE_S)

        watch.stop()
        watch.start()
        watch.stop()

        assert looking.looks == 1


class TestRedis:
    def test_tells_everybody_at_once(self) -> None:
        require_redis()
        teller, heard = RedisAnnouncer(redis_url()), threading.Event()
        listener = RedisAnnouncer(redis_url())
        listener.wait(0.001)  # subscribed from now on

        def listen() -> None:
            listener.wait(PATIENCE_S)
            heard.set()

        waiting = threading.Thread(target=listen)
        waiting.start()
        while not heard.is_set():
            teller.announce()
            heard.wait(0.01)
        waiting.join(PATIENCE_S)

        assert not waiting.is_alive()

    def test_that_is_away_is_missed_by_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        announcer = RedisAnnouncer("redis://127.0.0.1:1/0")

        announcer.announce()
        announcer.wait(0.001)
        announcer.wait(0.001)

        assert len(caplog.messages) == 1
        announcer.close()
        announcer.wait(PATIENCE_S)
