"""How many clients there were: a snapshot a day, and a made-up month for a new installation."""

from datetime import date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.application.clients.snapshot_growth import BackfillGrowth, SnapshotGrowth
from spot_optimizer.domain.growth import ClientCount, GrowthSnapshot, made_up_history
from spot_optimizer.domain.identifiers import ClientId
from tests.builders import DAY, NOON, a_client, globex
from tests.fakes import FixedClock
from tests.stores import Store

TODAY = NOON.date()


@pytest.mark.parametrize(
    ("previous", "total", "new"), [(None, 5, 5), (0, 5, 5), (3, 5, 2), (5, 5, 0), (8, 5, 0)]
)
def test_what_is_new_since_the_day_before(previous: int | None, total: int, new: int) -> None:
    snapshot = GrowthSnapshot.of(TODAY, ClientCount(total, total - 1), previous)

    assert snapshot == GrowthSnapshot(day=TODAY, total=total, new=new, active=total - 1)


@given(st.integers(1, 100_000), st.dates(date(2000, 2, 1), date(2090, 1, 1)))
def test_a_made_up_history_never_shrinks(total: int, today: date) -> None:
    history = made_up_history(today, total)

    assert [one.day for one in history] == [today - timedelta(days=n) for n in range(30, -1, -1)]
    assert history[-1].total == total
    assert all(a.total <= b.total for a, b in pairwise(history))
    assert history[0].new == history[0].total
    assert {one.new for one in history[1:]} == {1}
    assert all(one.active == one.total >= 1 for one in history)


def test_below_sixty_clients_it_is_flat() -> None:
    assert {one.total for one in made_up_history(TODAY, 59)} == {59}
    assert made_up_history(TODAY, 60)[0].total == 30


class TestSnapshots:
    def test_a_second_run_on_the_same_day_changes_nothing(self, store: Store) -> None:
        store.put(a_client(), globex())
        clock = FixedClock()
        SnapshotGrowth(store.work, clock)()
        store.put(a_client(id=ClientId("third"), name="Third", email="3@x.com", token="3"))
        clock.advance(DAY)

        SnapshotGrowth(store.work, clock)()
        SnapshotGrowth(store.work, clock)()

        with store.work() as work:
            assert work.growth.newest_total_before(TODAY + DAY) == 2
            assert work.growth.newest_total_before(TODAY + 2 * DAY) == 3
            assert work.growth.newest_total_before(TODAY) is None

    def test_the_day_is_that_of_utc(self, store: Store) -> None:
        """A quarter past midnight in Berlin is the day before."""
        berlin = timezone(timedelta(hours=1))
        store.put(a_client())
        clock = FixedClock(datetime(2026, 1, 1, 0, 15, tzinfo=berlin))

        SnapshotGrowth(store.work, clock)()

        with store.work() as work:
            assert work.growth.newest_total_before(date(2026, 1, 1)) == 1

    def test_backfill_is_for_empty_charts_with_clients_only(self, store: Store) -> None:
        backfill = BackfillGrowth(store.work, FixedClock())
        assert backfill().inserted == 0
        store.put(a_client())

        assert backfill().inserted == 31
        assert backfill().inserted == 0
        with store.work() as work:
            assert not work.growth.is_empty()
            assert work.growth.newest_total_before(TODAY) == 1
            assert work.growth.newest_total_before(TODAY - 30 * DAY) is None
