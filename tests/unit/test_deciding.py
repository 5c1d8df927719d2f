"""Agents ask whether to stay or to move (contract/agents-and-replicas.md A12)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from spot_optimizer.application.decisions.decide import Decide, Situation
from spot_optimizer.application.decisions.questions import AskEngine
from spot_optimizer.application.ports.decision_engine import EngineIdentity
from spot_optimizer.domain.agents.agent import AgentSettings, AgentStatus
from spot_optimizer.domain.decisions.answers import (
    AGENT_DISABLED,
    ENGINE_UNAVAILABLE,
    Action,
    Advice,
)
from spot_optimizer.domain.decisions.contract import DecisionInput, DecisionType, SwitchLimits
from spot_optimizer.domain.identifiers import AgentId, PoolId, SwitchId
from spot_optimizer.domain.pricing.buckets import Bucket
from spot_optimizer.domain.values import Mode
from tests.builders import (
    AGENT,
    DAY,
    FROM_GLOBEX,
    HOUR,
    MINUTE,
    NOON,
    OPERATOR,
    POOL_A,
    POOL_B,
    POOL_C,
    REGION,
    TYPE,
    ZONE_A,
    ZONE_B,
    ZONE_C,
    a_decision,
    a_decision_record,
    a_pool,
    a_situation,
    a_snapshot,
    a_switch,
    an_agent,
    an_interruption,
    an_observation,
)
from tests.fakes import (
    FakeDecisionEngine,
    FixedClock,
    FixedEngine,
    InMemoryUnitOfWork,
    SteadyStopwatch,
)

STAY = a_situation().stay(ENGINE_UNAVAILABLE)


class Counsel:
    """Acme's agent asks; the engine answers as it is told."""

    def __init__(self, answer: object = None, *, loaded: bool = True, **agent: object) -> None:
        self.engine = FakeDecisionEngine(a_decision() if answer is None else answer)
        self.work = InMemoryUnitOfWork(agents=[an_agent(**agent)])
        self._decide = Decide(
            self.work,
            FixedClock(),
            SteadyStopwatch(),
            AskEngine(FixedEngine(self.engine if loaded else None)),
            timedelta(minutes=60),
        )

    def ask(self, situation: Situation | None = None) -> Advice:
        (advised,) = self._decide([situation or a_situation()])
        return advised.advice

    def ids_of(self, *situations: Situation) -> list[int | None]:
        return [advised.decision_id for advised in self._decide(situations)]

    def ask_together(self, *situations: Situation) -> list[Advice]:
        return [advised.advice for advised in self._decide(situations)]

    def has_switched(self, *times: object) -> None:
        self.work.switches.kept = [
            a_switch(id=SwitchId(f"switch-{number}"), initiated_at=at)
            for number, at in enumerate(times)
        ]


class TestAnswer:
    def test_the_engine_is_told_all_that_is_known(self) -> None:
        counsel = Counsel()
        counsel.has_switched(NOON - DAY, NOON - 8 * DAY)
        limits = SwitchLimits(max_switches_per_week=4)
        counsel.work.agents.limits[AGENT] = limits

        counsel.ask()

        assert counsel.engine.asked == [
            DecisionInput(
                agent_id=AGENT,
                instance_type=TYPE,
                region=REGION,
                current_mode=Mode.SPOT,
                current_pool_id=POOL_A,
                spot_price=Decimal("0.0125"),
                ondemand_price=Decimal("0.0416"),
                candidate_pool_id=POOL_B,
                limits=limits,
                recent_switches_7d=1,
                last_switch_at=NOON - DAY,
                asked_at=NOON,
            )
        ]

    @pytest.mark.parametrize(("models", "change"), [(("risk",), 0.0005), ((), 0.0)])
    def test_an_engine_with_models_is_told_what_the_pool_has_cost(
        self, models: tuple[str, ...], change: float
    ) -> None:
        counsel = Counsel()
        counsel.engine.identity = EngineIdentity(name="E", version="1", models_used=models)
        for minutes in range(0, 70, 5):
            snapshot = a_snapshot(
                pool_id=POOL_B,
                bucket=Bucket(NOON - minutes * MINUTE),
                spot_price=Decimal("0.0110") if minutes >= 60 else Decimal("0.0115"),
            )
            counsel.work.prices.buckets[POOL_B, snapshot.bucket.start] = snapshot

        counsel.ask()

        (asked,) = counsel.engine.asked
        assert asked.trend.change_1h == pytest.approx(change)
        points = [(point.at, point.price) for point in asked.price_history_7d.points]
        assert points[:1] + points[-1:] == (
            [(NOON - 65 * MINUTE, Decimal("0.0110")), (NOON, Decimal("0.0115"))] if models else []
        )

    @pytest.mark.parametrize(("models", "others"), [(("risk",), [POOL_B, POOL_C]), ((), [])])
    def test_an_engine_with_models_is_told_of_other_pools_and_interruptions(
        self, models: tuple[str, ...], others: list[PoolId]
    ) -> None:
        counsel = Counsel()
        counsel.engine.identity = EngineIdentity(name="E", version="1", models_used=models)
        pools = [a_pool(zone) for zone in (ZONE_A, ZONE_B, ZONE_C)]
        counsel.work.pools.kept.update({pool.id: pool for pool in pools})
        for pool, price in ((POOL_A, "0.0125"), (POOL_B, "0.0110"), (POOL_C, "0.0120")):
            tick = an_observation(pool_id=pool, price=Decimal(price), observed_at=NOON - MINUTE)
            counsel.work.prices.ticks.append(tick)
        for pool, days in ((POOL_A, 1), (POOL_B, 2), (POOL_C, 3), (POOL_B, 31)):
            told = an_interruption(pool_id=pool, detected_at=NOON - days * DAY)
            counsel.work.interruptions.add(told, NOON)

        counsel.ask()

        (asked,) = counsel.engine.asked
        assert [other.pool_id for other in asked.alternative_pools] == others
        assert [(past.pool_id, past.detected_at) for past in asked.interruption_history] == (
            [(POOL_A, NOON - DAY), (POOL_B, NOON - 2 * DAY)] if models else []
        )
        assert [other.interruptions_30d for other in asked.alternative_pools] == [1] * len(others)

    def test_an_engine_with_models_sees_the_trend_of_the_pool_that_it_prices(self) -> None:
        """Off spot and without a price of its own the agent looks at the cheapest pool."""
        counsel = Counsel()
        counsel.engine.identity = EngineIdentity(name="E", version="1", models_used=("risk",))
        counsel.work.pools.kept[POOL_C] = a_pool(ZONE_C)
        for minutes in range(0, 70, 5):
            snapshot = a_snapshot(
                pool_id=POOL_C,
                bucket=Bucket(NOON - minutes * MINUTE),
                spot_price=Decimal("0.0110") if minutes >= 60 else Decimal("0.0115"),
            )
            counsel.work.prices.buckets[POOL_C, snapshot.bucket.start] = snapshot

        counsel.ask(a_situation(mode="ondemand", spot_price=None))

        (asked,) = counsel.engine.asked
        assert asked.quote.pool_id == POOL_C
        assert asked.trend.change_1h == pytest.approx(0.0005)

    def test_its_advice_is_passed_on(self) -> None:
        assert Counsel().ask() == Advice(
            action=Action.SWITCH_SPOT,
            mode=Mode.SPOT,
            pool_id=POOL_B,
            risk_score=0.2,
            expected_savings=0.0291,
            allowed=True,
            reason="cheaper there",
        )

    def test_without_a_cheapest_pool_the_current_one_is_the_candidate(self) -> None:
        counsel = Counsel(a_decision(recommended_pool_id=None))

        advice = counsel.ask(a_situation(cheapest_pool_id=None))

        assert advice.pool_id == counsel.engine.asked[0].candidate_pool_id == POOL_A

    def test_a_stay_repeats_what_the_caller_named(self) -> None:
        stay = a_decision(decision_type=DecisionType.STAY_SPOT, recommended_pool_id=POOL_B)

        advice = Counsel(stay).ask(a_situation(mode="my mode", pool_id="my pool"))

        assert (advice.action, advice.mode, advice.pool_id) == (Action.STAY, "my mode", "my pool")
        assert not advice.allowed

    @pytest.mark.parametrize(
        ("switches", "reason"),
        [
            ([NOON - HOUR * 2], "cheaper there"),
            ([NOON - HOUR], "Minimum pool duration not reached"),
            ([NOON - 3 * DAY] * 10, "Weekly switch limit reached"),
            ([NOON - 8 * DAY] * 10, "cheaper there"),
        ],
    )
    def test_the_policy_may_forbid_it(self, switches: list[object], reason: str) -> None:
        counsel = Counsel()
        counsel.has_switched(*switches)

        advice = counsel.ask()

        assert advice.reason == reason
        assert advice.allowed is (reason == "cheaper there")
        assert advice.action is Action.SWITCH_SPOT


class TestSafeAnswer:
    @pytest.mark.parametrize(
        ("error", "message"), [(ValueError("no idea"), "no idea"), (KeyError(), "KeyError")]
    )
    def test_an_engine_that_raises_lets_everybody_stay(
        self, error: Exception, message: str
    ) -> None:
        counsel = Counsel(error)

        assert counsel.ask() == STAY

        (event,) = counsel.work.events.entries
        assert (event.event_type, event.message) == ("decision_error", message)
        assert event.instance_id == "i-1"

    def test_it_is_kept_without_an_answer_of_the_engine(self) -> None:
        counsel = Counsel(ValueError("no idea"))

        counsel.ask()

        assert counsel.work.decisions.records == [
            a_decision_record(advice=STAY, answer=None, model_version="9.9")
        ]

    def test_without_an_engine_everybody_stays(self) -> None:
        counsel = Counsel(loaded=False)

        assert counsel.ask() == STAY

        assert counsel.work.events.entries == []
        assert counsel.work.decisions.records == [
            a_decision_record(advice=STAY, answer=None, model_version=None)
        ]

    @pytest.mark.parametrize(
        "answer",
        [
            "switch!",
            a_decision(decision_type="switch"),
            a_decision(risk_score=1.1),
            a_decision(risk_score=float("nan")),
            a_decision(expected_savings=-1.0),
            a_decision(expected_savings=float("inf")),
            a_decision(confidence=True),
            a_decision(reason="  "),
            a_decision(recommended_pool_id=17),
        ],
    )
    def test_for_an_engine_that_breaks_the_contract_the_rules_answer(self, answer: object) -> None:
        counsel = Counsel(answer)

        advice = counsel.ask()

        assert advice.action is Action.STAY
        assert advice.reason == "Current mode is optimal (70.0% savings)"
        (record,) = counsel.work.decisions.records
        assert record.answer is not None
        assert record.answer.decision.reason == advice.reason
        assert counsel.work.events.entries == []

    def test_an_engine_without_a_pool_keeps_the_contract(self) -> None:
        advice = Counsel(a_decision(recommended_pool_id=None)).ask()

        assert advice.pool_id == POOL_B


class TestWhoIsNotAdvised:
    @pytest.mark.parametrize(
        ("agent", "situation"),
        [
            ({"settings": AgentSettings(enabled=False)}, a_situation()),
            ({"status": AgentStatus.DELETED}, a_situation()),
            ({}, a_situation(agent_id=AgentId("agent-9"))),
            ({}, a_situation(caller=FROM_GLOBEX)),
        ],
    )
    def test_the_disabled_and_the_unknown_stay_and_nothing_is_kept(
        self, agent: dict[str, Any], situation: Situation
    ) -> None:
        counsel = Counsel(**agent)

        assert counsel.ask(situation) == situation.stay(AGENT_DISABLED)

        assert counsel.engine.asked == []
        assert counsel.work.decisions.records == []
        assert counsel.work.events.entries == []

    def test_an_agent_that_may_not_switch_by_itself_is_advised(self) -> None:
        assert Counsel(settings=AgentSettings(auto_switch_enabled=False)).ask().allowed

    def test_the_operator_may_ask_for_every_agent(self) -> None:
        assert Counsel().ask(a_situation(caller=OPERATOR)).allowed


class TestRecord:
    def test_question_and_answer_are_kept(self) -> None:
        counsel = Counsel()
        counsel.has_switched(NOON - DAY)

        counsel.ask()

        (record,) = counsel.work.decisions.records
        assert replace(record, answer=None) == a_decision_record(
            answer=None, model_version="9.9", decided_at=NOON
        )
        answer = record.answer
        assert answer is not None
        assert (answer.engine, answer.version, answer.models_used) == (
            "FakeEngine",
            "9.9",
            ("risk", "price"),
        )
        assert (answer.decision, answer.took_ms) == (a_decision(), 250)
        assert answer.said == {
            "instance": {"instance_id": "i-1"},
            "config": {
                "enabled": True,
                "auto_switch_enabled": True,
                "min_savings_percent": Decimal("15.00"),
                "risk_threshold": Decimal("0.30"),
                "max_switches_per_week": 10,
                "min_pool_duration_hours": 2,
                "recent_switches_count": 1,
                "last_switch_time": NOON - DAY,
            },
        }

    def test_it_holds_all_that_the_decision_was_made_of(self) -> None:
        counsel = Counsel()

        counsel.ask()

        (record,) = counsel.work.decisions.records
        assert record.answer is not None
        flight = record.answer.flight
        assert [flight.question] == counsel.engine.asked
        assert flight.asked_at == flight.question.asked_at == NOON
        assert flight.advice_on(record.answer.decision) == record.advice

    def test_a_price_that_is_not_told_is_kept_as_nothing(self) -> None:
        counsel = Counsel()

        counsel.ask(a_situation(spot_price=None))

        assert counsel.work.decisions.records[0].current_price == 0


def test_each_answer_has_the_id_of_its_decision() -> None:
    counsel = Counsel()
    unknown = a_situation(agent_id=AgentId("agent-9"))

    ids = counsel.ids_of(a_situation(), unknown, a_situation())

    assert ids == [1, None, 2]


def test_what_arrives_together_is_answered_in_order() -> None:
    counsel = Counsel()
    unknown = a_situation(agent_id=AgentId("agent-9"))

    answers = counsel.ask_together(unknown, a_situation(), unknown)

    assert [answer.reason for answer in answers] == [
        AGENT_DISABLED,
        "cheaper there",
        AGENT_DISABLED,
    ]
    assert counsel.work.commits == len(counsel.work.decisions.records) == 1
