"""Old rows go, a few at a time; everything else stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.old_rows import KEPT
from spot_optimizer.application.admin.purge_old_rows import PurgeOldRows
from spot_optimizer.domain.jobs import JobResult
from spot_optimizer.domain.retention import PERIODS, Record, days_kept
from tests.batch_jobs import JOBS, works_of
from tests.builders import DAY, NOON
from tests.fakes import FixedClock, InMemoryUnitOfWork, SteadyStopwatch
from tests.stores import SqlStore, statements


def test_rows_at_the_limit_stay_and_rows_beyond_it_go(database: SqlStore) -> None:
    JOBS["purge"].seed(database.engine)

    result = JOBS["purge"].make(database.engine)()
    assert isinstance(result, JobResult)

    oldest = NOON - 30 * DAY
    assert {row["captured_at"] for row in database.rows(tables.spot_price_snapshots)} == {
        NOON,
        oldest,
    }
    notifications = database.rows(tables.notifications)
    assert len([row for row in notifications if not row["is_read"]]) == 6
    assert all(row["created_at"] >= oldest for row in notifications if row["is_read"])
    assert min(row["created_at"] for row in database.rows(tables.risk_scores)) == NOON - 50 * DAY
    assert result.deleted == 4 + 4 + 1 + 6
    assert result.details == {
        "spot_price_snapshots": 4,
        "notifications": 4,
        "risk_scores": 1,
        "commands": 6,
        "left_out": 0,
    }


def test_orders_that_are_not_over_stay(database: SqlStore) -> None:
    JOBS["purge"].seed(database.engine)

    JOBS["purge"].make(database.engine)()

    left = {(row["id"]) for row in database.rows(tables.commands)}
    assert left == {
        "command-0-pending",
        "command-0-completed",
        "command-0-failed",
        "command-0-cancelled",
        "command-1-pending",
        "command-2-pending",
    }


def test_no_transaction_deletes_more_than_a_few(database: SqlStore) -> None:
    JOBS["purge"].seed(database.engine)
    purge = PurgeOldRows(
        works_of(database.engine),
        FixedClock(),
        SteadyStopwatch(),
        lambda _: None,
        {Record.SPOT_PRICES: 30},
        at_once=1,
    )

    with statements(database.engine) as sent:
        purge()

    assert len([one for one in sent if one.startswith("DELETE")]) == 4


@given(st.integers(0, 30), st.integers(1, 7))
def test_after_each_batch_it_rests_as_long_as_that_took(rows: int, at_once: int) -> None:
    work, rests = InMemoryUnitOfWork(), list[float]()
    with work:
        work.old_rows.rows[Record.AUDIT] = [NOON - 200 * DAY] * rows + [NOON]
        work.commit()

    purge = PurgeOldRows(
        work, FixedClock(), SteadyStopwatch(0.25), rests.append, {Record.AUDIT: 180}, at_once
    )
    result = purge()

    assert result.deleted == rows
    assert work.old_rows.rows[Record.AUDIT] == [NOON]
    assert max(work.old_rows.batches) <= at_once
    assert rests == [0.25] * (rows // at_once)


def test_it_is_told_and_audited_once_for_each_kind() -> None:
    work = InMemoryUnitOfWork()
    with work:
        work.old_rows.rows[Record.AUDIT] = [NOON - 200 * DAY] * 3
        work.commit()

    result = PurgeOldRows(
        work, FixedClock(), SteadyStopwatch(), lambda _: None, {Record.AUDIT: 180}
    )()

    event, audit = result.occurrences
    assert event.event is not None
    assert event.event.message == "Cleaned up old time-series data"
    assert audit.audit is not None
    assert (audit.audit.entity_id, audit.audit.details) == ("audit_logs", {"rows": 3})


def test_zero_days_keep_for_ever() -> None:
    periods = dict.fromkeys(PERIODS, 0) | {"metrics": 5}

    assert days_kept(periods) == dict.fromkeys(PERIODS["metrics"], 5)


def test_every_record_has_a_period_and_a_place() -> None:
    assert {record for records in PERIODS.values() for record in records} == set(Record)
    assert {*KEPT, Record.RISK_SCORES} == set(Record)


@pytest.mark.parametrize("record", Record)
def test_every_kind_can_be_purged(database: SqlStore, record: Record) -> None:
    with database.work() as work:
        batch = work.old_rows.delete(record, NOON, None, 10)
        work.commit()

    assert (batch.rows, batch.position) == (0, None)


def test_what_is_spared_is_passed_by(database: SqlStore) -> None:
    """Unread notifications in between do not end the search for read ones."""
    JOBS["purge"].seed(database.engine)
    with database.work() as work:
        first = work.old_rows.delete(Record.READ_NOTIFICATIONS, NOON, None, 1)
        rows, position = first.rows, first.position
        while position is not None:
            batch = work.old_rows.delete(Record.READ_NOTIFICATIONS, NOON, position, 1)
            rows, position = rows + batch.rows, batch.position
        work.commit()

    assert rows == 5
