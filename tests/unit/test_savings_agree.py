"""Whoever is asked what was saved says the same to the cent: recomputed from the prices of random
histories, in fractions, beside the answers of every view that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spot_optimizer.adapters.persistence.admin_queries import SqlAdminQueries
from spot_optimizer.adapters.persistence.dashboard.clients import SqlClientViews
from spot_optimizer.adapters.persistence.dashboard.exports import SqlExportSource
from spot_optimizer.adapters.persistence.dashboard.instances import SqlInstanceViews
from spot_optimizer.adapters.persistence.dashboard.savings import SqlSavingsViews
from spot_optimizer.adapters.persistence.dashboard.switches import SqlSwitchViews
from spot_optimizer.adapters.persistence.tables import client_savings_monthly
from spot_optimizer.application.dashboard.switches import NEWEST_SWITCHES
from spot_optimizer.application.switching.record_switch import RecordSwitch
from spot_optimizer.domain.identifiers import InstanceId
from spot_optimizer.domain.monthly_bill import BilledInstance, BilledSwitch, MonthlyBill
from spot_optimizer.domain.savings import a_day_of
from spot_optimizer.domain.switching import SwitchPrices
from tests.builders import (
    ACME,
    AGENT,
    DAY,
    FIRST,
    FROM_ACME,
    HOUR,
    NOON,
    TODAY,
    a_client,
    a_switch_report,
    an_agent,
    an_instance,
)
from tests.fakes import CountingIdentifiers, FixedClock
from tests.stores import SqlStore

CENT = Fraction(1, 100)
DATABASES = ("sqlite", "mariadb")
price = st.none() | st.decimals(min_value=0, max_value=9, places=6)


@dataclass(frozen=True)
class Move:
    """One switch of a history."""

    wait: timedelta
    mode: str
    old_spot: Decimal | None
    new_spot: Decimal | None
    on_demand: Decimal | None

    @property
    def impact(self) -> Fraction:
        """Old price less new price; a side without a spot price pays on demand."""
        old = self.old_spot or self.on_demand or 0
        new = self.new_spot or self.on_demand or 0
        return Fraction(old) - Fraction(new)

    @property
    def price(self) -> Fraction:
        paid = self.new_spot if self.mode == "spot" else self.on_demand
        return Fraction(paid or 0)


histories = st.lists(
    st.builds(
        Move,
        wait=st.integers(1, 300).map(lambda hours: hours * HOUR),
        mode=st.sampled_from(["spot", "ondemand"]),
        old_spot=price,
        new_spot=price,
        on_demand=price,
    ),
    min_size=1,
    max_size=10,
)


def took_place(history: Sequence[Move]) -> list[datetime]:
    moment, moments = NOON, []
    for move in history:
        moment += move.wait
        moments.append(moment)
    return moments


def live_through(store: SqlStore, history: Sequence[Move]) -> datetime:
    """Every switch to and fro is reported; returns when the last one was."""
    store.clear()
    store.put(a_client(), an_agent(), an_instance(), an_instance(id=InstanceId("i-2")))
    clock = FixedClock()
    record = RecordSwitch(store.work, clock, CountingIdentifiers(), TODAY)
    for move, at in zip(history, took_place(history), strict=True):
        clock.advance(move.wait)
        report = a_switch_report()
        record(
            AGENT,
            replace(
                report,
                old=replace(report.old, instance_id=InstanceId("i-2")),
                new=replace(report.new, instance_id=FIRST, mode=move.mode),
                new_instance_id=FIRST,
                prices=SwitchPrices(
                    on_demand=move.on_demand, old_spot=move.old_spot, new_spot=move.new_spot
                ),
                timing=replace(report.timing, initiated_at=at, instance_launched_at=at),
            ),
            FROM_ACME,
        )
    return clock.now()


def agrees(told: Decimal | float, exact: Fraction) -> bool:
    return abs(Fraction(str(told)) - exact) < CENT


@pytest.mark.parametrize("database", DATABASES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_what_switches_saved(
    request: pytest.FixtureRequest, database: str, history: list[Move]
) -> None:
    store: SqlStore = request.getfixturevalue(database)
    now = live_through(store, history)
    impacts = [move.impact for move in history]
    credited = sum((max(Fraction(0), impact) * 24 for impact in impacts), Fraction(0))
    recent = [
        impact
        for impact, at in zip(impacts, took_place(history), strict=True)
        if at >= now - 30 * DAY
    ]

    admin = SqlAdminQueries(store.engine)
    assert agrees(SqlClientViews(store.engine).overview(ACME).total_savings, credited)
    assert agrees(admin.clients()[0].total_savings, credited)
    assert agrees(admin.totals().total_savings, credited)
    figures = SqlInstanceViews(store.engine).figures(FIRST, ACME, now)
    assert agrees(a_day_of(figures.impact), sum(impacts, Fraction(0)) * 24)
    assert agrees(a_day_of(figures.impact_in_a_month), sum(recent, Fraction(0)) * 24)
    assert (figures.switches, figures.switches_in_a_month) == (len(history), len(recent))
    shown = SqlSwitchViews(store.engine).of_client(ACME, None, NEWEST_SWITCHES)
    exported = [line for batch in SqlExportSource(store.engine).switches(ACME) for line in batch]
    assert [line.impact for line in shown] == [line.impact for line in exported]
    assert sum(Fraction(line.impact) for line in exported) == sum(impacts)
    assert [Fraction(line.price) for line in reversed(exported)] == [m.price for m in history]


@pytest.mark.parametrize("database", DATABASES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, baseline=st.decimals(min_value=0, max_value=9, places=6))
def test_what_a_month_saved(
    request: pytest.FixtureRequest, database: str, history: list[Move], baseline: Decimal
) -> None:
    """The bill of the month, as the savings, the charts and the exports show it."""
    store: SqlStore = request.getfixturevalue(database)
    live_through(store, history)
    lines = SqlSwitchViews(store.engine).of_client(ACME, None, NEWEST_SWITCHES)
    bill = MonthlyBill.of(
        [BilledInstance(agent_id=AGENT, baseline_price=baseline)],
        [
            BilledSwitch(agent_id=AGENT, at=line.took_place_at or NOON, price=line.price)
            for line in lines
        ],
    )
    store.insert(
        client_savings_monthly,
        client_id=ACME,
        year=2026,
        month=3,
        baseline_cost=bill.baseline_cost,
        actual_cost=bill.actual_cost,
        savings=bill.savings,
    )

    views = SqlSavingsViews(store.engine)
    (month,) = views.months_of(ACME)
    (charted,) = views.charts_of(ACME, NOON).months
    ((exported,),) = SqlExportSource(store.engine).months(ACME)

    expected = (
        Fraction(baseline) * 720,
        history[-1].price * 720,
        max(Fraction(0), Fraction(baseline) - history[-1].price) * 720,
    )
    assert month == charted == exported
    told = (month.baseline_cost, month.actual_cost, month.savings)
    for one, exact in zip(told, expected, strict=True):
        assert agrees(one, exact)
