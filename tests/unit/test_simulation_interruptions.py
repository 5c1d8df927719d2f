"""Reading recorded interruptions and finding the losses in them."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spot_optimizer.simulation.interruptions import Interruption, read_interruptions
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.trace_files import UnreadableTrace

A = Pool("us-east-1", "m5.large", "us-east-1a")
B = Pool("us-east-1", "m5.large", "us-east-1b")
TRACE = """timestamp,us-east-1a|m5.large,us-east-1b|m5.large
2023-04-19T00:00:00Z,1,0
2023-04-19T00:10:00Z,1,0
2023-04-19T00:20:00Z,0,0
2023-04-19T00:22:00Z,1,0
2023-04-19T00:24:00Z,0,0
2023-04-19T00:30:00Z,0,1
2023-04-19T01:00:00Z,1,1
"""


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "trace.csv.gz"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class TestLosses:
    @pytest.mark.parametrize("packed", [False, True])
    def test_an_edge_from_one_to_nought_is_a_notice_and_a_reclaim_two_minutes_later(
        self, tmp_path: Path, packed: bool
    ) -> None:
        content = gzip.compress(TRACE.encode(), mtime=0) if packed else TRACE.encode()
        trace = read_interruptions(written(tmp_path, content))

        loss = trace.next_after(A, minutes(0))

        assert loss == Interruption(notice_at=minutes(20), rebalance_at=minutes(15))
        assert loss.reclaim_at == minutes(22)

    def test_a_short_spell_of_capacity_gives_no_early_hint(self, tmp_path: Path) -> None:
        trace = read_interruptions(written(tmp_path, TRACE))

        assert trace.next_after(A, minutes(20)) == Interruption(minutes(24), None)

    def test_the_trace_begins_again_when_it_ends(self, tmp_path: Path) -> None:
        trace = read_interruptions(written(tmp_path, TRACE))

        assert trace.next_after(A, minutes(24)) == Interruption(minutes(80), minutes(75))
        assert trace.next_after(A, minutes(80)) == Interruption(minutes(84), None)

    def test_a_fleet_may_start_in_the_middle_of_it(self, tmp_path: Path) -> None:
        begin = datetime(2023, 4, 19, 0, 21, tzinfo=UTC)
        trace = read_interruptions(written(tmp_path, TRACE), begin)

        assert trace.next_after(A, minutes(0)) == Interruption(minutes(3), None)
        assert trace.next_after(A, minutes(3)) == Interruption(minutes(59), minutes(54))
        assert not trace.is_available(A, minutes(0))
        assert trace.is_available(A, minutes(1))
        assert not trace.is_available(A, minutes(3))

    @pytest.mark.parametrize("minute", [-1, 60, 61])
    def test_but_not_outside_of_it(self, tmp_path: Path, minute: int) -> None:
        begin = datetime(2023, 4, 19, tzinfo=UTC) + minutes(minute)

        with pytest.raises(UnreadableTrace, match="is not between"):
            read_interruptions(written(tmp_path, TRACE), begin)

    def test_neither_the_beginning_nor_a_return_is_a_loss(self, tmp_path: Path) -> None:
        assert read_interruptions(written(tmp_path, TRACE)).next_after(B, minutes(0)) is None

    def test_a_pool_nobody_watched_is_never_interrupted(self, tmp_path: Path) -> None:
        trace = read_interruptions(written(tmp_path, TRACE))
        other = Pool("eu-west-1", "m5.large", "eu-west-1a")

        assert trace.next_after(other, minutes(0)) is None
        assert trace.is_available(other, minutes(0))

    @pytest.mark.parametrize(
        ("at", "available"), [(0, True), (19, True), (20, False), (23, True), (59, False)]
    )
    def test_a_pool_has_room_while_it_is_available(
        self, tmp_path: Path, at: float, available: bool
    ) -> None:
        trace = read_interruptions(written(tmp_path, TRACE))

        assert trace.is_available(A, minutes(at)) is available
        assert trace.is_available(A, minutes(60 + at)) is available

    def test_the_pools_are_named(self, tmp_path: Path) -> None:
        assert read_interruptions(written(tmp_path, TRACE)).pools == (A, B)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "does not begin with a column timestamp"),
        ("timestamp\n", "does not begin with a column timestamp"),
        ("time,us-east-1a|m5.large\n", "does not begin with a column timestamp"),
        ("timestamp,m5.large\n", "'m5.large' is not zone|instance_type"),
        ("timestamp,us-east-1a|m5.large,us-east-1a|m5.large\n", "names a pool twice"),
        ("timestamp,us-east-1a|m5.large\n2023-01-01,1\n", "needs two or more lines"),
        ("timestamp,us-east-1a|m5.large\n2023-01-02,1\n2023-01-01,1\n", "in order of time"),
        ("timestamp,us-east-1a|m5.large\n2023-01-01,2\n", "line 2: '2' is neither 0 nor 1"),
        ("timestamp,us-east-1a|m5.large\n2023-01-01\n", "line 2: 1 values for 2 columns"),
        ("timestamp,us-east-1a|m5.large\nonce,1\n", "line 2: 'once' is not a time"),
        (gzip.compress(TRACE.encode(), mtime=0)[:-12], "is damaged gzip"),
    ],
)
def test_a_broken_trace_is_one_clear_error(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    path = written(tmp_path, content)

    with pytest.raises(UnreadableTrace) as raised:
        read_interruptions(path)

    assert reason in raised.value.reason
    assert raised.value.path == path
