"""One judged price per pool and five minutes."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId
from spot_optimizer.domain.pricing.buckets import (
    Bucket,
    BucketOutcome,
    BucketSnapshot,
    DataSource,
    Settlement,
    settle,
)
from spot_optimizer.domain.pricing.prices import PriceObservation, SourceRole

TEN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
PRIMARY, AUTOMATIC, MANUAL, INTERPOLATED = SourceRole

instants = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone itself
    max_value=datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
prices = st.decimals(min_value=Decimal("0.001"), max_value=100, places=6)


@pytest.mark.parametrize(
    ("minute", "second", "start"), [(0, 0, 0), (4, 59, 0), (5, 0, 5), (59, 59, 55)]
)
def test_a_bucket_starts_at_the_last_full_five_minutes(
    minute: int, second: int, start: int
) -> None:
    bucket = Bucket.of(TEN.replace(minute=minute, second=second))

    assert bucket.start == TEN.replace(minute=start)
    assert bucket.end == TEN.replace(minute=start + 4, second=59)


@given(instants)
def test_every_instant_lies_in_exactly_one_bucket(instant: datetime) -> None:
    bucket = Bucket.of(instant)

    assert bucket.start <= instant < bucket.next.start
    assert bucket.start.timestamp() % 300 == 0
    assert bucket.next.start - bucket.start == timedelta(minutes=5)
    assert Bucket.of(bucket.start) == Bucket.of(bucket.end) == bucket
    assert Bucket.of(bucket.end + timedelta(seconds=1)) == bucket.next


def test_the_first_price_makes_the_bucket() -> None:
    outcome = settle(None, seen("0.0125", ondemand="0.0416"), Bucket(TEN))

    assert outcome.reason is Settlement.NEW_SNAPSHOT
    assert outcome.accepted
    assert outcome.snapshot == BucketSnapshot(
        pool_id=PoolId("t3.medium.us-east-1a"),
        bucket=Bucket(TEN),
        spot_price=Decimal("0.0125"),
        ondemand_price=Decimal("0.0416"),
        savings_percent=Decimal("69.95"),
        role=PRIMARY,
        agent_id=AgentId("agent-1"),
        instance_id=InstanceId("i-1"),
        confidence=Decimal("1.00"),
        data_source=DataSource.MEASURED,
    )


def test_without_an_on_demand_price_there_are_no_savings() -> None:
    assert settle(None, seen("0.0125"), Bucket(TEN)).snapshot.savings_percent is None


def test_savings_fit_their_column() -> None:
    outcome = settle(None, seen("100", ondemand="0.001"), Bucket(TEN))

    assert outcome.snapshot.savings_percent == Decimal("-999.99")


# contract/domain.md 4.1.7: what is there, what comes, whether it counts.
TABLE = [
    (PRIMARY, PRIMARY, "keep"),
    (PRIMARY, AUTOMATIC, "keep"),
    (PRIMARY, MANUAL, "keep"),
    (AUTOMATIC, PRIMARY, "replace"),
    (AUTOMATIC, AUTOMATIC, "keep"),
    (AUTOMATIC, MANUAL, "keep"),
    (MANUAL, PRIMARY, "replace"),
    (MANUAL, AUTOMATIC, "replace"),
    (MANUAL, MANUAL, "keep"),
    (INTERPOLATED, PRIMARY, "replace"),
    (INTERPOLATED, AUTOMATIC, "replace"),
    (INTERPOLATED, MANUAL, "replace"),
]


@pytest.mark.parametrize(("there", "comes", "verdict"), TABLE)
def test_the_higher_rank_counts_and_among_equals_the_first(
    there: SourceRole, comes: SourceRole, verdict: str
) -> None:
    existing = a_snapshot("0.0456", role=there)

    outcome = settle(existing, seen("0.0500", role=comes), Bucket(TEN))

    if verdict == "replace":
        assert outcome.reason is Settlement.REPLACED_EXISTING
        assert outcome.accepted
        assert outcome.replaced is existing
        assert outcome.snapshot.role is comes
        assert outcome.snapshot.spot_price == Decimal("0.0500")
        assert outcome.snapshot.is_measured
    else:
        expected = Settlement.KEPT if there is comes else Settlement.LOWER_PRIORITY
        assert outcome.reason is expected
        assert not outcome.accepted
        assert outcome.replaced is None
        assert outcome.snapshot is existing


def test_the_table_covers_all_pairs() -> None:
    assert {(there, comes) for there, comes, _ in TABLE} == {
        (there, comes) for there in SourceRole for comes in SourceRole if comes is not INTERPOLATED
    }


@pytest.mark.parametrize(
    ("role", "confidence"), [(PRIMARY, "1.00"), (AUTOMATIC, "0.95"), (MANUAL, "0.95")]
)
def test_a_bucket_is_as_trustworthy_as_its_source(role: SourceRole, confidence: str) -> None:
    outcome = settle(None, seen("0.05", role=role), Bucket(TEN))

    assert outcome.snapshot.confidence == Decimal(confidence)


def test_the_primary_overrules_its_replica() -> None:
    # contract D-22
    first = settle(None, seen("0.0456", role=AUTOMATIC), Bucket(TEN)).snapshot

    second = settle(first, seen("0.0500", role=PRIMARY), Bucket(TEN)).snapshot

    assert second.spot_price == Decimal("0.0500")
    assert second.role is PRIMARY
    assert second.confidence == Decimal("1.00")


def test_a_measured_price_takes_the_place_of_an_estimate_in_everything() -> None:
    estimate = a_snapshot("0.05", role=INTERPOLATED)

    outcome = settle(estimate, seen("0.04", ondemand="0.08", role=MANUAL), Bucket(TEN))

    assert outcome.snapshot.data_source is DataSource.MEASURED
    assert outcome.snapshot.ondemand_price == Decimal("0.08")
    assert outcome.snapshot.savings_percent == Decimal("50.00")
    assert outcome.snapshot.confidence == Decimal("0.95")


@pytest.mark.parametrize(
    ("price", "discrepancy"), [("0.11", False), ("0.09", False), ("0.110001", True), ("0.08", True)]
)
def test_equals_that_differ_by_more_than_ten_percent_deserve_a_warning(
    price: str, discrepancy: bool
) -> None:
    outcome = settle(a_snapshot("0.1", role=PRIMARY), seen(price), Bucket(TEN))

    assert outcome.discrepancy is discrepancy


def test_only_equals_can_contradict_each_other() -> None:
    higher = settle(a_snapshot("0.1", role=MANUAL), seen("0.5"), Bucket(TEN))
    lower = settle(a_snapshot("0.1", role=PRIMARY), seen("0.5", role=MANUAL), Bucket(TEN))

    assert not higher.discrepancy
    assert not lower.discrepancy


@given(
    st.lists(
        st.tuples(prices, st.sampled_from([PRIMARY, AUTOMATIC, MANUAL])), min_size=1, max_size=12
    )
)
def test_a_bucket_ends_with_the_first_price_of_the_highest_rank(
    arrivals: list[tuple[Decimal, SourceRole]],
) -> None:
    outcome: BucketOutcome | None = None
    for price, role in arrivals:
        outcome = settle(
            outcome.snapshot if outcome else None, seen(str(price), role=role), Bucket(TEN)
        )

    best = next(role for role in SourceRole if role in {role for _, role in arrivals})
    assert outcome is not None
    assert outcome.snapshot.role is best
    assert outcome.snapshot.spot_price == next(p for p, role in arrivals if role is best)


def seen(
    price: str, ondemand: str | None = None, role: SourceRole = SourceRole.PRIMARY
) -> PriceObservation:
    return PriceObservation(
        pool_id=PoolId("t3.medium.us-east-1a"),
        price=Decimal(price),
        observed_at=TEN,
        received_at=TEN,
        agent_id=AgentId("agent-1"),
        instance_id=InstanceId("i-1"),
        role=role,
        ondemand_price=None if ondemand is None else Decimal(ondemand),
    )


def a_snapshot(price: str, role: SourceRole) -> BucketSnapshot:
    measured = role is not SourceRole.INTERPOLATED
    return BucketSnapshot(
        pool_id=PoolId("t3.medium.us-east-1a"),
        bucket=Bucket(TEN),
        spot_price=Decimal(price),
        role=role,
        data_source=DataSource.MEASURED if measured else DataSource.INTERPOLATED,
    )
