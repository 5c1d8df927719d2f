from dataclasses import dataclass
from math import isnan, log, log1p, nan

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spot_optimizer.adapters.ml.feature_matrix import feature_matrix
from spot_optimizer.domain.placement.features import FEATURES, features_of
from spot_optimizer.domain.placement.history import PriceHistory, UpHistory

HOUR = 3600.0
MIDNIGHT = 1_699_833_600.0  # Monday 2023-11-13


@dataclass(frozen=True)
class Watched:
    at: list[float]
    up: list[list[bool]]


@st.composite
def watched(draw: st.DrawFn) -> Watched:
    steps = draw(st.lists(st.integers(1, 12 * 3600), min_size=1, max_size=60))
    pools = draw(st.integers(1, 3))
    states = st.lists(st.booleans(), min_size=pools, max_size=pools)
    at = [MIDNIGHT]
    for step in steps:
        at.append(at[-1] + step)
    return Watched(at, [draw(states) for _ in at])


def told(seen: Watched, until: int) -> list[UpHistory]:
    pools = [UpHistory() for _ in seen.up[0]]
    for at, states in zip(seen.at[: until + 1], seen.up[: until + 1], strict=True):
        for pool, state in zip(pools, states, strict=True):
            pool.observe(at, state)
    return pools


@given(watched())
@settings(max_examples=50)
def test_whole_recordings_and_single_moments_give_the_same_features(seen: Watched) -> None:
    matrix = feature_matrix(numpy.array(seen.at), numpy.array(seen.up))

    for step in range(0, len(seen.at), 7):
        vectors = features_of(told(seen, step), seen.at[step])
        assert numpy.allclose(vectors, matrix[step], atol=1e-7, equal_nan=True)


@given(watched(), st.data())
@settings(max_examples=50)
def test_features_do_not_change_when_later_rows_change(seen: Watched, data: st.DataObject) -> None:
    step = data.draw(st.integers(0, len(seen.at) - 1))
    flipped = [[not up for up in states] for states in seen.up[step + 1 :]]
    before = feature_matrix(numpy.array(seen.at), numpy.array(seen.up))
    after = feature_matrix(numpy.array(seen.at), numpy.array(seen.up[: step + 1] + flipped))

    assert numpy.array_equal(before[: step + 1], after[: step + 1], equal_nan=True)


def test_features_of_a_pool_by_hand() -> None:
    lost, safe = UpHistory(), UpHistory()
    for at, up in ((0.0, True), (10.0, False), (11.0, True)):
        lost.observe(MIDNIGHT + at * HOUR, up)
    safe.observe(MIDNIGHT, True)
    now = MIDNIGHT + 12 * HOUR

    figures, others = (
        dict(zip(FEATURES, vector, strict=True)) for vector in features_of([lost, safe], now)
    )

    assert figures["log_hours_up"] == pytest.approx(log1p(2))
    assert isnan(others["log_hours_up"])
    assert figures["share_up_1h"] == 1
    assert figures["share_up_6h"] == pytest.approx(5 / 6)
    assert figures["drops_1h"] == 0
    assert figures["log_hours_per_drop_24h"] == pytest.approx(log((11 + 1) / (1 + 0.5)))
    assert others["log_hours_per_drop_72h"] == pytest.approx(log((12 + 1) / (0 + 0.5)))
    assert figures["others_up_now"] == 1
    assert others["others_up_24h"] == pytest.approx(11 / 12)
    assert figures["weekend"] == 0
    assert figures["log_hours_known"] == pytest.approx(log1p(12))
    assert isnan(figures["same_time_up_6h"])


def test_the_coming_hours_are_known_from_the_days_before() -> None:
    pool = UpHistory()
    for at, up in ((0.0, True), (13.0, False), (14.0, True)):
        pool.observe(MIDNIGHT + at * HOUR, up)

    figures = dict(zip(FEATURES, features_of([pool], MIDNIGHT + 36 * HOUR)[0], strict=True))

    assert figures["same_time_lost_1h"] == 0
    assert figures["same_time_up_6h"] == pytest.approx(5 / 6)
    assert isnan(figures["others_up_now"])


def test_nothing_is_known_of_a_pool_that_nobody_watched() -> None:
    figures = dict(zip(FEATURES, features_of([UpHistory()], MIDNIGHT)[0], strict=True))

    assert isnan(figures["log_hours_up"])
    assert isnan(figures["share_up_1h"])
    assert isnan(figures["log_hours_per_drop_24h"])
    assert (figures["drops_1h"], figures["log_hours_known"]) == (0, 0)


def test_observations_out_of_order_change_nothing() -> None:
    pool = UpHistory()
    pool.observe(MIDNIGHT + HOUR, True)
    pool.observe(MIDNIGHT, False)

    assert pool.is_up
    assert pool.share_up(MIDNIGHT + 2 * HOUR, 6) == 1


def test_a_long_history_forgets_and_says_the_same() -> None:
    long, short = UpHistory(), UpHistory()
    end = 3000
    for half_hour in range(end):
        at = MIDNIGHT + half_hour * HOUR / 2
        long.observe(at, half_hour % 3 > 0)
        if half_hour > end - 400:
            short.observe(at, half_hour % 3 > 0)
    now = MIDNIGHT + end * HOUR / 2

    assert long.drops(now, 168) == short.drops(now, 168)
    assert long.share_up(now, 168) == pytest.approx(short.share_up(now, 168))


def test_prices_by_hand() -> None:
    prices = PriceHistory()
    for at, price in ((0.0, 1.0), (10.0, 2.0), (20.0, 1.0), (20.5, nan), (20.6, 0.0)):
        prices.observe(at * HOUR, price)
    now = 24 * HOUR

    assert prices.latest == 1.0
    assert prices.mean(now, 24) == pytest.approx((10 * 1 + 10 * 2 + 4 * 1) / 24)
    assert prices.mean(now, 2) == 1.0
    assert prices.mean(now, 6) == pytest.approx((2 * 2 + 4 * 1) / 6)
    assert prices.log_move(now, 6) == pytest.approx(-log(2))
    assert prices.log_travel(now, 24) == pytest.approx(2 * log(2))
    assert prices.log_move(now, 500) == 0


def test_without_a_price_nothing_is_said() -> None:
    prices = PriceHistory()
    prices.observe(0.0, nan)

    assert (prices.latest, prices.mean(1.0, 24)) == (None, None)
    assert (prices.log_move(1.0, 24), prices.log_travel(1.0, 24)) == (0.0, 0.0)
