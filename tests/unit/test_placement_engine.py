"""The placement policy as a decision engine, and what it is told."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.ml.engines import PlacementEngine
from spot_optimizer.adapters.ml.loader import BuiltInEngines
from spot_optimizer.application.decisions.decide import Decide
from spot_optimizer.application.decisions.market import MarketPasts
from spot_optimizer.application.decisions.questions import AskEngine
from spot_optimizer.application.ports.decision_engine import EngineIdentity
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.decisions import placement_based, rule_based
from spot_optimizer.domain.decisions.contract import DecisionInput, DecisionType, violations
from spot_optimizer.domain.decisions.policy import Gate, closed_gate
from spot_optimizer.domain.interruptions import SignalType
from spot_optimizer.domain.placement.past import LOSS_LASTS, MarketPast, PoolPast
from spot_optimizer.domain.pricing.buckets import Bucket
from spot_optimizer.domain.values import Mode
from tests.builders import (
    AGENT,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    ZONE_A,
    ZONE_B,
    a_pool,
    a_situation,
    a_snapshot,
    a_switch,
    an_agent,
    an_interruption,
)
from tests.fakes import FixedClock, FixedEngine, InMemoryUnitOfWork, SteadyStopwatch
from tests.fakes.models import InMemoryModelFiles
from tests.placement_models import as_file, deliberately_bad
from tests.unit.test_engines import a_session

IDENTITY = EngineIdentity(name="PlacementDecisionEngine", version="1.0.0", looks_at_markets=True)
SECOND = timedelta(seconds=1)


def a_past(pool_id: Any = POOL_B, price: str = "0.0125", **changes: Any) -> PoolPast:
    return replace(PoolPast(pool_id=pool_id, price=Decimal(price)), **changes)


def asked(*pools: PoolPast, **changes: Any) -> DecisionInput:
    """On demand, at a little more than four cents an hour."""
    question = DecisionInput(
        agent_id=AGENT,
        current_mode=Mode.ON_DEMAND,
        ondemand_price=Decimal("0.0416"),
        asked_at=NOON,
        market=MarketPast(pools=pools),
    )
    return replace(question, **changes)


class TestDeciding:
    def test_a_cheap_calm_pool_is_gone_to(self) -> None:
        decision = placement_based.decide(asked(a_past()), None)

        assert decision is not None
        assert decision.decision_type is DecisionType.SWITCH_TO_SPOT
        assert decision.recommended_pool_id == POOL_B
        assert 0.025 < decision.expected_savings < 0.0291
        assert not violations(decision)

    def test_a_stay_saves_nothing_and_says_why(self) -> None:
        question = asked(
            a_past(POOL_A), a_past(POOL_B), current_mode=Mode.SPOT, current_pool_id=POOL_A
        )

        decision = placement_based.decide(question, None)

        assert decision is not None
        assert decision.decision_type is DecisionType.STAY_SPOT
        assert decision.recommended_pool_id == POOL_A
        assert decision.expected_savings == 0
        assert POOL_B in decision.reason

    def test_a_pool_that_was_lost_a_moment_ago_is_not_gone_to(self) -> None:
        def decided(minutes: int) -> DecisionType:
            lost = a_past(lost_at=(NOON - minutes * MINUTE,))
            decision = placement_based.decide(asked(lost), None)
            assert decision is not None
            return decision.decision_type

        assert decided(LOSS_LASTS // MINUTE - 1) is DecisionType.STAY_ON_DEMAND
        assert decided(LOSS_LASTS // MINUTE) is DecisionType.SWITCH_TO_SPOT

    def test_the_model_is_asked_about_pools_that_were_lost(self) -> None:
        often = tuple(NOON - hours * HOUR for hours in range(2, 160, 4))
        question = asked(a_past(lost_at=often))

        model = placement_based.decide(question, deliberately_bad())

        assert model is not None
        assert model.decision_type is DecisionType.STAY_ON_DEMAND
        assert placement_based.decide(question, None) != model

    @pytest.mark.parametrize(
        "changes", [{"market": None}, {"asked_at": None}, {"ondemand_price": Decimal(0)}]
    )
    def test_without_a_market_the_rules_decide(self, changes: dict[str, Any]) -> None:
        question = asked(a_past(), **changes)

        assert PlacementEngine(IDENTITY, None).decide(question) == rule_based.decide(question)

    def test_a_question_comes_back_from_its_record_as_it_was(self) -> None:
        question = asked(a_past(lost_at=(NOON - HOUR,), mean_price=Decimal("0.0130")))

        kept = msgspec.json.encode(question)

        assert msgspec.json.decode(kept, type=DecisionInput) == question


@given(st.lists(st.integers(0, 170 * 60), max_size=30))
def test_without_a_model_a_pool_is_known_to_be_up_as_it_is_with_one(minutes: list[int]) -> None:
    lost = a_past(lost_at=tuple(NOON - minute * MINUTE for minute in minutes))
    past = MarketPast(pools=(lost,))

    (without,) = past.outlooks(NOON, 0.0416, None)
    (modelled,) = past.outlooks(NOON, 0.0416, deliberately_bad())

    assert replace(modelled, risk=None) == without


class TestLimits:
    def test_the_way_back_to_spot_is_never_blocked_by_limits(self) -> None:
        question = asked(a_past(), recent_switches_7d=10, last_switch_at=NOON - MINUTE)
        question = replace(question, spot_price=Decimal("0.0125"))
        decision = placement_based.decide(question, None)

        assert decision is not None
        assert closed_gate(decision, question, NOON) is None
        ruled = replace(question, market=None)
        assert closed_gate(decision, ruled, NOON) is Gate.WEEKLY_LIMIT

    def test_too_little_saving_still_is(self) -> None:
        question = asked(a_past(price="0.0400"), spot_price=Decimal("0.0400"))
        decision = replace(rule_based.decide(question), decision_type=DecisionType.SWITCH_TO_SPOT)

        assert closed_gate(decision, question, NOON) is Gate.SAVINGS

    def test_moves_between_pools_wait_for_them(self) -> None:
        question = asked(
            a_past(POOL_A, "0.0300"),
            a_past(POOL_B, "0.0100"),
            current_mode=Mode.SPOT,
            current_pool_id=POOL_A,
        )
        free = placement_based.decide(question, None)
        held = placement_based.decide(replace(question, recent_switches_7d=10), None)

        assert free is not None
        assert held is not None
        assert free.decision_type is DecisionType.SWITCH_TO_SPOT
        assert held.decision_type is DecisionType.STAY_SPOT
        assert "limits" in held.reason


class TestBuilding:
    def built(self, **contents: bytes) -> Any:
        files = InMemoryModelFiles()
        engines = BuiltInEngines(
            files=files,
            module="decision_engines.placement_engine",
            class_name="PlacementDecisionEngine",
            strict=False,
        )
        return engines.build(a_session(files, **contents) if contents else None)

    def test_without_a_session_it_has_the_packaged_model(self) -> None:
        engine = self.built().engine

        assert engine.identity == IDENTITY
        assert engine.model.card["metrics_on_later_time"]

    def test_a_session_brings_its_own(self) -> None:
        built = self.built(placement_model__skops=as_file(deliberately_bad()))

        assert built.engine.model == deliberately_bad()
        assert built.engine.identity.models_used == ("placement_model",)

    def test_an_unreadable_one_leaves_the_packaged_model(self) -> None:
        built = self.built(placement_model__skops=b"nonsense")

        assert built.models[0].failure is not None
        assert built.engine.model == self.built().engine.model


class Server:
    """Acme's agent is in zone a; both pools have a price of five minutes ago."""

    def __init__(self, **agent: Any) -> None:
        self.agent: Agent = an_agent(**agent)
        self.work = InMemoryUnitOfWork(agents=[self.agent], pools=[a_pool(ZONE_A), a_pool(ZONE_B)])
        for pool_id, price in ((POOL_A, "0.0300"), (POOL_B, "0.0100")):
            self.priced(pool_id, price, NOON - 5 * MINUTE)

    def priced(self, pool_id: Any, price: str, at: Any) -> None:
        snapshot = a_snapshot(pool_id=pool_id, bucket=Bucket(at), spot_price=Decimal(price))
        self.work.prices.buckets[pool_id, snapshot.bucket.start] = snapshot

    def told(self) -> MarketPast:
        return MarketPasts()(self.work, [self.agent], NOON)[AGENT]


class TestBeingTold:
    def test_of_prices_and_losses_of_all_its_pools(self) -> None:
        server = Server()
        server.priced(POOL_B, "0.0200", NOON - 2 * HOUR)
        for at, signal in (
            (NOON - HOUR, SignalType.TERMINATION_NOTICE),
            (NOON - 2 * HOUR, SignalType.REBALANCE_RECOMMENDATION),
            (NOON - 169 * HOUR, SignalType.TERMINATION_NOTICE),
        ):
            lost = an_interruption(pool_id=POOL_B, detected_at=at, signal_type=signal)
            server.work.interruptions.add(lost, at)

        assert server.told().pools == (
            a_past(POOL_A, "0.0300", mean_price=Decimal("0.0300")),
            a_past(POOL_B, "0.0100", mean_price=Decimal("0.0150"), lost_at=(NOON - HOUR,)),
        )

    def test_not_of_pools_whose_price_is_old_unless_it_is_there(self) -> None:
        server = Server()
        server.work.prices.buckets.clear()
        for pool_id in (POOL_A, POOL_B):
            server.priced(pool_id, "0.0200", NOON - 2 * HOUR)

        assert [pool.pool_id for pool in server.told().pools] == [POOL_A]

    def test_of_its_own_times(self) -> None:
        server = Server()
        server.work.switches.kept = [a_switch()] * 3
        timing = a_switch().report.timing
        assert timing.instance_ready_at is not None

        costs = server.told().costs

        boot = timing.instance_ready_at - (NOON - 6 * MINUTE)
        assert costs.boot_s == boot.total_seconds()

    def test_when_an_agent_asks(self) -> None:
        server = Server()
        decide = Decide(
            server.work,
            FixedClock(),
            SteadyStopwatch(),
            AskEngine(FixedEngine(PlacementEngine(IDENTITY, None))),
            timedelta(minutes=5),
        )

        (advised,) = decide([a_situation()])

        advice = advised.advice
        assert (advice.action, advice.pool_id) == ("switch_spot", POOL_B)
        assert "USD over" in advice.reason
