from math import nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spot_optimizer.adapters.ml.prior import prior_model
from spot_optimizer.domain.placement.choice import Position
from spot_optimizer.domain.placement.features import Vector
from spot_optimizer.domain.placement.market import Market, WatchedPool
from spot_optimizer.domain.placement.outlook import Risk, risk_of_band
from spot_optimizer.domain.placement.policy import decide
from tests.unit.placement_examples import HERE, LIGHT, NO_LIMITS, NOW, ON_DEMAND, THERE

HOUR = 3600.0


class AlwaysLost:
    """Says the worst of every pool."""

    def risk(self, features: Vector, band: int) -> Risk:
        return Risk(0.9, 0.99, 100.0)


def watching(*, model: AlwaysLost | None = None) -> Market:
    return Market([WatchedPool(HERE, 0), WatchedPool(THERE, 4)], risk_model=model)


def risk_after(market: Market, ups: list[bool], every_s: float) -> Risk | None:
    at = NOW
    for is_up in ups:
        at += every_s
        market.observe(at, [is_up, True], [0.3, 0.3])
    return market.outlooks(at, [ups[-1], True], [0.3, 0.3], ON_DEMAND)[0].risk


def test_a_pool_that_never_went_down_has_the_risk_of_its_band() -> None:
    market = watching(model=AlwaysLost())

    assert risk_after(market, [True] * 5, HOUR) is None
    outlook = market.outlooks(NOW + 6 * HOUR, [True, True], [0.3, 0.3], ON_DEMAND)[1]
    assert outlook.known_risk.within_1h == pytest.approx(risk_of_band(4, 1))


def test_a_pool_that_goes_down_all_the_time_is_as_the_model_says() -> None:
    risk = risk_after(watching(model=AlwaysLost()), [True, False] * 40 + [True], HOUR)

    assert risk is not None
    assert risk.within_1h == pytest.approx(0.9, abs=0.01)


def test_one_loss_in_a_week_says_little() -> None:
    risk = risk_after(watching(model=AlwaysLost()), [True] * 160 + [False, True], HOUR)

    assert risk is not None
    assert risk_of_band(0, 1) < risk.within_1h < 0.2


def test_one_loss_in_the_first_hours_says_much() -> None:
    risk = risk_after(watching(model=AlwaysLost()), [True] * 5 + [False, True], HOUR)

    assert risk is not None
    assert risk.within_1h > 0.8


def test_an_unknown_band_counts_as_the_second_lowest() -> None:
    assert risk_of_band(-1, 1) == risk_of_band(17, 1) == risk_of_band(1, 1)
    assert risk_of_band(4, 720) == pytest.approx(0.30)


rows = st.lists(
    st.tuples(
        st.lists(st.booleans(), min_size=2, max_size=2),
        st.lists(st.floats(0.01, 0.9) | st.sampled_from((nan, 0.0)), min_size=2, max_size=2),
    ),
    min_size=1,
    max_size=20,
)


@given(rows, rows)
@settings(max_examples=30, deadline=None)
def test_a_decision_does_not_change_when_future_rows_change(
    past: list[tuple[list[bool], list[float]]], future: list[tuple[list[bool], list[float]]]
) -> None:
    model = prior_model()

    def choices(seen: list[tuple[list[bool], list[float]]]) -> list[str]:
        market = Market(
            [WatchedPool(HERE, 0), WatchedPool(THERE, -1)], risk_model=model, price_model=model
        )
        made = []
        for step, (up, prices) in enumerate(seen):
            now = NOW + step * HOUR / 2
            market.observe(now, up, prices)
            pools = market.outlooks(now, up, prices, ON_DEMAND)
            at = Position(pool_id=HERE if up[0] else None)
            made.append(repr(decide(at, pools, ON_DEMAND, LIGHT, NO_LIMITS, now)))
        return made

    assert choices(past + future)[: len(past)] == choices(past)
