"""How long a workload ran nowhere."""

from datetime import timedelta

from spot_optimizer.simulation.machines import Machine
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.workload import Workload


def machine(instance_id: str) -> Machine:
    pool = Pool("us-east-1", "m5.large", "us-east-1a")
    return Machine(instance_id, pool, "spot", "ami-1", "ip-10-0-0-1", "10.0.0.1", None)


FIRST, SECOND = machine("i-1"), machine("i-2")


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_moving_before_the_end_loses_nothing() -> None:
    workload = Workload(FIRST)
    workload.run_on(SECOND, s(10))
    workload.lose(FIRST, s(20))

    assert workload.machine is SECOND
    assert workload.lost(s(100)) == s(0)


def test_an_outage_lasts_until_it_runs_again_and_outages_add_up() -> None:
    workload = Workload(FIRST)
    workload.lose(FIRST, s(20))
    assert workload.machine is None
    assert workload.lost(s(25)) == s(5)

    workload.run_on(SECOND, s(50))
    workload.lose(SECOND, s(60))
    workload.run_on(FIRST, s(61))

    assert workload.lost(s(100)) == s(31)
    assert workload.machine is FIRST
