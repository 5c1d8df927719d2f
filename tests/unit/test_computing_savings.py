"""The month of each client, computed anew each day (contract/admin-ml-and-jobs.md 4.5)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.billing import SqlBilledClients
from spot_optimizer.application.savings.compute_monthly_savings import ComputeMonthlySavings
from spot_optimizer.application.savings.snapshot_savings import SnapshotSavings
from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.monthly_bill import month_of
from tests.batch_jobs import JOBS, put, works_of
from tests.builders import NOON
from tests.fakes import FixedClock
from tests.stores import SqlStore


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
def test_every_instant_lies_in_its_month(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    since, until = month_of(instant)

    assert since <= instant < until
    assert (since.day, until.day) == (1, 1)
    assert month_of(until)[0] == until
    assert month_of(until - timedelta(microseconds=1)) == (since, until)
    assert 28 <= (until - since).days <= 31


def compute(store: SqlStore, now: datetime = NOON) -> int:
    clients = SqlBilledClients(store.engine)
    return ComputeMonthlySavings(works_of(store.engine), FixedClock(now), clients)().updated


def test_switches_count_once_and_nobody_saves_without_one(database: SqlStore) -> None:
    """The figures of the contract: of two switches of one agent the latest counts."""
    JOBS["savings"].seed(database.engine)

    assert compute(database) == 3

    rows = {row["client_id"]: row for row in database.rows(tables.client_savings_monthly)}
    assert set(rows) == {"client-0", "client-1", "client-3"}
    switched, stayed = rows["client-1"], rows["client-0"]
    assert (switched["year"], switched["month"]) == (2026, 3)
    assert switched["baseline_cost"] == Decimal("29.9520")
    assert switched["actual_cost"] == Decimal("10.8000")
    assert switched["savings"] == Decimal("19.1520")
    assert switched["savings_percentage"] == Decimal("63.94")
    assert (switched["switch_count"], switched["instance_count"]) == (2, 1)
    assert (stayed["actual_cost"], stayed["savings"]) == (Decimal("29.9520"), Decimal("0.0000"))


def test_a_month_that_is_over_stays_as_it_was(database: SqlStore) -> None:
    JOBS["savings"].seed(database.engine)
    compute(database, datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC))
    march = database.rows(tables.client_savings_monthly)
    database.change(tables.instances, baseline_ondemand_price=Decimal("1"))

    compute(database, datetime(2026, 4, 1, tzinfo=UTC))

    rows = database.rows(tables.client_savings_monthly)
    assert [row for row in rows if row["month"] == 3] == march
    (april,) = [row for row in rows if (row["month"], row["client_id"]) == (4, "client-1")]
    assert (april["switch_count"], april["savings"]) == (0, 0)


def test_one_client_that_cannot_be_computed_keeps_no_other_waiting(
    database: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    JOBS["savings"].seed(database.engine)

    class WithOneThatIsGone:
        def active(self) -> list[ClientId]:
            return [ClientId("gone"), ClientId("client-1")]

    job = ComputeMonthlySavings(works_of(database.engine), FixedClock(), WithOneThatIsGone())
    result = job()

    assert (result.updated, result.details) == (1, {"left_out": 1})
    assert "client gone was left out" in caplog.text
    (told,) = result.occurrences
    assert told.event is not None
    assert told.event.message == "Computed monthly savings for 2 clients"


def test_nothing_is_saved_by_an_empty_installation(database: SqlStore) -> None:
    assert compute(database) == 0
    put(database.engine, tables.clients, [])
    assert database.rows(tables.client_savings_monthly) == []


def test_a_day_counts_what_its_switches_save_in_a_day(database: SqlStore) -> None:
    """(0.0291 - 0.0009) x 24, whenever it is computed on the day after, and however often."""
    JOBS["savings"].seed(database.engine)
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    assert midnight - timedelta(days=1) < NOON < midnight

    for now in (midnight, midnight + timedelta(hours=5), midnight + timedelta(days=1)):
        SnapshotSavings(works_of(database.engine), FixedClock(now))()

    row = database.row(tables.savings_snapshots)
    assert (row["client_id"], row["snapshot_date"]) == ("client-1", NOON.date())
    assert (row["daily_savings"], row["switch_count"]) == (Decimal("0.6768"), 2)
