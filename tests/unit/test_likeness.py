"""Of equally safe pools, a replica goes to the one that is least likely to be lost, too."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.application.interruptions.ensure_emergency_replica import (
    EmergencyAnswer,
    EmergencyRequest,
    EnsureEmergencyReplica,
    ReceivedEmergency,
)
from spot_optimizer.application.replicas.coordinate_agent import CoordinateAgent
from spot_optimizer.application.replicas.create_replica import CreateReplica, ReplicaOrder
from spot_optimizer.domain.agents.agent import Agent, AgentSettings
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.interruptions import SignalType
from spot_optimizer.domain.pricing.buckets import Bucket
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.replicas.likeness import UNKNOWN, PoolPast, likeness
from spot_optimizer.domain.replicas.pools import PoolMarket, Wishes
from tests.builders import (
    AGENT,
    DAY,
    FROM_ACME,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    POOL_C,
    TODAY,
    ZONE_A,
    ZONE_B,
    ZONE_C,
    a_client,
    a_pool,
    a_snapshot,
    an_agent,
    an_instance,
    an_interruption,
    an_observation,
)
from tests.fakes import CountingIdentifiers, FixedClock, SteadyStopwatch
from tests.stores import SqlStore, Store, statements

STEPS = range(14)


def past(*minutes: int, prices: list[float] | None = None) -> PoolPast:
    """Interrupted so many minutes before noon; with prices of every five minutes before it."""
    return PoolPast(
        [NOON - number * MINUTE for number in minutes],
        {
            NOON - number * 5 * MINUTE: Decimal(str(price))
            for number, price in enumerate(prices or ())
        },
    )


UP = [0.01 + 0.001 * number**2 for number in STEPS]
DOWN = [1 - price for price in UP]
FLAT = [0.02] * len(STEPS)


@pytest.mark.parametrize(
    ("lost", "other", "together"),
    [
        (past(5, 65), past(5, 65), 1.0),
        (past(5, 65), past(2, 305), 1 / 3),  # within the same ten minutes once
        (past(5), past(65), 0.0),
        (past(), past(5), 0.0),
        (past(), past(), 0.0),
        (past(1, 2, 3), past(4), 1.0),  # many notices at once are one interruption
    ],
)
def test_interruptions_at_the_same_time(lost: PoolPast, other: PoolPast, together: float) -> None:
    assert likeness(lost, other).interrupted_together == pytest.approx(together)


@pytest.mark.parametrize(
    ("lost", "other", "together"),
    [(UP, UP, 1.0), (UP, DOWN, -1.0), (UP, FLAT, 0.0), (FLAT, FLAT, 0.0), (UP[:12], UP[:12], 0.0)],
)
def test_prices_that_move_together(lost: list[float], other: list[float], together: float) -> None:
    found = likeness(past(prices=lost), past(prices=other)).priced_together

    assert found == pytest.approx(together)


def test_nothing_known_is_no_likeness() -> None:
    assert likeness(PoolPast(), PoolPast()) == UNKNOWN


moments = st.lists(st.integers(0, 3000).map(lambda minutes: NOON - minutes * MINUTE), max_size=20)
pasts = st.builds(
    PoolPast,
    moments,
    st.dictionaries(
        st.integers(0, 30).map(lambda number: NOON - number * 5 * MINUTE),
        st.decimals(Decimal("0.001"), 100, places=6),
    ),
)


@given(pasts, pasts)
def test_likeness_is_mutual_and_in_bounds(one: PoolPast, other: PoolPast) -> None:
    found = likeness(one, other)

    assert found == pytest.approx(likeness(other, one))
    assert 0 <= found.interrupted_together <= 1
    assert -1.000001 <= found.priced_together <= 1.000001


class TestTheChoice:
    def pool(self, pool_id: PoolId, price: str | None = "0.0100", lost: int = 0) -> PricedPool:
        return PricedPool(
            pool_id=pool_id,
            zone=pool_id.rpartition(".")[2],
            price=None if price is None else Decimal(price),
            priced_at=NOON,
            interruptions_24h=lost,
        )

    # B has always been lost together with A, C never.
    pasts: ClassVar = {POOL_A: past(60), POOL_B: past(60), POOL_C: past(600)}

    def market(self, b: PricedPool, c: PricedPool) -> PoolMarket:
        return PoolMarket(
            instance_type="t3.medium",
            region="us-east-1",
            pools=[self.pool(POOL_A), b, c],
            current=POOL_A,
            now=NOON,
        )

    def choose(self, b: PricedPool, c: PricedPool, wishes: Wishes | None = None) -> PoolId:
        market = self.market(b, c)
        chosen = market.safest(wishes or Wishes(), pasts=self.pasts)
        assert chosen is not None
        without = market.safest(wishes or Wishes())
        assert without is not None
        assert without.pool_id in (POOL_B, chosen.pool_id)  # without pasts, by price and id
        return chosen.pool_id

    def test_among_equals_the_one_that_is_least_like_the_lost_one(self) -> None:
        assert self.choose(self.pool(POOL_B), self.pool(POOL_C)) == POOL_C

    def test_prices_that_are_nearly_equal_are_no_reason(self) -> None:
        assert self.choose(self.pool(POOL_B, "0.020000"), self.pool(POOL_C, "0.020100")) == POOL_C
        assert self.choose(self.pool(POOL_B, "0.020000"), self.pool(POOL_C, "0.020101")) == POOL_B

    def test_everything_else_comes_first(self) -> None:
        often = self.pool(POOL_C, lost=1)
        assert self.choose(self.pool(POOL_B), often) == POOL_B
        wished = Wishes(preferred_zones=frozenset({ZONE_B}))
        assert self.choose(self.pool(POOL_B), self.pool(POOL_C), wished) == POOL_B
        assert self.choose(self.pool(POOL_B), self.pool(POOL_C, None)) == POOL_B

    def test_of_pools_without_prices_too(self) -> None:
        assert self.choose(self.pool(POOL_B, None), self.pool(POOL_C, None)) == POOL_C

    @pytest.mark.parametrize(
        ("price_of_c", "chosen"),
        [("0.020000", POOL_C), ("0.020100", POOL_C), ("0.020101", POOL_B), (None, POOL_B)],
    )
    def test_a_standby_goes_to_the_least_alike_of_the_cheapest(
        self, price_of_c: str | None, chosen: PoolId
    ) -> None:
        market = self.market(self.pool(POOL_B, "0.020000"), self.pool(POOL_C, price_of_c))

        for found in (
            market.cheapest(pasts=self.pasts),
            market.cheapest_whatever_is_known(pasts=self.pasts),
        ):
            assert found is not None
            assert found.pool_id == chosen

    def test_without_a_past_the_cheapest_standby_is_the_first(self) -> None:
        market = self.market(self.pool(POOL_B, "0.020010"), self.pool(POOL_C, "0.020000"))

        assert [pool.pool_id for pool in market.equally_cheap()] == [POOL_C, POOL_B]
        cheapest = market.cheapest()
        assert cheapest is not None
        assert cheapest.pool_id == POOL_C

    def test_limits_of_a_standby_come_before_likeness(self) -> None:
        market = self.market(self.pool(POOL_B, "0.020000"), self.pool(POOL_C, "0.020010"))
        for wishes in (
            Wishes(highest_hourly_cost=Decimal("0.020005")),
            Wishes(excluded_zones=frozenset({ZONE_C})),
        ):
            found = market.cheapest(wishes, self.pasts)
            assert found is not None
            assert found.pool_id == POOL_B

    def test_a_pool_where_a_replica_failed_comes_after_one_that_is_more_alike(self) -> None:
        market = self.market(self.pool(POOL_B), self.pool(POOL_C))

        found = market.cheapest_whatever_is_known([POOL_C], self.pasts)

        assert found is not None
        assert found.pool_id == POOL_B
        assert [pool.pool_id for pool in market.equally_cheap(avoided=[POOL_C])] == [POOL_B]


class TestPasts:
    def put(self, store: Store, *interrupted: datetime, priced: datetime | None = None) -> None:
        with store.work() as work:
            for moment in interrupted:
                work.interruptions.add(an_interruption(detected_at=moment), NOON)
            if priced is not None:
                snapshot = a_snapshot(bucket=Bucket(priced), spot_price=Decimal("0.0300"))
                work.prices.add_buckets([snapshot], {POOL_A: a_pool()}, NOON)
            work.commit()

    def test_thirty_days_of_interruptions_and_a_day_of_prices_count(self, store: Store) -> None:
        store.put_pools(ZONE_A, ZONE_B)
        self.put(store, NOON - HOUR, NOON - 30 * DAY, NOON - 30 * DAY - timedelta(seconds=1))
        self.put(store, priced=NOON - DAY)
        self.put(store, priced=NOON - DAY - 5 * MINUTE)

        with store.work() as work:
            found = work.pools.pasts_of({POOL_A, POOL_B}, NOON)

        assert found[POOL_A] == PoolPast(
            [NOON - 30 * DAY, NOON - HOUR], {NOON - DAY: Decimal("0.0300")}
        )
        assert found[POOL_B] == PoolPast([], {})

    def test_two_statements_tell_it_of_all_pools(self, database: SqlStore) -> None:
        database.put_pools(ZONE_A, ZONE_B)

        with database.work() as work, statements(database.engine) as sent:
            work.pools.pasts_of({POOL_A, POOL_B}, NOON)

        assert len([one for one in sent if one.startswith("SELECT")]) == 2


def put_equal_pools(store: Store, agent: Agent) -> None:
    """B was lost when A was, C an hour later; both cost the same."""
    store.put(a_client(), agent, an_instance())
    store.put_pools(ZONE_A, ZONE_B, ZONE_C)
    the_day_before = NOON - 2 * DAY
    with store.work() as work:
        work.prices.add_ticks([an_observation(pool_id=POOL_B), an_observation(pool_id=POOL_C)])
        for pool_id, moment in (
            (POOL_A, the_day_before),
            (POOL_B, the_day_before + MINUTE),
            (POOL_C, the_day_before + HOUR),
        ):
            work.interruptions.add(an_interruption(pool_id=pool_id, detected_at=moment), NOON)
        work.commit()


def test_an_emergency_replica_goes_there(store: Store) -> None:
    put_equal_pools(store, an_agent())
    clock, ids = FixedClock(), CountingIdentifiers()
    ask = EnsureEmergencyReplica(store.work, clock, ids, HOUR, TODAY)

    wanted = EmergencyRequest(signal_type=SignalType.REBALANCE_RECOMMENDATION)
    (made,) = ask([ReceivedEmergency(AGENT, wanted, FROM_ACME)])

    assert isinstance(made, EmergencyAnswer)
    assert made.pool.id == POOL_C


MANUAL = AgentSettings(auto_switch_enabled=False, manual_replica_enabled=True)


def test_the_standby_of_the_coordinator_goes_there(store: Store) -> None:
    put_equal_pools(store, an_agent(settings=MANUAL))
    clock, ids = FixedClock(), CountingIdentifiers()

    CoordinateAgent(store.work, clock, SteadyStopwatch(), ids, HOUR, TODAY)(AGENT)

    with store.work() as work:
        (standby,) = work.replicas.active_of(AGENT)
    assert standby.pool_id == POOL_C


def test_a_standby_whose_pool_nobody_named_goes_there(store: Store) -> None:
    put_equal_pools(store, an_agent(settings=MANUAL))
    create = CreateReplica(
        store.work, FixedClock(), SteadyStopwatch(), CountingIdentifiers(), HOUR, TODAY
    )

    created = create(AGENT, ReplicaOrder(tags={}), FROM_ACME)

    assert created.pool.id == POOL_C
