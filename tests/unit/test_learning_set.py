"""The prices that models are trained with (contract/admin-ml-and-jobs.md 4.8)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from statistics import pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.persistence import tables, trusted_prices
from spot_optimizer.application.ports.model_files import ModelFilesUnavailable
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.learning import LearningRow, MarketHistory, TrustedPrice
from tests.batch_jobs import DAY, FIVE_MINUTES, JOBS, POOLS, clean_row, learning_job, pools, put
from tests.builders import NOON
from tests.stores import SqlStore


def a_history(prices: list[float]) -> list[LearningRow]:
    history = MarketHistory("t3.medium", "us-east-1", 0.04)
    return [
        row
        for place, price in enumerate(prices)
        for row in history.rows(
            [TrustedPrice(PoolId("a"), "za", NOON + FIVE_MINUTES * place, price, None)]
        )
    ]


@given(st.lists(st.floats(0.001, 10), max_size=400))
def test_changes_and_volatility_look_back(prices: list[float]) -> None:
    rows = a_history(prices)

    for place, row in enumerate(rows):
        hour = prices[place] - prices[place - 12] if place >= 12 else None
        day = prices[place] - prices[place - 288] if place >= 288 else None
        assert (row.price_change_1h, row.price_change_24h) == (hour, day)
    for place in (0, 71, 72, 399):
        if place < len(rows):
            wanted = pstdev(prices[max(0, place - 71) : place + 1])
            assert rows[place].price_volatility_6h == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(
    ("at", "day"),
    [("2026-03-01", 1), ("2026-03-02", 2), ("2026-03-07", 7), ("2028-02-29", 3)],
)
def test_sunday_is_the_first_day(at: str, day: int) -> None:
    start = datetime.fromisoformat(f"{at}T12:00:00+00:00")
    history = MarketHistory("t3.medium", "us-east-1", None)

    (row,) = history.rows([TrustedPrice(PoolId("a"), "za", start, 1.0, None)])

    assert (row.day_of_week, row.day_of_month) == (day, int(at[-2:]))
    assert row.ondemand_price is None


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=1, max_size=8))
def test_equal_prices_have_equal_ranks(prices: list[float]) -> None:
    history = MarketHistory("t3.medium", "us-east-1", None)
    bucket = [TrustedPrice(PoolId(f"{n}"), "z", NOON, it, 0.4) for n, it in enumerate(prices)]

    ranks = [row.pool_rank_by_price for row in history.rows(bucket)]

    assert ranks == [1 + sum(other < price for other in prices) for price in prices]


def test_the_file_holds_all_trusted_prices_of_two_years(
    database: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever way the reading is cut, here in the middle of every bucket."""
    JOBS["gaps"].seed(database.engine)
    put(
        database.engine,
        tables.pricing_snapshots_clean,
        [
            clean_row(POOLS[0], NOON - DAY * 731, "0.0125"),
            clean_row(POOLS[0], NOON, "0.5", confidence_score=Decimal("0.85")),
            clean_row(POOLS[0], NOON - DAY * 700, "0.5", ondemand_price=Decimal("0.05")),
        ],
    )
    job, file = learning_job(database.engine)
    whole = job().processed
    wanted = file.rows
    monkeypatch.setattr(trusted_prices, "_PRICES", trusted_prices._PRICES.limit(4))  # noqa: SLF001
    monkeypatch.setattr(trusted_prices, "_READ_AT_ONCE", 4)

    assert job().processed == whole == len(wanted) == 300 - 26 - 31 + 1
    assert file.rows == wanted
    assert {row["ondemand_price"] for row in wanted} == {"0.05"}
    assert wanted[0]["time_bucket"] == str(NOON - DAY * 700)
    assert wanted[0]["price_change_1h"] == ""
    assert [row["time_bucket"] for row in wanted] == sorted(row["time_bucket"] for row in wanted)


def test_an_empty_history_makes_an_empty_file(database: SqlStore) -> None:
    pools(database.engine)
    job, file = learning_job(database.engine)

    assert job().processed == 0
    assert file.rows == []


def test_a_place_that_cannot_be_written_fails_the_job(database: SqlStore) -> None:
    job, file = learning_job(database.engine)

    def full(*_: object) -> None:
        raise ModelFilesUnavailable("no space left")

    file.files.put = full  # type: ignore[method-assign, assignment]

    with pytest.raises(ModelFilesUnavailable):
        job()
