"""Many notices at once are handled one after the other, and nobody sleeps for it."""

from datetime import timedelta

import pytest

from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.interruptions import SignalType
from spot_optimizer.domain.storms import Storm, Storms
from tests.builders import MINUTE, NOON, SECOND_OF_TIME, ZONE_A, ZONE_B

REBALANCE, TERMINATION = SignalType.REBALANCE_RECOMMENDATION, SignalType.TERMINATION_NOTICE


def many(storms: Storms, count: int, signal: SignalType = REBALANCE) -> list[Storm]:
    return [
        storms.accept(signal, AgentId(f"agent-{number}"), ZONE_A, NOON) for number in range(count)
    ]


def test_from_the_fourth_on_each_waits_three_seconds_longer() -> None:
    delays = [storm.delay.total_seconds() for storm in many(Storms(), 6)]

    assert delays == [0, 0, 0, 9, 12, 15]


def test_nobody_waits_longer_than_a_replica_can() -> None:
    assert many(Storms(), 500)[-1].delay == 2 * MINUTE


def test_termination_notices_never_wait() -> None:
    assert not any(storm.delay for storm in many(Storms(), 20, TERMINATION))


@pytest.mark.parametrize(("age_s", "delay_s"), [(10, 9), (11, 0), (30, 0)])
def test_only_the_last_ten_seconds_count(age_s: int, delay_s: int) -> None:
    storms = Storms()
    many(storms, 3)

    later = storms.accept(REBALANCE, AgentId("x"), ZONE_A, NOON + age_s * SECOND_OF_TIME)

    assert later.delay == timedelta(seconds=delay_s)


def test_signals_of_another_type_do_not_count() -> None:
    storms = Storms()
    many(storms, 5, TERMINATION)

    assert not storms.accept(REBALANCE, AgentId("x"), ZONE_A, NOON).delay


def test_a_zone_in_trouble_is_told_once_in_15_minutes() -> None:
    storms = Storms()

    assert [storm.agents_in_zone for storm in many(storms, 6)] == [0, 0, 0, 4, 0, 0]
    assert storms.accept(REBALANCE, AgentId("x"), ZONE_B, NOON).agents_in_zone == 0
    again = NOON + 16 * MINUTE
    told = [storms.accept(REBALANCE, AgentId(f"y{n}"), ZONE_A, again) for n in range(4)]
    assert [storm.agents_in_zone for storm in told] == [0, 0, 0, 4]


def test_one_agent_alone_is_no_trouble() -> None:
    storms = Storms()

    for _ in range(6):
        assert storms.accept(REBALANCE, AgentId("x"), ZONE_A, NOON).agents_in_zone == 0
