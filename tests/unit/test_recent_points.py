"""A memory that finds what may be a duplicate, and forgets the rest."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId
from spot_optimizer.domain.pricing.duplicates import KeptPoint, screen
from spot_optimizer.domain.pricing.prices import PriceObservation, SourceRole
from spot_optimizer.domain.pricing.recent_points import PointsOfPool, RecentPoints

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
POOL = PoolId("t3.medium.us-east-1a")

prices = st.decimals(min_value=Decimal("0.0450"), max_value=Decimal("0.0460"), places=4)
sources = st.sampled_from(["i-1", "i-2", "i-3"])
seconds = st.integers(min_value=-8, max_value=8)


def seen(
    price: str | Decimal, by: str = "i-1", after: float = 0, pool: PoolId = POOL
) -> PriceObservation:
    return PriceObservation(
        pool_id=pool,
        price=Decimal(price),
        observed_at=NOON + timedelta(seconds=after),
        received_at=NOON,
        agent_id=AgentId("agent-1"),
        instance_id=InstanceId(by),
        role=SourceRole.PRIMARY,
    )


def is_news(memory: RecentPoints, observation: PriceObservation) -> bool:
    return screen(observation, memory.like(observation)).is_new


@given(st.lists(st.builds(seen, prices, sources, seconds), max_size=30), prices, sources, seconds)
def test_what_it_finds_is_judged_as_all_that_was_kept(
    kept: list[PriceObservation], price: Decimal, by: str, after: int
) -> None:
    points = PointsOfPool()
    for one in kept:
        points.add(KeptPoint.of(one))
    observation = seen(price, by, after)

    found = screen(observation, points.like(observation))

    all_judged = screen(observation, [KeptPoint.of(one) for one in kept])
    assert found.admission is all_judged.admission
    assert (found.kept is None) == (all_judged.kept is None)
    if found.kept is not None and all_judged.kept is not None:
        assert found.kept.observed_at == all_judged.kept.observed_at


@given(st.lists(st.tuples(prices, sources, st.integers(0, 60)), max_size=60))
def test_nothing_of_the_last_seconds_is_forgotten(told: list[tuple[Decimal, str, int]]) -> None:
    memory = RecentPoints()
    in_time = sorted(told, key=lambda one: one[2])
    for price, by, after in in_time:
        memory.keep([seen(price, by, after)])

    latest = in_time[-1][2] if in_time else 0
    still = [(price, by, after) for price, by, after in in_time if latest - after <= 5]
    assert not any(is_news(memory, seen(price, by, after)) for price, by, after in still)


def test_many_prices_of_the_same_seconds_are_all_remembered() -> None:
    memory = RecentPoints()
    different = [Decimal("0.01") * Decimal("1.01") ** number for number in range(200)]
    memory.keep([seen(price, after=number / 100) for number, price in enumerate(different)])

    assert not any(is_news(memory, seen(price, by="i-2", after=2)) for price in different)


def test_the_last_ones_are_remembered_however_old_they_are() -> None:
    memory = RecentPoints()
    memory.keep([seen("0.01", by=f"i-{number}", after=number * 300) for number in range(11)])

    assert not is_news(memory, seen("0.02", by="i-1", after=300))
    assert is_news(memory, seen("0.02", by="i-0", after=0))


def test_a_pool_keeps_a_thousand_points_at_the_most() -> None:
    memory = RecentPoints()
    memory.keep([seen(Decimal(1 + number) / 1000) for number in range(1_001)])

    assert is_news(memory, seen(Decimal("0.001"), by="i-2"))
    assert not is_news(memory, seen(Decimal("0.003"), by="i-2"))


def test_pools_that_nobody_reports_any_more_are_forgotten_first() -> None:
    memory = RecentPoints()
    pools = [PoolId(f"pool-{number}") for number in range(50_001)]
    memory.keep([seen("0.01", pool=pool) for pool in pools[:-1]])
    memory.keep([seen("0.02", pool=pools[0]), seen("0.01", pool=pools[-1])])

    assert not is_news(memory, seen("0.01", by="i-2", pool=pools[0]))
    assert is_news(memory, seen("0.01", by="i-2", pool=pools[1]))
    assert not is_news(memory, seen("0.01", by="i-2", pool=pools[-1]))


def test_one_pool_says_nothing_about_another() -> None:
    memory = RecentPoints()
    memory.keep([seen("0.01")])

    assert is_news(memory, seen("0.01", by="i-2", pool=PoolId("other")))
