"""From what reporters offer to one clean price series (contract/domain.md 4.1.4 - 4.1.7)."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from spot_optimizer.application.pricing.ingest_pricing_reports import (
    IngestPricingReports,
    ReceivedReport,
)
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.identifiers import AgentId, InstanceId, LogicalAgentId, PoolId
from spot_optimizer.domain.pricing.buckets import Bucket, BucketSnapshot
from spot_optimizer.domain.pricing.prices import SourceRole
from spot_optimizer.domain.pricing.report import PoolOffer
from tests.builders import (
    DAY,
    FIRST,
    FROM_ACME,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    SECOND,
    SECOND_OF_TIME,
    THIRD,
    TODAY,
    ZONE_A,
    ZONE_B,
    a_client,
    a_pool,
    a_snapshot,
    a_standby,
    a_submission,
    an_agent,
    an_offer,
)
from tests.fakes import CountingIdentifiers, FixedClock, InMemoryUnitOfWork
from tests.fakes.replicas import replica_of

EARLY = NOON - 4 * MINUTE  # within the bucket of 11:55


class Series:
    """Agents of Acme report, each on an instance of its own."""

    def __init__(self) -> None:
        self.work = InMemoryUnitOfWork(clients=[a_client()], agents=[an_agent()])
        self._ingest = IngestPricingReports(self.work, FixedClock(), CountingIdentifiers(), TODAY)

    def offer(
        self,
        *offers: PoolOffer,
        at: datetime | None = EARLY,
        instance: InstanceId = FIRST,
        agent: int = 1,
    ) -> None:
        self.offer_together((offers, at, instance, agent))

    def offer_together(
        self, *reports: tuple[tuple[PoolOffer, ...], datetime | None, InstanceId, int]
    ) -> None:
        self._ingest(
            [
                ReceivedReport(
                    self._agent(agent).id,
                    a_submission(offers=offers, collected_at=at, instance_id=instance),
                    FROM_ACME,
                )
                for offers, at, instance, agent in reports
            ]
        )

    def _agent(self, number: int) -> Agent:
        agent = an_agent(
            id=AgentId(f"agent-{number}"),
            logical_agent_id=LogicalAgentId(f"web-{number}"),
            primary_instance_id=InstanceId(f"i-{number}"),
        )
        return self.work.agents.kept.setdefault(agent.id, agent)

    def ticks(self, pool_id: PoolId = POOL_A) -> list[tuple[str, datetime]]:
        """Price and time of each."""
        return [
            (str(tick.price), tick.observed_at)
            for tick in self.work.prices.ticks
            if tick.pool_id == pool_id
        ]

    @property
    def bucket(self) -> BucketSnapshot:
        """The only one."""
        (snapshot,) = self.work.prices.buckets.values()
        return snapshot


class TestAdmission:
    def test_every_valid_price_is_a_tick(self) -> None:
        series = Series()

        series.offer(an_offer(ZONE_A, "0.0125"), an_offer(ZONE_B, "0.0110"))

        assert series.ticks(POOL_A) == [("0.0125", EARLY)]
        assert series.ticks(POOL_B) == [("0.0110", EARLY)]

    def test_a_bad_price_among_good_ones_fails_none(self) -> None:
        series = Series()

        series.offer(an_offer(ZONE_A, None), an_offer(ZONE_B, "0.0110"))

        assert series.ticks(POOL_A) == []
        assert series.ticks(POOL_B) == [("0.0110", EARLY)]

    def test_its_pool_is_on_record_all_the_same(self) -> None:
        series = Series()

        series.offer(an_offer(ZONE_A, None))

        assert series.work.pools.kept == {POOL_A: a_pool()}

    def test_a_pool_on_record_under_another_id_keeps_it(self) -> None:
        series = Series()
        named = PoolId("pool-17")
        series.work.pools.kept = {named: a_pool(id=named)}

        series.offer(an_offer(ZONE_A))

        assert series.ticks(named) == [("0.0125", EARLY)]
        assert series.bucket.pool_id == named
        assert list(series.work.pools.kept) == [named]

    @pytest.mark.parametrize(
        ("claimed", "counts"),
        [
            (None, NOON),
            (NOON + timedelta(seconds=300), NOON + timedelta(seconds=300)),
            (NOON + timedelta(seconds=301), NOON),
            (NOON - 2 * DAY, NOON - 2 * DAY),
        ],
    )
    def test_a_time_that_cannot_be_is_that_of_receipt(
        self, claimed: datetime | None, counts: datetime
    ) -> None:
        series = Series()

        series.offer(an_offer(), at=claimed)

        assert series.ticks() == [("0.0125", counts)]


class TestDuplicates:
    near_equal, different = an_offer(price="0.01256"), an_offer(price="0.0126")

    @pytest.mark.parametrize(("offset", "ticks"), [(0, 1), (5, 1), (-5, 1), (6, 2), (-6, 2)])
    def test_what_another_has_told_within_five_seconds_is_not_new(
        self, offset: int, ticks: int
    ) -> None:
        series = Series()
        series.offer(an_offer())

        series.offer(self.near_equal, at=EARLY + offset * SECOND_OF_TIME, agent=2, instance=SECOND)

        assert len(series.ticks()) == ticks
        assert series.ticks()[0] == ("0.0125", EARLY)

    def test_another_price_is_new(self) -> None:
        series = Series()
        series.offer(an_offer())

        series.offer(self.different, agent=2, instance=SECOND)

        assert len(series.ticks()) == 2

    def test_the_same_reporter_always_tells_news(self) -> None:
        series = Series()
        series.offer(an_offer())

        series.offer(an_offer(), at=EARLY + SECOND_OF_TIME)

        assert len(series.ticks()) == 2

    def test_of_those_that_come_together_one_is_new(self) -> None:
        series = Series()

        series.offer_together(
            ((an_offer(),), EARLY, FIRST, 1),
            ((an_offer(),), EARLY, SECOND, 2),
            ((an_offer(),), EARLY + SECOND_OF_TIME, THIRD, 3),
        )

        assert len(series.ticks()) == 1
        assert len(series.work.prices.reports) == 3

    def test_what_was_not_committed_was_not_told(self) -> None:
        series = Series()
        series.work.losses = 1

        series.offer(an_offer())

        assert series.ticks() == [("0.0125", EARLY)]


class TestRoles:
    def test_the_primary_speaks_as_such(self) -> None:
        series = Series()

        series.offer(an_offer())

        assert series.bucket == a_snapshot(
            bucket=Bucket(NOON - 5 * MINUTE), role=SourceRole.PRIMARY
        )

    @pytest.mark.parametrize(
        ("replica_type", "role"),
        [
            ("automatic-rebalance", SourceRole.REPLICA_AUTOMATIC),
            ("automatic-termination", SourceRole.REPLICA_AUTOMATIC),
            ("manual", SourceRole.REPLICA_MANUAL),
        ],
    )
    def test_a_replica_speaks_as_what_it_is(self, replica_type: str, role: SourceRole) -> None:
        series = Series()
        standby = a_standby(replica_type=replica_type)
        series.work.replicas.kept = {standby.replica_id: replica_of(standby)}

        series.offer(an_offer(), instance=SECOND)

        assert series.bucket.role is role
        assert series.bucket.confidence == Decimal("0.95")

    def test_an_instance_that_was_replaced_gives_way_to_the_primary(self) -> None:
        series = Series()

        series.offer(an_offer(), instance=THIRD)
        series.offer(an_offer(price="0.02"), at=EARLY + MINUTE)

        assert series.bucket.role is SourceRole.PRIMARY
        assert series.bucket.spot_price == Decimal("0.02")

    def test_it_does_not_overrule_the_primary(self) -> None:
        series = Series()

        series.offer(an_offer())
        series.offer(an_offer(price="0.03"), at=EARLY + MINUTE, instance=THIRD)

        assert series.bucket.spot_price == Decimal("0.0125")
        assert len(series.ticks()) == 2

    def test_alone_it_is_better_than_nothing(self) -> None:
        series = Series()

        series.offer(an_offer(), instance=THIRD)

        assert series.bucket.role is SourceRole.REPLICA_MANUAL


class TestBuckets:
    def test_among_equals_the_first_stays(self) -> None:
        series = Series()
        series.offer(an_offer(price="0.01"))

        series.offer(an_offer(price="0.02"), at=EARLY + MINUTE)

        assert series.bucket.spot_price == Decimal("0.01")

    def test_reports_that_come_together_settle_it_among_themselves(self) -> None:
        series = Series()

        series.offer_together(
            ((an_offer(price="0.01"),), EARLY, SECOND, 1),
            ((an_offer(price="0.02"),), EARLY + MINUTE, FIRST, 1),
            ((an_offer(price="0.03"),), EARLY + 2 * MINUTE, FIRST, 1),
        )

        assert series.bucket.spot_price == Decimal("0.02")
        assert series.bucket.instance_id == FIRST

    def test_reports_that_come_together_replace_what_stands(self) -> None:
        series = Series()
        series.offer(an_offer(price="0.01"), instance=SECOND)

        series.offer_together(
            ((an_offer(price="0.015"),), EARLY + MINUTE, SECOND, 1),
            ((an_offer(price="0.02"),), EARLY + 2 * MINUTE, FIRST, 1),
        )

        assert series.bucket.spot_price == Decimal("0.02")

    def test_each_pool_and_five_minutes_have_a_bucket(self) -> None:
        series = Series()

        series.offer(an_offer(ZONE_A), an_offer(ZONE_B), at=EARLY)
        series.offer(an_offer(ZONE_A), at=NOON)

        assert sorted(series.work.prices.buckets) == [
            (POOL_A, NOON - 5 * MINUTE),
            (POOL_A, NOON),
            (POOL_B, NOON - 5 * MINUTE),
        ]

    def test_a_duplicate_fills_no_bucket(self) -> None:
        """Told in the last second of one bucket, and again in the first of the next."""
        series = Series()
        series.offer(an_offer(), at=NOON - SECOND_OF_TIME)

        series.offer(an_offer(), at=NOON, agent=2, instance=SECOND)

        assert list(series.work.prices.buckets) == [(POOL_A, NOON - 5 * MINUTE)]

    def test_a_bucket_tells_what_is_saved(self) -> None:
        series = Series()

        series.offer(an_offer(price="0.0208"), at=NOON - HOUR)

        assert series.bucket.savings_percent == Decimal("50.00")
