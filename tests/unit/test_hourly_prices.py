"""Charts of prices: right whatever comes late, and cheap whatever is there
(contract/clients-and-notifications.md 6.3, 1.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, update

from spot_optimizer.adapters.persistence.dashboard.prices import SqlPriceViews
from spot_optimizer.adapters.persistence.tables import (
    pricing_snapshots_clean,
    spot_price_snapshots,
)
from spot_optimizer.application.dashboard.prices import (
    ChartQuestion,
    InstanceChart,
    Interval,
)
from tests.builders import (
    DAY,
    FIRST,
    FROM_ACME,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    REGION,
    TYPE,
    ZONE_A,
    ZONE_B,
    a_client,
    an_instance,
)
from tests.fakes import FixedClock
from tests.stores import SqlStore, statements

NOW = NOON + 17 * MINUTE
Shown = dict[str, dict[str, float]]


class Charts:
    """A database with one instance and two pools, and somebody who looks at its charts."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        store.clear()
        store.put(a_client(), an_instance(agent_id=None))
        store.put_pools(ZONE_A, ZONE_B)
        self.clock = FixedClock(NOW)
        self.views = SqlPriceViews(store.engine, self.clock)

    def bucket(self, pool_id: str, at: datetime, price: str, **columns: Any) -> None:
        row = {
            "pool_id": pool_id,
            "instance_type": TYPE,
            "region": REGION,
            "az": pool_id.rpartition(".")[2],
            "spot_price": Decimal(price),
            "time_bucket": at,
            "bucket_start": at,
            "bucket_end": at + 5 * MINUTE,
            "source_type": "primary",
            **columns,
        }
        self._run(insert(pricing_snapshots_clean).values(row))

    def tick(self, pool_id: str, at: datetime, price: str) -> None:
        row = {"pool_id": pool_id, "price": Decimal(price), "captured_at": at, "recorded_at": at}
        self._run(insert(spot_price_snapshots).values(row))

    def settle_anew(self, at: datetime, price: str) -> None:
        buckets = pricing_snapshots_clean
        self._run(
            update(buckets).where(buckets.c.time_bucket == at).values(spot_price=Decimal(price))
        )

    def purge(self, before: datetime) -> None:
        buckets = pricing_snapshots_clean
        self._run(delete(buckets).where(buckets.c.time_bucket < before))

    def _run(self, statement: Any) -> None:
        with self.store.engine.begin() as connection:
            connection.execute(statement)

    def ask(self, days: int = 7, interval: Interval = Interval.HOUR) -> InstanceChart:
        (answer,) = self.views.of_instances([ChartQuestion(FIRST, days, interval, FROM_ACME)])
        assert isinstance(answer, InstanceChart)
        return answer

    def shown(self, days: int = 7, interval: Interval = Interval.HOUR) -> Shown:
        points = self.ask(days, interval).chart.points
        return {point.starts_at.strftime("%d.%m. %H"): dict(point.averages) for point in points}


@pytest.fixture(params=["sqlite", "mariadb"])
def charts(request: pytest.FixtureRequest) -> Charts:
    return Charts(request.getfixturevalue(request.param))


def test_an_hour_shows_the_average_of_its_buckets(charts: Charts) -> None:
    charts.bucket(POOL_A, NOON - HOUR, "0.010000")
    charts.bucket(POOL_A, NOON - 5 * MINUTE, "0.010001")
    charts.bucket(POOL_A, NOON - 30 * MINUTE, "0.010001")
    charts.bucket(POOL_B, NOON, "0.02")
    charts.tick(POOL_B, NOON, "5")

    assert charts.shown() == {
        "01.03. 11": {POOL_A: 0.0100006667},
        "01.03. 12": {POOL_B: 0.02},
    }
    assert [pool.id for pool in charts.ask().chart.pools] == [POOL_A, POOL_B]


def test_a_day_shows_the_average_of_its_buckets_not_of_its_hours(charts: Charts) -> None:
    charts.bucket(POOL_A, NOON - DAY, "0.01")
    charts.bucket(POOL_A, NOON - DAY + 5 * MINUTE, "0.01")
    charts.bucket(POOL_A, NOON - DAY + HOUR, "0.04")

    assert charts.shown(interval=Interval.DAY) == {"28.02. 00": {POOL_A: 0.02}}


def test_the_window_begins_to_the_bucket(charts: Charts) -> None:
    charts.bucket(POOL_A, NOW - DAY - 2 * MINUTE, "9")
    charts.bucket(POOL_A, NOW - DAY + 3 * MINUTE, "0.02")

    assert charts.shown(days=1) == {"28.02. 12": {POOL_A: 0.02}}
    assert charts.shown(days=2) == {"28.02. 12": {POOL_A: 4.51}}


def test_where_nothing_was_settled_ticks_are_shown(charts: Charts) -> None:
    charts.tick(POOL_A, NOON - HOUR, "0.01")
    charts.tick(POOL_A, NOON - 59 * MINUTE, "0.02")
    assert charts.shown() == {"01.03. 11": {POOL_A: 0.015}}

    charts.tick(POOL_A, NOON - 58 * MINUTE, "0.03")
    assert charts.shown() == {"01.03. 11": {POOL_A: 0.02}}


def test_ticks_of_the_former_server_are_shown_up_to_the_first_bucket(charts: Charts) -> None:
    charts.tick(POOL_A, NOON - 50 * MINUTE, "0.01")
    charts.tick(POOL_A, NOON - 10 * MINUTE, "7")
    charts.bucket(POOL_A, NOON - 40 * MINUTE, "0.03")

    assert charts.shown() == {"01.03. 11": {POOL_A: 0.02}}


def test_guesses_are_not_shown(charts: Charts) -> None:
    charts.bucket(
        POOL_A, NOON - HOUR, "0.01", data_source="interpolated", source_type="interpolated"
    )

    assert charts.shown() == {}


class TestWhatIsRemembered:
    @pytest.fixture(autouse=True)
    def looked_at(self, charts: Charts) -> None:
        charts.bucket(POOL_A, NOON - 30 * HOUR, "0.01")
        charts.bucket(POOL_A, NOON - HOUR, "0.01")
        charts.shown()

    def test_is_the_same_chart(self, charts: Charts) -> None:
        assert charts.ask().chart is charts.ask().chart

    @pytest.mark.parametrize("ago", [timedelta(), HOUR, 5 * HOUR, 30 * HOUR, 100 * HOUR])
    def test_does_not_hide_what_comes_late(self, charts: Charts, ago: timedelta) -> None:
        charts.bucket(POOL_B, NOON - ago, "0.05")

        label = (NOON - ago).strftime("%d.%m. %H")
        assert charts.shown()[label][POOL_B] == 0.05
        assert charts.shown()["01.03. 11"][POOL_A] == 0.01
        assert charts.shown()["28.02. 06"][POOL_A] == 0.01

    def test_does_not_hide_for_long_what_was_settled_anew(self, charts: Charts) -> None:
        charts.settle_anew(NOON - HOUR, "0.07")
        charts.clock.advance(MINUTE)

        assert charts.shown()["01.03. 11"] == {POOL_A: 0.07}

    def test_does_not_show_what_is_gone(self, charts: Charts) -> None:
        charts.purge(NOON - DAY)

        assert set(charts.shown()) == {"01.03. 11"}

    def test_serves_shorter_and_longer_windows(self, charts: Charts) -> None:
        charts.bucket(POOL_A, NOON - 20 * DAY, "0.09")

        assert set(charts.shown(days=1)) == {"01.03. 11"}
        assert "09.02. 12" in charts.shown(days=30)
        assert len(charts.shown(days=7)) == 2

    def test_costs_no_more_however_much_there_is(self, charts: Charts) -> None:
        for minute in range(0, 1200, 5):
            charts.bucket(POOL_B, NOON - 3 * DAY + minute * MINUTE, "0.05")
        charts.shown()

        with statements(charts.store.engine) as sent:
            charts.shown()

        assert len([one for one in sent if "BEGIN" not in one]) == 1


moments = st.integers(0, 24 * 12 * 3).map(lambda number: NOW - number * 5 * MINUTE)
news = st.lists(
    st.tuples(
        st.sampled_from([POOL_A, POOL_B]),
        moments,
        st.decimals(min_value=0, max_value=9, places=6).map(str),
        st.integers(0, 90),
    ),
    unique_by=lambda told: told[:2],
    max_size=25,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=news, interval=st.sampled_from(Interval), days=st.sampled_from([1, 2, 7]))
def test_whatever_comes_in_whatever_order_is_shown(
    sqlite: SqlStore,
    told: Sequence[tuple[str, datetime, str, int]],
    interval: Interval,
    days: int,
) -> None:
    """Looked at after every piece of news, as it would be without any memory."""
    charts = Charts(sqlite)
    known: list[tuple[str, datetime, Decimal]] = []
    for pool_id, at, price, minutes in told:
        bucket = at.replace(minute=at.minute - at.minute % 5, second=0)
        charts.bucket(pool_id, bucket, price)
        known.append((pool_id, bucket, Decimal(price)))
        charts.clock.advance(minutes * MINUTE)

        since = charts.clock.now() - timedelta(days=days)
        sums: dict[datetime, dict[str, list[Decimal]]] = {}
        for pool, moment, paid in known:
            if moment >= since:
                hour = 0 if interval is Interval.DAY else moment.hour
                begins = moment.replace(hour=hour, minute=0).astimezone(UTC)
                sums.setdefault(begins, {}).setdefault(pool, []).append(paid)
        expected = [
            (begins, {pool: average(paid) for pool, paid in pools.items()})
            for begins, pools in sorted(sums.items())
        ]
        points = charts.ask(days, interval).chart.points
        assert [(point.starts_at, dict(point.averages)) for point in points] == expected


def average(prices: Sequence[Decimal]) -> float:
    exact = sum(prices, Decimal(0)) / len(prices)
    return float(exact.quantize(Decimal("1e-10"), ROUND_HALF_UP))
