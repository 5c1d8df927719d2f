"""What pools cost while nobody looked, over a day of all markets (contract/domain.md 4.1.8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.market_queries import SqlMarketQueries
from spot_optimizer.application.pricing.fill_gaps import FillGaps, Market
from spot_optimizer.domain.jobs import JobResult
from tests.batch_jobs import DAY, FIVE_MINUTES, JOBS, POOLS, clean_row, pools, put, works_of
from tests.builders import NOON
from tests.fakes import FixedClock
from tests.stores import SqlStore, statements

FIRST = NOON - timedelta(hours=12)


def fill(store: SqlStore, now: datetime = NOON) -> JobResult:
    markets = SqlMarketQueries(store.engine)
    return FillGaps(works_of(store.engine), FixedClock(now), markets, DAY)()


def test_gaps_of_up_to_two_hours_are_filled_with_their_origin(database: SqlStore) -> None:
    JOBS["gaps"].seed(database.engine)

    result = fill(database)

    origins = database.rows(tables.pricing_snapshots_interpolated)
    assert len(origins) == result.inserted == 1 + 5 + 20 + 1
    clean = {row["id"]: row for row in database.rows(tables.pricing_snapshots_clean)}
    filled = [row for row in clean.values() if row["data_source"] == "interpolated"]
    assert len(filled) == len(origins)
    assert {row["confidence_score"] for row in filled} == {
        Decimal("0.85"),
        Decimal("0.75"),
        Decimal("0.70"),
    }
    assert {row["ondemand_price"] for row in filled} == {None}
    for origin in origins:
        before = clean[origin["interpolated_from_before"]]
        after = clean[origin["interpolated_from_after"]]
        width = after["time_bucket"] - before["time_bucket"]
        assert before["time_bucket"] < origin["time_bucket"] < after["time_bucket"]
        assert width == timedelta(minutes=origin["gap_duration_minutes"])
        assert before["data_source"] == after["data_source"] == "measured"
    assert result.details["gaps_filled"] == 27
    assert result.details["gaps_found"] > 27 + 30  # the long one, and what lies outside


def test_the_bucket_in_progress_is_left_alone(database: SqlStore) -> None:
    pools(database.engine)
    around = (NOON - FIVE_MINUTES, NOON + FIVE_MINUTES)
    put(
        database.engine,
        tables.pricing_snapshots_clean,
        [clean_row(POOLS[0], start, "0.0125") for start in around],
    )

    assert fill(database, NOON + timedelta(minutes=4)).inserted == 0
    assert fill(database, NOON + timedelta(minutes=11)).inserted == 1


def test_inactive_pools_have_no_gaps_and_are_no_peers(database: SqlStore) -> None:
    JOBS["gaps"].seed(database.engine)
    database.change(tables.spot_pools, is_active=False)

    assert fill(database).inserted == 0
    assert SqlMarketQueries(database.engine).markets() == []


def test_what_fails_in_one_market_keeps_no_other_waiting(
    database: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    JOBS["gaps"].seed(database.engine)
    queries = SqlMarketQueries(database.engine)

    class WithOneThatIsBroken:
        series = queries.series

        def markets(self) -> list[Market]:
            return [Market("broken", ""), *queries.markets()]

    broken = WithOneThatIsBroken()

    def series(market: Market, since: datetime, until: datetime) -> object:
        if market.instance_type == "broken":
            raise ValueError("no luck")
        return queries.series(market, since, until)

    broken.series = series  # type: ignore[method-assign, assignment]
    result = FillGaps(works_of(database.engine), FixedClock(), broken, DAY)()

    assert (result.inserted, result.details["left_out"]) == (27, 1)
    assert "market broken in  was left out" in caplog.text


def test_a_former_origin_gives_way(database: SqlStore) -> None:
    """Of an estimate that nobody knows any more."""
    JOBS["gaps"].seed(database.engine)
    put(
        database.engine,
        tables.pricing_snapshots_interpolated,
        [
            {
                "pool_id": POOLS[0],
                "instance_type": "t3.medium",
                "region": "us-east-1",
                "az": "us-east-1a",
                "spot_price": Decimal("9"),
                "time_bucket": FIRST + 3 * FIVE_MINUTES,
            }
        ],
    )

    assert fill(database).inserted == 27
    assert Decimal("9") not in {
        row["spot_price"] for row in database.rows(tables.pricing_snapshots_interpolated)
    }


def test_a_day_costs_the_same_however_long_the_history_is(database: SqlStore) -> None:
    """No statement without the window in it, and none more for each day on record."""
    JOBS["gaps"].seed(database.engine)
    with statements(database.engine) as of_a_day:
        fill(database)
    database.clear()
    JOBS["gaps"].seed(database.engine)
    put(
        database.engine,
        tables.pricing_snapshots_clean,
        [
            clean_row(POOLS[0], FIRST - DAY * days - FIVE_MINUTES * 2 * place, "0.0125")
            for days in range(1, 20)
            for place in range(5)
        ],
    )

    with statements(database.engine) as of_many_days:
        fill(database)

    assert len(of_many_days) == len(of_a_day)
