"""What is learnt from a notice (contract/domain.md 4.7.7); nothing in it may fail."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.interruption_features import Circumstances, Features, PriceTrend
from spot_optimizer.domain.interruptions import (
    SIGNALS,
    Interruption,
    Resolution,
    SignalType,
    same_notice,
    time_of_notice,
)
from spot_optimizer.domain.pricing.prices import PricePoint
from tests.builders import (
    AGENT,
    DAY,
    FIRST,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    SECOND,
    SECOND_OF_TIME,
    an_interruption,
)

moments = st.none() | st.integers(-(10**9), 10**9).map(
    lambda seconds: NOON + timedelta(seconds=seconds)
)
counts = st.none() | st.integers(0, 2**40)


def points(*prices: str) -> list[PricePoint]:
    """Ten minutes apart, the last one now."""
    return [
        PricePoint(pool_id=POOL_A, price=Decimal(price), captured_at=NOON - number * 10 * MINUTE)
        for number, price in reversed(list(enumerate(reversed(prices))))
    ]


@given(
    st.builds(
        Circumstances,
        now=st.just(NOON),
        instance_since=moments,
        prices=st.lists(st.decimals("0", "100", places=6)).map(
            lambda prices: points(*map(str, prices))
        ),
        pool_interruptions=counts,
        pool_first_interrupted_at=moments,
        agents_in_pool=counts,
        agent_interruptions=counts,
        agent_last_interrupted_at=moments,
    )
)
def test_every_feature_fits_its_column(seen: Circumstances) -> None:
    learnt = Features.of(seen)

    for hours in (learnt.instance_age_hours, learnt.hours_since_last_interruption):
        assert hours is None or 0 <= hours < 10**8
    for rate in (learnt.pool_rate, learnt.region_rate):
        assert rate is None or 0 <= rate < 10
    assert learnt.price_change_percent is None or abs(learnt.price_change_percent) < 1000
    for count in (
        learnt.competing_instances,
        learnt.previous_interruptions,
        learnt.minutes_since_price_change,
    ):
        assert count is None or 0 <= count < 2**31


@pytest.mark.parametrize(
    ("prices", "trend", "change"),
    [
        ((), None, None),
        (("0.01",), None, None),
        (("0.0100", "0.0105"), PriceTrend.STABLE, "5.00"),
        (("0.0100", "0.0106"), PriceTrend.RISING, "6.00"),
        (("0.0100", "0.0095"), PriceTrend.STABLE, "-5.00"),
        (("0.0100", "0.0094"), PriceTrend.FALLING, "-6.00"),
    ],
)
def test_the_trend_of_an_hour(
    prices: tuple[str, ...], trend: PriceTrend | None, change: str | None
) -> None:
    learnt = Features.of(Circumstances(now=NOON, prices=points(*prices)))

    assert learnt.price_trend is trend
    assert learnt.price_change_percent == (None if change is None else Decimal(change))


def test_older_prices_only_tell_the_newest() -> None:
    old = PricePoint(pool_id=POOL_A, price=Decimal("0.02"), captured_at=NOON - 2 * HOUR)

    learnt = Features.of(Circumstances(now=NOON, prices=[old]))

    assert (learnt.spot_price, learnt.price_trend) == (Decimal("0.020000"), None)


def test_the_rest() -> None:
    learnt = Features.of(
        Circumstances(
            now=NOON,  # a Sunday
            instance_since=NOON - timedelta(hours=5, minutes=50),
            prices=points("0.0100", "0.0102", "0.0102", "0.01025"),
            pool_interruptions=6,
            pool_first_interrupted_at=NOON - 4 * DAY,
            agents_in_pool=2,
            agent_interruptions=3,
            agent_last_interrupted_at=NOON - 90 * MINUTE,
        )
    )

    assert learnt == Features(
        instance_age_hours=Decimal(5),
        spot_price=Decimal("0.010250"),
        price_trend=PriceTrend.STABLE,
        price_change_percent=Decimal("2.50"),
        minutes_since_price_change=20,
        day_of_week=0,
        hour_of_day=12,
        pool_rate=Decimal("1.5000"),
        region_rate=Decimal("0.2000"),
        competing_instances=2,
        previous_interruptions=3,
        hours_since_last_interruption=Decimal("1.50"),
    )


def notice(**changes: object) -> Interruption:
    return an_interruption(
        **{
            "agent_id": AGENT,
            "instance_id": FIRST,
            "signal_type": SignalType.TERMINATION_NOTICE,
            "detected_at": NOON,
            "metadata": {},
            **changes,
        }
    )


class TestTheSameNotice:
    @pytest.mark.parametrize(
        ("age_s", "instance", "same"),
        [(900, FIRST, True), (901, FIRST, False), (0, SECOND, False)],
    )
    def test_of_a_termination(self, age_s: int, instance: str, same: bool) -> None:
        detected_at = NOON - age_s * SECOND_OF_TIME
        over = notice(detected_at=detected_at, instance_id=instance).resolved(Resolution.LOST)

        found = same_notice([over], SignalType.TERMINATION_NOTICE, FIRST, NOON)
        assert (found is not None) is same

    def test_an_open_one_is_the_same_however_old(self) -> None:
        old = notice(detected_at=NOON - HOUR)

        assert same_notice([old], SignalType.TERMINATION_NOTICE, FIRST, NOON) == old

    @pytest.mark.parametrize(("age_s", "same"), [(900, True), (901, False)])
    def test_of_a_recommendation_whatever_the_instance(self, age_s: int, same: bool) -> None:
        earlier = notice(
            signal_type=SignalType.REBALANCE_RECOMMENDATION,
            instance_id=SECOND,
            detected_at=NOON - age_s * SECOND_OF_TIME,
        )

        found = same_notice([earlier], SignalType.REBALANCE_RECOMMENDATION, FIRST, NOON)
        assert (found is not None) is same


class TestTheEnd:
    @pytest.mark.parametrize(
        ("announced", "end"),
        [
            (None, NOON + 2 * MINUTE),
            (NOON + 90 * SECOND_OF_TIME, NOON + 90 * SECOND_OF_TIME),
            (NOON - DAY, NOON + 2 * MINUTE),
            (NOON + DAY, NOON + 2 * MINUTE),
        ],
    )
    def test_what_cannot_be_is_not_believed(
        self, announced: datetime | None, end: datetime
    ) -> None:
        assert notice(termination_at=announced).ends_at == end

    def test_a_minute_later_it_is_lost(self) -> None:
        assert not notice().is_lost(NOON + 3 * MINUTE)
        assert notice().is_lost(NOON + 3 * MINUTE + SECOND_OF_TIME)

    def test_a_recommendation_expires_after_two_hours(self) -> None:
        advice = notice(signal_type=SignalType.REBALANCE_RECOMMENDATION)

        assert not advice.has_expired(NOON + 2 * HOUR)
        assert advice.has_expired(NOON + 2 * HOUR + SECOND_OF_TIME)


@pytest.mark.parametrize(
    ("claimed", "kept"),
    [
        (None, NOON),
        (NOON - 2 * HOUR, NOON - 2 * HOUR),
        (NOON - DAY, NOON),
        (NOON + 5 * MINUTE, NOON + 5 * MINUTE),
        (NOON + 6 * MINUTE, NOON),
    ],
)
def test_a_notice_from_the_future_is_one_of_now(claimed: datetime | None, kept: datetime) -> None:
    assert time_of_notice(claimed, NOON) == kept


def test_every_signal_has_its_own_name() -> None:
    assert set(SignalType) == set(SIGNALS.values())
