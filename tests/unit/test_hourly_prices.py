"""Charts of prices: right whatever comes late, and cheap whatever is there
(contract/clients-and-notifications.md 6.3, 1.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zlib import compress

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
from tests.fakes import CacheAway, FixedClock, InMemoryCache
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
        self.cache = InMemoryCache(self.clock)
        self.views = SqlPriceViews(store.engine, self.clock, self.cache)

    def start_anew(self) -> None:
        """As another process, or the same after a restart."""
        self.views = SqlPriceViews(self.store.engine, self.clock, self.cache)

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

    def purge(self, before: datetime, since: datetime = NOON - 1000 * DAY) -> None:
        buckets = pricing_snapshots_clean.c
        gone = delete(pricing_snapshots_clean).where(buckets.time_bucket < before)
        self._run(gone.where(buckets.time_bucket >= since))

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


class TestWhatIsKept:
    """For a process that nobody has asked yet."""

    @pytest.fixture(autouse=True)
    def kept(self, charts: Charts) -> None:
        charts.bucket(POOL_A, NOON - 30 * HOUR, "0.01")
        charts.bucket(POOL_A, NOON - 5 * HOUR, "0.02")
        charts.bucket(POOL_A, NOON - HOUR, "0.03")
        charts.views.roll_up()
        charts.start_anew()

    def test_is_not_read_again(self, charts: Charts) -> None:
        charts.settle_anew(NOON - 5 * HOUR, "7")
        charts.settle_anew(NOON - HOUR, "0.04")
        charts.clock.advance(MINUTE)

        assert charts.shown(days=90) == {
            "28.02. 06": {POOL_A: 0.01},
            "01.03. 07": {POOL_A: 0.02},
            "01.03. 11": {POOL_A: 0.04},
        }

    @pytest.mark.parametrize("ago", [timedelta(), HOUR, 5 * HOUR, 100 * HOUR])
    def test_does_not_hide_what_has_come_since(self, charts: Charts, ago: timedelta) -> None:
        charts.bucket(POOL_B, NOON - ago, "0.05")

        assert charts.shown()[(NOON - ago).strftime("%d.%m. %H")][POOL_B] == 0.05
        assert charts.shown()["01.03. 07"][POOL_A] == 0.02

    def test_is_brought_up_by_and_by(self, charts: Charts) -> None:
        charts.bucket(POOL_B, NOON - 20 * HOUR, "0.05")
        charts.clock.advance(HOUR)
        charts.views.roll_up()
        charts.start_anew()
        charts.settle_anew(NOON - 20 * HOUR, "7")

        assert charts.shown()["28.02. 16"] == {POOL_B: 0.05}

    def test_does_not_show_what_is_gone(self, charts: Charts) -> None:
        charts.tick(POOL_B, NOON - 20 * HOUR, "0.5")
        charts.purge(NOON - 10 * HOUR)

        assert charts.shown() == {
            "28.02. 16": {POOL_B: 0.5},
            "01.03. 07": {POOL_A: 0.02},
            "01.03. 11": {POOL_A: 0.03},
        }

    def test_shows_what_was_taken_out_of_the_middle_for_a_day_at_most(self, charts: Charts) -> None:
        charts.purge(NOON - 4 * HOUR, since=NOON - 6 * HOUR)
        assert "01.03. 07" in charts.shown()
        charts.clock.advance(23 * HOUR)
        charts.views.roll_up()
        assert "01.03. 07" in charts.shown()

        charts.clock.advance(HOUR)

        assert set(charts.shown()) == {"28.02. 06", "01.03. 11"}

    def test_is_of_no_other_database(self, charts: Charts) -> None:
        charts.purge(NOON)
        for ids, ago in enumerate((30, 5, 2), 1):
            charts.bucket(POOL_A, NOON - ago * HOUR, "0.9", id=ids)

        assert charts.shown() == {
            "28.02. 06": {POOL_A: 0.9},
            "01.03. 07": {POOL_A: 0.9},
            "01.03. 10": {POOL_A: 0.9},
        }

    @pytest.mark.parametrize("value", [b"", b"nonsense", compress(b"nonsense"), compress(b"\x90")])
    def test_may_be_damaged(self, charts: Charts, value: bytes) -> None:
        for key in list(charts.cache.keys):
            charts.cache.put(key, value, DAY)

        assert len(charts.shown()) == 3

    def test_may_be_out_of_reach(self, charts: Charts) -> None:
        charts.views = SqlPriceViews(charts.store.engine, charts.clock, CacheAway())

        charts.views.roll_up()

        assert len(charts.shown()) == 3


def test_without_a_shared_cache_everybody_reads_the_buckets(charts: Charts) -> None:
    charts.views = SqlPriceViews(charts.store.engine, charts.clock, None)
    charts.bucket(POOL_A, NOON - HOUR, "0.03")
    charts.views.roll_up()

    assert charts.shown() == {"01.03. 11": {POOL_A: 0.03}}


moments = st.integers(0, 24 * 12 * 3).map(lambda number: NOW - number * 5 * MINUTE)
news = st.lists(
    st.tuples(
        st.sampled_from([POOL_A, POOL_B]),
        moments,
        st.decimals(min_value=0, max_value=9, places=6).map(str),
        st.integers(0, 90),
        st.sampled_from(["", "", "restart", "roll up", "roll up and restart", "purge"]),
    ),
    unique_by=lambda told: told[:2],
    max_size=25,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=news, interval=st.sampled_from(Interval), days=st.sampled_from([1, 2, 7]))
def test_whatever_comes_in_whatever_order_is_shown(
    sqlite: SqlStore,
    told: Sequence[tuple[str, datetime, str, int, str]],
    interval: Interval,
    days: int,
) -> None:
    """Looked at after every piece of news, as it would be without any memory; processes end, and
    the oldest is purged."""
    charts = Charts(sqlite)
    known: list[tuple[str, datetime, Decimal]] = []
    for pool_id, at, price, minutes, then in told:
        bucket = at.replace(minute=at.minute - at.minute % 5, second=0)
        charts.bucket(pool_id, bucket, price)
        known.append((pool_id, bucket, Decimal(price)))
        charts.clock.advance(minutes * MINUTE)
        if "roll up" in then:
            charts.views.roll_up()
        if "restart" in then:
            charts.start_anew()
        if then == "purge":
            charts.purge(before=bucket)
            known = [one for one in known if one[1] >= bucket]

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
