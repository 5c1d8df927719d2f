"""Submitted prices become one judged price per pool and five minutes, batch by batch."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.application.pricing.deduplicate_submissions import DeduplicateSubmissions
from spot_optimizer.domain.pricing.buckets import Bucket, BucketSnapshot
from spot_optimizer.domain.pricing.prices import SourceRole, rank_of
from spot_optimizer.domain.pricing.raw import BucketKey, RawSubmission, judge
from tests.batch_jobs import POOLS, pools, put, raw_row, works_of
from tests.builders import NOON, POOL_A, a_pool, an_observation
from tests.fakes import FixedClock, InMemoryUnitOfWork
from tests.stores import SqlStore

MEASURED = [role for role in SourceRole if role is not SourceRole.INTERPOLATED]


def a_raw(number: int, **changes: object) -> RawSubmission:
    return RawSubmission(
        id=number,
        submission_id=f"submission-{number}",
        observation=an_observation(observed_at=NOON, **changes),
        pool=a_pool(),
    )


submissions = st.lists(
    st.builds(
        lambda number, role, minute, price: (number, role, minute, price),
        st.integers(0, 3),
        st.sampled_from(MEASURED),
        st.integers(0, 14),
        st.sampled_from(["0.0125", "0.0150", "0.0000"]),
    ),
    max_size=25,
)


def raws_of(given: list[tuple[int, SourceRole, int, str]]) -> list[RawSubmission]:
    return [
        RawSubmission(
            id=number,
            submission_id=f"submission-{number}",
            observation=an_observation(
                observed_at=NOON + timedelta(minutes=minute),
                role=role,
                price=Decimal(price),
                instance_id=f"i-{instance}",
            ),
            pool=a_pool(),
        )
        for number, (instance, role, minute, price) in enumerate(given, start=1)
    ]


def run(raws: list[RawSubmission], at_once: int) -> InMemoryUnitOfWork:
    work = InMemoryUnitOfWork()
    with work:
        work.submissions.raw = {raw.id: raw for raw in raws}
        work.commit()
    DeduplicateSubmissions(work, FixedClock(), at_once)()
    return work


@given(submissions, st.integers(1, 26))
def test_however_they_are_divided_they_come_to_the_same(
    given_submissions: list[tuple[int, SourceRole, int, str]], at_once: int
) -> None:
    raws = raws_of(given_submissions)
    together, apart = run(raws, 100), run(raws, at_once)

    assert apart.prices.buckets == together.prices.buckets
    assert apart.submissions.settled == together.submissions.settled
    assert set(apart.submissions.settled) == {raw.id for raw in raws}


@given(submissions)
def test_in_each_bucket_the_highest_rank_stands_and_of_equals_the_first(
    given_submissions: list[tuple[int, SourceRole, int, str]],
) -> None:
    raws = [raw for raw in raws_of(given_submissions) if raw.observation.price > 0]
    work = run(raws, 100)

    for key, snapshot in work.prices.buckets.items():
        rivals = [raw for raw in raws if raw.key == key]
        best = max(rank_of(raw.observation.role) for raw in rivals)
        winner = next(raw for raw in rivals if rank_of(raw.observation.role) == best)
        assert snapshot == BucketSnapshot.measured(winner.observation, snapshot.bucket)
        for raw in rivals:
            is_duplicate, _ = work.submissions.settled[raw.id]
            assert is_duplicate == (raw is not winner)


def test_the_loser_names_who_won() -> None:
    manual = a_raw(1, role=SourceRole.REPLICA_MANUAL)
    primary, late = a_raw(2), a_raw(3)

    judged = judge([manual, primary, late], {}, {})

    assert [(one.is_duplicate, one.duplicate_of) for one in judged.processed] == [
        (True, "submission-2"),
        (False, None),
        (True, "submission-2"),
    ]


def test_so_does_one_that_had_stood_since_an_earlier_batch() -> None:
    manual, primary = a_raw(1, role=SourceRole.REPLICA_MANUAL), a_raw(2)
    before = judge([manual], {}, {})

    judged = judge([primary], before.added, before.winners)

    assert judged.overturned == {"submission-1": "submission-2"}
    assert judged.duplicates == 1


def test_nobody_knows_who_reported_a_price_that_was_there_before() -> None:
    key: BucketKey = (POOL_A, NOON)
    standing = BucketSnapshot.measured(an_observation(), Bucket(NOON))

    judged = judge([a_raw(1)], {key: standing}, {})

    (one,) = judged.processed
    assert (one.is_duplicate, one.duplicate_of) == (True, None)


def test_what_is_no_price_is_put_aside() -> None:
    judged = judge([a_raw(1, price=Decimal("0"))], {}, {})

    assert (judged.unusable, judged.added) == (1, {})


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_in_a_database(database: SqlStore, at_once: int) -> None:
    pools(database.engine)
    roles = ("replica-manual", "primary", "primary", "replica-automatic")
    put(
        database.engine,
        tables.pricing_submissions_raw,
        [
            raw_row(number, POOLS[0], NOON, "0.0125", source_type=role)
            for number, role in enumerate(roles)
        ],
    )

    result = DeduplicateSubmissions(works_of(database.engine), FixedClock(), at_once)()

    (bucket,) = database.rows(tables.pricing_snapshots_clean)
    assert (bucket["source_instance_id"], bucket["source_type"]) == ("i-1", "primary")
    rows = database.rows(tables.pricing_submissions_raw)
    rows.sort(key=lambda row: row["submission_id"])
    winner = rows[1]["submission_id"]
    assert [row["duplicate_of"] for row in rows] == [winner, None, winner, winner]
    assert [row["is_duplicate"] for row in rows] == [True, False, True, True]
    assert {row["processed_at"] for row in rows} == {NOON}
    assert result.processed == 4
    assert result.details == {"duplicates": 3, "errors": 0}


def test_what_an_earlier_run_has_settled_is_known_to_the_next(database: SqlStore) -> None:
    pools(database.engine)
    job = DeduplicateSubmissions(works_of(database.engine), FixedClock())
    for number, role in enumerate(("replica-manual", "primary", "replica-automatic")):
        row = raw_row(number, POOLS[0], NOON, "0.0125", source_type=role)
        put(database.engine, tables.pricing_submissions_raw, [row])
        job()

    rows = sorted(
        database.rows(tables.pricing_submissions_raw), key=lambda row: str(row["submission_id"])
    )
    winner = rows[1]["submission_id"]
    assert [row["duplicate_of"] for row in rows] == [winner, None, winner]
