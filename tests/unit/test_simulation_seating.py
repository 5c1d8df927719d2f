"""Where the agents of a fleet start."""

import pytest

from spot_optimizer.simulation.chance import chance
from spot_optimizer.simulation.machines import Cloud
from spot_optimizer.simulation.market import open_market
from spot_optimizer.simulation.seating import seat
from spot_optimizer.simulation.simulated_time import SimulatedTime
from tests.simulated_stage import JumpingTime


@pytest.mark.parametrize(
    ("count", "alike", "programs"),
    [
        (25, 1, "A" * 11 + "B" * 4 + "C" * 10),
        (6, 3, "AAACCC"),
        (20, 1, "A" * 9 + "B" * 3 + "C" * 8),
    ],
)
def test_even_a_small_fleet_has_the_programs_in_their_shares(
    count: int, alike: int, programs: str
) -> None:
    time = JumpingTime()
    cloud = Cloud(
        open_market(None, 1), None, SimulatedTime(1.0, time.now, time.sleep), chance(1, "machines")
    )

    assert "".join(sorted(it.program for it in seat(cloud, count, 1, alike))) == programs
