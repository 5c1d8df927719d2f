"""How often a job runs, as it is set."""

from datetime import timedelta

import pytest

from spot_optimizer.wiring.background import every_seconds
from tests.builders import NOON


@pytest.mark.parametrize("seconds", [1, 10, 30, 60, 300, 900])
def test_it_runs_every_so_many_seconds(seconds: int) -> None:
    schedule, moment = every_seconds(seconds), NOON

    for _ in range(3):
        following = schedule.next_after(moment)
        assert following - moment == timedelta(seconds=seconds)
        moment = following
