"""What is remembered of the prices on record only saves reading them again."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.application.ports.market_repositories import OnDemandTick
from spot_optimizer.application.pricing.ingest_pricing_reports import (
    IngestPricingReports,
    ReceivedReport,
)
from spot_optimizer.application.pricing.price_memory import PriceMemory, TakenIn
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, InstanceId, LogicalAgentId, PoolId
from spot_optimizer.domain.pricing.prices import SourceRole
from spot_optimizer.domain.pricing.submission import PriceSubmission
from tests.builders import (
    FIRST,
    FROM_ACME,
    MINUTE,
    NOON,
    POOL_A,
    REGION,
    SECOND,
    SECOND_OF_TIME,
    THIRD,
    TODAY,
    TYPE,
    ZONE_A,
    ZONE_B,
    a_client,
    a_pool,
    a_snapshot,
    a_submission,
    an_agent,
    an_offer,
)
from tests.fakes import CountingIdentifiers, FixedClock, InMemoryUnitOfWork

FORGETFUL = Compatibility(rows_change_beneath=True)


class Server:
    """Three of Acme's agents report to it, each from an instance of its own."""

    def __init__(self, compatibility: Compatibility = TODAY) -> None:
        agents = [
            an_agent(
                id=AgentId(f"agent-{number}"),
                logical_agent_id=LogicalAgentId(f"web-{number}"),
                primary_instance_id=InstanceId(f"i-{number}"),
            )
            for number in (1, 2, 3)
        ]
        self.work = InMemoryUnitOfWork(clients=[a_client()], agents=agents)
        self.clock = FixedClock()
        self.memory = PriceMemory()
        self._ingest = IngestPricingReports(
            self.work, self.clock, CountingIdentifiers(), compatibility, self.memory
        )

    def take(self, submission: PriceSubmission, agent: int = 1) -> None:
        asked = ReceivedReport(AgentId(f"agent-{agent}"), submission, FROM_ACME)
        assert self._ingest([asked]) == [None]


def offering(price: str, at: datetime, instance: InstanceId = FIRST) -> PriceSubmission:
    return a_submission(offers=(an_offer(price=price),), collected_at=at, instance_id=instance)


class TestBuckets:
    def test_a_bucket_that_stands_is_read_once(self) -> None:
        server = Server()
        server.take(offering("0.01", NOON))
        server.work.prices.buckets.clear()  # what is not read is not missed

        server.take(offering("0.02", NOON + SECOND_OF_TIME))

        assert server.work.prices.buckets == {}

    def test_what_another_process_has_put_there_is_not_overruled(self) -> None:
        """It remembers the word of a replica; meanwhile the primary has spoken elsewhere."""
        server = Server()
        server.take(offering("0.01", NOON, instance=THIRD))
        key = (POOL_A, NOON)
        elsewhere = replace(
            server.work.prices.buckets[key], role=SourceRole.PRIMARY, spot_price=Decimal("0.03")
        )
        server.work.prices.buckets[key] = elsewhere

        server.take(offering("0.02", NOON + MINUTE))

        assert server.work.prices.buckets[key] == elsewhere


class TestPools:
    def test_within_a_second_a_pool_is_looked_for_once(self) -> None:
        server = Server()
        server.take(offering("0.01", NOON))
        server.work.pools.kept.clear()

        server.take(offering("0.02", NOON + MINUTE))
        assert server.work.pools.kept == {}

        server.clock.advance(SECOND_OF_TIME)
        server.take(offering("0.03", NOON + 2 * MINUTE))
        assert list(server.work.pools.kept) == [POOL_A]

    def test_the_id_under_which_it_is_kept_is_remembered_too(self) -> None:
        server = Server()
        named = PoolId("pool-17")
        server.work.pools.kept = {named: a_pool(id=named)}

        server.take(offering("0.01", NOON))
        server.take(offering("0.02", NOON + MINUTE))

        assert [tick.pool_id for tick in server.work.prices.ticks] == [named, named]

    def test_a_lost_transaction_makes_it_look_again(self) -> None:
        """As after the deletion of a pool, to whose row the ticks would refer."""
        server = Server()
        server.take(offering("0.01", NOON))
        server.work.pools.kept.clear()
        server.work.losses = 1

        server.take(offering("0.02", NOON + MINUTE))

        assert list(server.work.pools.kept) == [POOL_A]


class TestOnDemandPrices:
    def test_the_last_one_told_counts(self) -> None:
        server = Server()

        for second, price in enumerate(("0.05", "0.06", "0.05")):
            at = NOON + second * SECOND_OF_TIME
            server.take(a_submission(on_demand_price=Decimal(price), collected_at=at))

        assert server.work.prices.current_on_demand == {(TYPE, REGION): Decimal("0.05")}
        assert len(server.work.prices.on_demand_ticks) == 3

    def test_within_a_second_it_is_set_once(self) -> None:
        server = Server()
        server.take(a_submission(collected_at=NOON))
        server.work.prices.current_on_demand.clear()

        server.take(a_submission(collected_at=NOON + MINUTE))
        assert server.work.prices.current_on_demand == {}

        server.clock.advance(SECOND_OF_TIME)
        server.take(a_submission(collected_at=NOON + 2 * MINUTE))
        (tick, *_) = server.work.prices.on_demand_ticks
        assert tick == OnDemandTick(TYPE, REGION, tick.price)
        assert server.work.prices.current_on_demand == {(TYPE, REGION): tick.price}


class TestExchangedRows:
    def test_nothing_is_remembered_where_rows_come_and_go(self) -> None:
        server = Server(FORGETFUL)
        server.take(offering("0.01", NOON))
        server.work.prices.buckets.clear()
        server.work.prices.ticks.clear()
        server.work.pools.kept.clear()

        server.take(offering("0.01", NOON, instance=SECOND), agent=2)

        assert list(server.work.pools.kept) == [POOL_A]
        assert len(server.work.prices.ticks) == 1
        assert list(server.work.prices.buckets) == [(POOL_A, NOON)]


REPORTS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3]),
        st.sampled_from([FIRST, SECOND, THIRD]),
        st.sampled_from([ZONE_A, ZONE_B]),
        st.sampled_from(["0.0100", "0.0101", "0.0200"]),
        st.integers(min_value=0, max_value=3).map(lambda minutes: NOON - minutes * MINUTE),
        st.sampled_from([0, 1, 7]),
    ),
    max_size=12,
)


@given(REPORTS)
def test_a_memory_of_nothing_settles_the_same_buckets(
    reports: list[tuple[int, InstanceId, str, str, datetime, int]],
) -> None:
    """Duplicates apart, whose ticks need the memory."""
    one, other = Server(), Server()
    for agent, instance, zone, price, at, seconds in reports:
        said = a_submission(offers=(an_offer(zone, price),), collected_at=at, instance_id=instance)
        for server in (one, other):
            server.clock.advance(seconds * SECOND_OF_TIME)
            server.take(said, agent)
        _forget_all_but_duplicates(other)

    assert one.work.prices.buckets == other.work.prices.buckets
    assert one.work.pools.kept == other.work.pools.kept
    assert one.work.prices.current_on_demand == other.work.prices.current_on_demand


def _forget_all_but_duplicates(server: Server) -> None:
    recent = server.memory.recent
    server.memory.forget()
    server.memory.recent = recent


def test_the_oldest_buckets_are_forgotten() -> None:
    memory = PriceMemory()
    keys = [(PoolId(f"pool-{number}"), NOON) for number in range(10_001)]

    for key in keys:
        memory.keep(TakenIn(standing={key: a_snapshot(pool_id=key[0])}), NOON)

    assert list(memory.standing(keys)) == keys[1:]
