"""Rebalance recommendations are believed as far as they were right."""

import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.placement.costs import SwitchingCost
from spot_optimizer.domain.placement.rebalancing import FOLLOWED_WITHIN_S, RebalanceRecord
from tests.unit.placement_examples import HEAVY, LIGHT

PRICE, ON_DEMAND = 0.3, 1.0
HOUR = 3600.0
DAY = 24 * HOUR


def test_a_loss_soon_after_is_counted_with_its_delay() -> None:
    record = RebalanceRecord.of([0.0, DAY], [600.0, 5 * DAY], 9 * DAY)

    assert record == RebalanceRecord(2, (600.0,))
    assert record.probability == pytest.approx(2 / 4)


def test_what_may_still_come_is_not_judged() -> None:
    assert RebalanceRecord.of([0.0], [], HOUR) == RebalanceRecord()
    assert RebalanceRecord.of([0.0], [2 * HOUR], HOUR) == RebalanceRecord()
    assert RebalanceRecord.of([0.0], [], FOLLOWED_WITHIN_S) == RebalanceRecord(1)


def test_the_same_warning_twice_counts_once() -> None:
    assert RebalanceRecord.of([0.0, 60.0], [600.0], DAY) == RebalanceRecord(1, (600.0,))


def test_whoever_left_in_time_did_not_learn_what_would_have_come() -> None:
    assert RebalanceRecord.of([0.0], [], DAY, left_at=HOUR) == RebalanceRecord()
    assert RebalanceRecord.of([0.0], [], DAY, left_at=FOLLOWED_WITHIN_S) == RebalanceRecord(1)
    assert RebalanceRecord.of([0.0], [600.0], DAY, left_at=700.0) == RebalanceRecord(1, (600.0,))


def test_a_pool_is_known_by_all_its_instances() -> None:
    whole = RebalanceRecord.together([RebalanceRecord(2, (60.0,)), RebalanceRecord(1)])

    assert whole == RebalanceRecord(3, (60.0,))


def test_an_unknown_pool_is_left_and_a_noisy_one_is_not() -> None:
    assert RebalanceRecord().is_worth_moving(PRICE, ON_DEMAND, LIGHT)
    assert not RebalanceRecord(20).is_worth_moving(PRICE, ON_DEMAND, LIGHT)
    assert RebalanceRecord(20, (1800.0,) * 15).is_worth_moving(PRICE, ON_DEMAND, LIGHT)


def test_losses_that_come_before_a_move_is_done_are_no_reason_to_move() -> None:
    at_once, later = RebalanceRecord(20, (60.0,) * 20), RebalanceRecord(20, (1800.0,) * 20)

    assert not at_once.is_worth_moving(PRICE, ON_DEMAND, HEAVY)
    assert later.is_worth_moving(PRICE, ON_DEMAND, HEAVY)


@given(
    st.lists(st.floats(0, 1e6), max_size=20),
    st.lists(st.floats(0, 1e6), max_size=20),
    st.floats(0, 1e6),
)
def test_later_losses_do_not_change_what_is_known(
    warned: list[float], lost: list[float], now: float
) -> None:
    past = [at for at in lost if at <= now]

    record = RebalanceRecord.of(warned, lost, now)

    assert record == RebalanceRecord.of(warned, past, now)
    assert len(record.delays_s) <= record.recommended <= len(warned)
    assert 0 < record.probability < 1


@dataclass
class Bill:
    replacements: int = 0
    lost_s: float = 0.0

    def warned(self, moves: bool, delay_s: float | None, costs: SwitchingCost) -> None:
        """Moved, or stayed and perhaps lost the instance."""
        is_late = delay_s is not None and delay_s + costs.notice_s < costs.boot_s + costs.cutover_s
        if moves:
            self.replacements += 1
            self.lost_s += costs.cutover_s
        if delay_s is not None and (is_late or not moves):
            self.lost_s += costs.boot_after_notice_s + costs.cutover_s * (not moves)


@pytest.mark.parametrize("costs", [LIGHT, HEAVY], ids=["light", "heavy"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_noise_most_replacements_are_spared_and_no_more_minutes_are_lost(
    costs: SwitchingCost, seed: int
) -> None:
    """Twenty pools over two months; in two of them a loss follows four of five recommendations, in
    the others one of thirty."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    always, learnt = Bill(), Bill()
    for pool in range(20):
        honest = pool < 2
        warned: list[float] = []
        lost: list[float] = []
        for day in range(60):
            now = day * DAY
            follows = chance.random() < (0.8 if honest else 1 / 30)
            delay_s = chance.uniform(900, 5400) if follows else None
            record = RebalanceRecord.of(warned, lost, now)
            always.warned(True, delay_s, costs)
            learnt.warned(record.is_worth_moving(PRICE, ON_DEMAND, costs), delay_s, costs)
            warned.append(now)
            if delay_s is not None:
                lost.append(now + delay_s)

    assert learnt.replacements <= 0.3 * always.replacements
    assert learnt.lost_s <= always.lost_s
