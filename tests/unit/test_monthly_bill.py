"""A month's bill, recomputed in fractions from the history itself (contract/domain.md 4.2.7)."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.monthly_bill import (
    BilledInstance,
    BilledSwitch,
    MonthlyBill,
    price_after,
)
from tests.builders import DAY, HOUR, NOON

NOTHING = Decimal(0)
AGENTS = [AgentId(name) for name in "abc"]
prices = st.decimals(min_value=0, max_value=50, places=6)
instances = st.builds(
    BilledInstance,
    agent_id=st.none() | st.sampled_from(AGENTS),
    baseline_price=st.none() | prices,
)
switches = st.builds(
    BilledSwitch,
    agent_id=st.sampled_from(AGENTS),
    at=st.integers(0, 700).map(lambda hours: NOON + hours * HOUR),
    price=prices,
)
HALF_A_TENTH_OF_A_CENT = Fraction(1, 20_000)


def an_instance(agent: str | None, price: str | None) -> BilledInstance:
    return BilledInstance(
        agent_id=None if agent is None else AgentId(agent),
        baseline_price=None if price is None else Decimal(price),
    )


def a_switch(agent: str, price: str, after: timedelta = timedelta()) -> BilledSwitch:
    return BilledSwitch(agent_id=AgentId(agent), at=NOON + after, price=Decimal(price))


def test_the_normative_example() -> None:
    moves = [a_switch("a", "0.0125"), a_switch("a", "0.0416", HOUR), a_switch("a", "0.0150", DAY)]

    bill = MonthlyBill.of([an_instance("a", "0.0416")], moves)

    assert bill == MonthlyBill(
        baseline_cost=Decimal("29.9520"),
        actual_cost=Decimal("10.8000"),
        savings=Decimal("19.1520"),
        savings_percent=Decimal("63.94"),
        switches=3,
        instances=1,
    )


def test_a_month_without_switches_saves_nothing() -> None:
    bill = MonthlyBill.of([an_instance("a", "0.0416"), an_instance(None, "0.1")], [])

    assert bill.actual_cost == bill.baseline_cost == Decimal("101.9520")
    assert (bill.savings, bill.savings_percent) == (NOTHING, NOTHING)


def test_a_month_that_became_dearer_saves_nothing() -> None:
    bill = MonthlyBill.of([an_instance("a", "0.01")], [a_switch("a", "0.02")])

    assert (bill.baseline_cost, bill.actual_cost) == (Decimal("7.2"), Decimal("14.4"))
    assert (bill.savings, bill.savings_percent) == (NOTHING, NOTHING)


def test_nothing_costs_nothing() -> None:
    bill = MonthlyBill.of([], [])

    assert (bill.baseline_cost, bill.savings, bill.savings_percent) == (NOTHING, NOTHING, None)


def test_of_two_switches_at_the_same_moment_the_later_told_counts() -> None:
    bill = MonthlyBill.of([an_instance("a", "1")], [a_switch("a", "0.1"), a_switch("a", "0.2")])

    assert bill.actual_cost == 144


@given(fleet=st.lists(instances, max_size=8), moves=st.lists(switches, max_size=12))
def test_every_history_adds_up(fleet: list[BilledInstance], moves: list[BilledSwitch]) -> None:
    bill = MonthlyBill.of(fleet, moves)

    baseline = sum(Fraction(one.baseline_price or 0) * 720 for one in fleet)
    actual = Fraction(0)
    for agent in {move.agent_id for move in moves}:
        theirs = sorted((m for m in moves if m.agent_id == agent), key=lambda move: move.at)
        actual += Fraction(theirs[-1].price) * 720
    for one in fleet:
        if one.agent_id not in {move.agent_id for move in moves}:
            actual += Fraction(one.baseline_price or 0) * 720
    for told, exact in (
        (bill.baseline_cost, baseline),
        (bill.actual_cost, actual),
        (bill.savings, max(Fraction(0), baseline - actual)),
    ):
        assert abs(Fraction(told) - exact) <= HALF_A_TENTH_OF_A_CENT
        assert told.as_tuple().exponent == -4
    assert (bill.switches, bill.instances) == (len(moves), len(fleet))
    if bill.savings_percent is not None:
        assert 0 <= bill.savings_percent <= 100


@pytest.mark.parametrize(
    ("mode", "spot", "on_demand", "price"),
    [
        ("spot", "0.01", "0.04", "0.01"),
        ("ondemand", "0.01", "0.04", "0.04"),
        (None, "0.01", "0.04", "0.04"),
        ("unknown", None, None, "0"),
        ("spot", None, "0.04", "0"),
    ],
)
def test_what_a_switch_led_to(
    mode: str | None, spot: str | None, on_demand: str | None, price: str
) -> None:
    given_prices = [None if text is None else Decimal(text) for text in (spot, on_demand)]

    assert price_after(mode, *given_prices) == Decimal(price)
