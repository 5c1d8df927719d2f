"""Pools, costs and agents for tests of the placement policy."""

from hypothesis import strategies as st

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.placement.choice import MoveLimits, Position
from spot_optimizer.domain.placement.costs import SwitchingCost
from spot_optimizer.domain.placement.outlook import PoolOutlook, Risk

ON_DEMAND = 1.0
NOW = 1_700_000_000.0
NO_LIMITS = MoveLimits()
LIGHT = SwitchingCost()
HEAVY = SwitchingCost(boot_s=600, cutover_s=300, drain_s=900)

HERE = PoolId("m5.large.us-east-1a")
THERE = PoolId("m5.large.us-east-1b")
ELSEWHERE = PoolId("m5.large.us-east-1c")
IDS = (HERE, THERE, ELSEWHERE)

risks = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda both: Risk(min(both), max(both)))
costs = st.builds(
    SwitchingCost,
    boot_s=st.floats(0, 3600),
    cutover_s=st.floats(0, 1800),
    drain_s=st.floats(0, 3600),
    downtime_value=st.floats(0, 200),
)
known_prices = st.floats(0.001, 2.0)


@st.composite
def some_pools(draw: st.DrawFn, least: int = 1) -> tuple[PoolOutlook, ...]:
    count = draw(st.integers(least, len(IDS)))
    return tuple(
        PoolOutlook(
            pool_id=pool_id,
            price=draw(known_prices),
            mean_price=draw(st.none() | known_prices),
            up=draw(st.booleans()),
            risk=draw(st.none() | risks),
            band=draw(st.integers(-1, 4)),
        )
        for pool_id in IDS[:count]
    )


positions = st.builds(
    Position,
    pool_id=st.none() | st.sampled_from(IDS),
    replica_pool_id=st.none() | st.sampled_from(IDS),
    replica_ready=st.booleans(),
)


def a_pool(
    pool_id: PoolId = THERE, price: float = 0.3, risk: Risk | None = None, *, up: bool = True
) -> PoolOutlook:
    return PoolOutlook(pool_id=pool_id, price=price, risk=risk, up=up, band=0)
