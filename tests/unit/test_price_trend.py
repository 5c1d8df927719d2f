"""How the price of a pool has moved."""

from decimal import Decimal
from statistics import pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.decisions.trend import PriceTrend

PRICES = [Decimal(number) / 1000 for number in range(300)]


def test_nothing_is_known_of_no_prices() -> None:
    assert PriceTrend.of([]) == PriceTrend()


def test_a_change_is_counted_in_rows() -> None:
    trend = PriceTrend.of(PRICES)

    assert trend.change_1h == pytest.approx(0.012)
    assert trend.change_24h == pytest.approx(0.288)
    assert trend.volatility_6h == pytest.approx(pstdev(map(float, PRICES[-72:])))


@pytest.mark.parametrize(("rows", "is_known"), [(12, False), (13, True)])
def test_a_change_needs_a_price_from_then(rows: int, is_known: bool) -> None:
    assert (PriceTrend.of(PRICES[:rows]).change_1h != 0) == is_known


@given(st.lists(st.decimals("0.001", "100", places=6), max_size=320))
def test_any_prices_give_figures(prices: list[Decimal]) -> None:
    trend = PriceTrend.of(prices)

    assert trend.volatility_6h >= 0
    assert abs(trend.change_1h) <= 100
