"""A scheduler that has stopped looking is found out."""

from datetime import datetime
from pathlib import Path

from spot_optimizer.adapters.scheduling.pulse import Pulse
from spot_optimizer.adapters.scheduling.scheduler import Scheduler
from tests.application_under_test import a_store_in, an_api
from tests.contract.clock import ReplayClock


class NothingDue:
    def at_start(self) -> None:
        pass

    def __call__(self) -> datetime | None:
        return None


def test_one_that_looks_is_well() -> None:
    clock = ReplayClock()
    pulse = Pulse(clock)
    assert pulse.stalled() == []
    pulse.beat()
    clock.advance(60)
    assert pulse.stalled() == []
    clock.advance(1)
    assert pulse.stalled() == ["scheduler"]
    pulse.beat()
    assert pulse.stalled() == []


def test_one_that_was_ended_is_missed_by_nobody() -> None:
    clock = ReplayClock()
    pulse = Pulse(clock)
    scheduler = Scheduler(NothingDue(), clock, pulse)
    scheduler.start()
    scheduler.stop()
    clock.advance(1000)

    assert pulse.stalled() == []


def test_a_server_whose_scheduler_hangs_is_not_ready(tmp_path: Path) -> None:
    with a_store_in(tmp_path) as store, an_api(store.url, tmp_path) as api:
        assert api.get("/readyz").json() == {"status": "ready"}
        api.container.pulse().beat()
        api.clock.advance(61)

        answer = api.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {"status": "stalled: scheduler"})
