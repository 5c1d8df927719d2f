"""What an agent had better do by what the server knows (contract/agents-and-replicas.md A13)."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from spot_optimizer.application.decisions.questions import AskEngine
from spot_optimizer.application.decisions.recommend_switch import (
    Recommendation,
    RecommendSwitch,
)
from spot_optimizer.domain.agents.agent import AgentSettings
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.decisions.contract import Decision, DecisionInput, DecisionType
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.values import Mode
from tests.builders import (
    AGENT,
    DAY,
    FIRST,
    FROM_ACME,
    FROM_GLOBEX,
    GLOBEX,
    HOUR,
    NOON,
    POOL_A,
    POOL_B,
    POOL_C,
    SECOND_OF_TIME,
    TODAY,
    ZONE_A,
    ZONE_B,
    ZONE_C,
    a_decision,
    a_placement,
    a_pool,
    a_switch,
    an_agent,
    an_instance,
    an_observation,
)
from tests.fakes import FakeDecisionEngine, FixedClock, FixedEngine, InMemoryUnitOfWork

WITHOUT_ENGINE = Decision(
    decision_type=DecisionType.STAY_SPOT,
    recommended_pool_id=POOL_A,
    risk_score=0.3,
    expected_savings=0.0291,
    confidence=0.6,
    reason="Current configuration optimal (70.0% savings)",
)


class Counsel:
    """For Acme's agent, which is known on `i-1`."""

    def __init__(self, answer: object = None, *, loaded: bool = True, **agent: object) -> None:
        self.engine = FakeDecisionEngine(a_decision() if answer is None else answer)
        self.work = InMemoryUnitOfWork(
            agents=[an_agent(**agent)],
            instances=[an_instance()],
            pools=[a_pool(zone) for zone in (ZONE_A, ZONE_B, ZONE_C)],
        )
        self._recommend = RecommendSwitch(
            self.work,
            FixedClock(),
            AskEngine(FixedEngine(self.engine if loaded else None)),
            timedelta(minutes=60),
            TODAY,
        )

    def costs(self, pool_id: object, price: str, at: datetime = NOON) -> None:
        tick = an_observation(pool_id=pool_id, price=Decimal(price), observed_at=at)
        self.work.prices.ticks.append(tick)

    def ask(self, caller: Caller = FROM_ACME) -> Recommendation:
        return self._recommend(AGENT, caller)

    @property
    def question(self) -> DecisionInput:
        return self.engine.asked[-1]


def test_the_engine_is_asked_and_its_answer_passed_on() -> None:
    counsel = Counsel()

    recommendation = counsel.ask()

    assert recommendation.decision == a_decision()
    assert recommendation.agent == an_agent()
    assert recommendation.current_pool == a_pool()
    assert recommendation.will_auto_execute
    assert counsel.question.spot_price == Decimal("0.0125")
    assert counsel.question.ondemand_price == Decimal("0.0416")


def test_nothing_is_kept() -> None:
    counsel = Counsel(RuntimeError("no idea"))

    counsel.ask()

    assert counsel.work.commits == 0
    assert counsel.work.events.entries == []


@pytest.mark.parametrize("loaded", [True, False])
def test_an_engine_that_raises_or_is_missing_finds_all_well(loaded: bool) -> None:
    counsel = Counsel(RuntimeError("no idea"), loaded=loaded)

    recommendation = counsel.ask()

    assert recommendation.decision == WITHOUT_ENGINE
    assert not recommendation.will_auto_execute


def test_for_an_engine_that_breaks_the_contract_the_rules_answer() -> None:
    assert Counsel("nonsense").ask().decision.reason == "Current mode is optimal (70.0% savings)"


@pytest.mark.parametrize(
    ("answer", "settings", "executes"),
    [
        (a_decision(), AgentSettings(), True),
        (a_decision(), AgentSettings(auto_switch_enabled=False), False),
        (a_decision(decision_type=DecisionType.STAY_SPOT), AgentSettings(), False),
        (a_decision(decision_type=DecisionType.STAY_ON_DEMAND), AgentSettings(), False),
        (a_decision(decision_type=DecisionType.SWITCH_TO_ON_DEMAND), AgentSettings(), True),
    ],
)
def test_a_switch_is_carried_out_where_the_agent_may_switch_by_itself(
    answer: Decision, settings: AgentSettings, executes: bool
) -> None:
    assert Counsel(answer, settings=settings).ask().will_auto_execute is executes


def test_the_disabled_are_advised_too() -> None:
    assert Counsel(settings=AgentSettings(enabled=False)).ask().decision == a_decision()


class TestAlternatives:
    def test_other_pools_with_fresh_prices_are_shown_cheapest_first(self) -> None:
        counsel = Counsel()
        counsel.costs(POOL_A, "0.001")
        counsel.costs(POOL_B, "0.02", NOON - HOUR)
        counsel.costs(POOL_C, "0.01")

        recommendation = counsel.ask()

        assert [pool.pool_id for pool in recommendation.alternatives] == [POOL_C, POOL_B]
        assert counsel.question.alternative_pools == tuple(recommendation.alternatives)

    def test_a_price_of_an_hour_ago_is_the_last_that_is_fresh(self) -> None:
        counsel = Counsel()
        counsel.costs(POOL_B, "0.02", NOON - HOUR - SECOND_OF_TIME)

        assert counsel.ask().alternatives == ()

    def test_to_an_agent_in_no_pool_every_pool_is_another(self) -> None:
        counsel = Counsel(placement=a_placement(pool_id=None))
        counsel.costs(POOL_A, "0.02")

        recommendation = counsel.ask()

        assert [pool.pool_id for pool in recommendation.alternatives] == [POOL_A]
        assert recommendation.current_pool is None


class TestSpotPrice:
    @pytest.mark.parametrize("price", [None, Decimal(0)])
    def test_an_agent_on_spot_without_one_pays_what_its_pool_costs(
        self, price: Decimal | None
    ) -> None:
        counsel = Counsel()
        counsel.work.instances.kept[FIRST] = an_instance(spot_price=price)
        counsel.costs(POOL_A, "0.0333", NOON - 30 * DAY)

        counsel.ask()

        assert counsel.question.spot_price == Decimal("0.0333")

    def test_where_nobody_knows_it_stays_unknown(self) -> None:
        counsel = Counsel()
        counsel.work.instances.kept[FIRST] = an_instance(spot_price=None)

        counsel.ask()

        assert counsel.question.spot_price is None

    def test_a_pool_that_an_agent_on_demand_has_left_prices_nothing(self) -> None:
        counsel = Counsel(placement=a_placement(mode=Mode.ON_DEMAND, pool_id=POOL_A))
        counsel.work.instances.kept[FIRST] = an_instance(spot_price=None)
        counsel.costs(POOL_A, "0.0333")

        counsel.ask()

        assert counsel.question.spot_price is None

    def test_an_agent_on_demand_looks_at_the_cheapest_alternative(self) -> None:
        counsel = Counsel(placement=a_placement(mode=Mode.ON_DEMAND))
        counsel.work.instances.kept[FIRST] = an_instance(spot_price=Decimal(0))
        counsel.costs(POOL_B, "0.0111")

        counsel.ask()

        assert counsel.question.quote.price == Decimal("0.0111")
        assert counsel.question.quote.pool_id == POOL_B


def test_switches_of_the_last_week_are_counted() -> None:
    counsel = Counsel()
    counsel.work.switches.kept = [a_switch(initiated_at=NOON - DAY)]

    counsel.ask()

    assert counsel.question.recent_switches_7d == 1
    assert counsel.question.last_switch_at == NOON - DAY


class TestWhoIsNotAdvised:
    def test_the_agent_of_another_client_does_not_exist(self) -> None:
        with pytest.raises(AgentNotFound):
            Counsel().ask(FROM_GLOBEX)

    @pytest.mark.parametrize("primary", [None, "i-9"])
    def test_nor_does_one_whose_instance_nobody_knows(self, primary: str | None) -> None:
        with pytest.raises(AgentNotFound):
            Counsel(primary_instance_id=primary).ask()

    def test_nor_one_whose_instance_is_another_clients(self) -> None:
        counsel = Counsel()
        counsel.work.instances.kept[FIRST] = an_instance(client_id=GLOBEX)

        with pytest.raises(AgentNotFound):
            counsel.ask()
