"""AWS thinks that an instance is at risk (contract/agents-and-replicas.md A10, INV-13)."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from spot_optimizer.application.interruptions.handle_rebalance import HandleRebalance
from spot_optimizer.domain.agents.agent import Placement
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId
from spot_optimizer.domain.interruptions import Interruption, InterruptionId, SignalType
from spot_optimizer.domain.pricing.pool_choice import RebalanceAction, RebalanceAdvice
from tests.builders import (
    AGENT,
    DAY,
    FIRST,
    FROM_ACME,
    FROM_GLOBEX,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    POOL_C,
    REGION,
    SECOND,
    SECOND_OF_TIME,
    TYPE,
    ZONE_A,
    ZONE_B,
    ZONE_C,
    a_pool,
    an_agent,
    an_interruption,
    an_observation,
    many_agents,
)
from tests.fakes import FixedClock, InMemoryUnitOfWork


class Gate:
    """Acme's agent in zone a; two more zones to go to."""

    def __init__(self, **agent: object) -> None:
        self.work = InMemoryUnitOfWork(
            agents=[an_agent(**agent)],
            pools=[a_pool(zone) for zone in (ZONE_A, ZONE_B, ZONE_C)],
        )
        self.clock = FixedClock()

    def was_interrupted(self, pool_id: PoolId, times: int, age: timedelta = DAY) -> None:
        """Other agents were."""
        self.work.interruptions.kept += [
            an_interruption(agent_id=AgentId("agent-9"), pool_id=pool_id, detected_at=NOON - age)
        ] * times

    def notice(
        self,
        instance_id: InstanceId | None = None,
        detected_at: datetime | None = None,
        caller: Caller = FROM_ACME,
    ) -> RebalanceAdvice | None:
        return HandleRebalance(self.work, self.clock)(AGENT, instance_id, detected_at, caller)

    @property
    def noted(self) -> Interruption:
        return self.work.interruptions.kept[-1]


class TestNotice:
    def test_it_is_noted(self) -> None:
        gate = Gate()

        gate.notice()

        assert gate.noted == Interruption(
            id=InterruptionId(1),
            agent_id=AGENT,
            instance_id=FIRST,
            pool_id=POOL_A,
            signal_type=SignalType.REBALANCE_RECOMMENDATION,
            detected_at=NOON,
            metadata={
                "risk_score": 0.0,
                "current_pool": POOL_A,
                "instance_type": TYPE,
                "region": REGION,
                "az": ZONE_A,
            },
        )

    def test_the_agent_remembers_it(self) -> None:
        gate = Gate(interruption_handled_count=4)

        gate.notice()

        assert gate.work.agents.kept[AGENT] == an_agent(
            interruption_handled_count=5,
            last_interruption_signal_at=NOON,
            last_rebalance_recommendation_at=NOON,
        )

    def test_operators_are_told_and_nobody_else(self) -> None:
        gate = Gate()

        gate.notice()

        assert gate.work.events.types == ["interruption_signal", "rebalance_recommendation"]
        assert gate.work.events.entries[1].message == (
            "Rebalance recommendation for i-1. Risk: 0.00%. Action: monitor"
        )
        assert gate.work.audit.actions == ["interruption_accepted"]
        assert gate.work.notifications.entries == []
        assert gate.work.commands.kept == {}

    def test_an_instance_and_a_time_that_are_named_count(self) -> None:
        gate = Gate()

        gate.notice(SECOND, NOON - MINUTE)

        assert (gate.noted.instance_id, gate.noted.detected_at) == (SECOND, NOON - MINUTE)

    def test_an_agent_that_is_nowhere_is_heard_too(self) -> None:
        gate = Gate(placement=Placement(), primary_instance_id=None)

        advice = gate.notice()

        assert advice == RebalanceAdvice(risk_score=0.0)
        assert (gate.noted.instance_id, gate.noted.pool_id) == ("", None)

    def test_the_agent_of_another_client_does_not_exist(self) -> None:
        gate = Gate()

        with pytest.raises(AgentNotFound):
            gate.notice(caller=FROM_GLOBEX)

        assert gate.work.interruptions.kept == []


class TestSameSignAgain:
    @pytest.mark.parametrize(
        ("age", "is_repeated"),
        [
            (timedelta(0), True),
            (15 * MINUTE, True),
            (15 * MINUTE + SECOND_OF_TIME, False),
        ],
    )
    def test_within_fifteen_minutes_it_is_the_same(self, age: timedelta, is_repeated: bool) -> None:
        gate = Gate()
        gate.notice()
        gate.clock.advance(age)

        advice = gate.notice()

        assert (advice is None) is is_repeated
        times = 1 if is_repeated else 2
        assert len(gate.work.interruptions.kept) == times
        assert gate.work.agents.kept[AGENT].interruption_handled_count == times
        assert len(gate.work.events.entries) == 2 * times

    def test_another_agents_or_another_sign_is_not(self) -> None:
        gate = Gate()
        gate.work.interruptions.kept = [
            an_interruption(agent_id=AgentId("agent-2")),
            an_interruption(signal_type=SignalType.TERMINATION_NOTICE),
        ]

        assert gate.notice() is not None

    def test_whoever_noted_it(self) -> None:
        gate = Gate()
        gate.work.interruptions.kept = [an_interruption(detected_at=NOON - 10 * MINUTE)]

        assert gate.notice() is None


class TestAdvice:
    @pytest.mark.parametrize(
        ("interruptions", "action"), [(9, RebalanceAction.MONITOR), (10, RebalanceAction.SWITCH)]
    )
    def test_more_than_three_in_ten_is_too_risky(
        self, interruptions: int, action: RebalanceAction
    ) -> None:
        gate = Gate()
        gate.was_interrupted(POOL_A, interruptions)

        advice = gate.notice()

        assert advice is not None
        assert advice.action is action
        assert advice.risk_score == interruptions / 30

    def test_what_is_older_than_thirty_days_counts_no_more(self) -> None:
        gate = Gate()
        gate.was_interrupted(POOL_A, 9, 30 * DAY)
        gate.was_interrupted(POOL_A, 9, 30 * DAY + SECOND_OF_TIME)

        advice = gate.notice()

        assert advice is not None
        assert advice.risk_score == 9 / 30

    def test_the_pool_with_the_fewest_interruptions_is_the_place_to_go(self) -> None:
        gate = Gate()
        gate.was_interrupted(POOL_A, 30)
        gate.was_interrupted(POOL_B, 1)

        assert self.target(gate) == POOL_C

    def test_among_equals_it_is_the_cheapest(self) -> None:
        gate = Gate()
        gate.was_interrupted(POOL_A, 30)
        gate.work.prices.ticks = [an_observation(pool_id=POOL_C, price=Decimal("0.01"))]

        assert self.target(gate) == POOL_C

    def test_without_prices_it_is_the_first_by_its_id(self) -> None:
        gate = Gate()
        gate.was_interrupted(POOL_A, 30)

        assert self.target(gate) == POOL_B

    def test_with_nowhere_to_go_it_is_watched(self) -> None:
        gate = Gate()
        gate.work.pools.kept = {POOL_A: a_pool(), POOL_B: a_pool(ZONE_B, is_active=False)}
        gate.was_interrupted(POOL_A, 30)

        advice = gate.notice()

        assert advice is not None
        assert advice.action is RebalanceAction.MONITOR

    @staticmethod
    def target(gate: Gate) -> PoolId:
        advice = gate.notice()
        assert advice is not None
        assert advice.target is not None
        return advice.target.pool_id


def test_in_a_storm_the_fourth_waits_for_its_turn() -> None:
    agents = many_agents(5)
    work = InMemoryUnitOfWork(agents=agents)
    handle = HandleRebalance(work, FixedClock())

    for agent in agents:
        handle(agent.id, None, None, FROM_ACME)

    at_once = [one.may_be_handled(NOON) for one in work.interruptions.kept]
    assert at_once == [True, True, True, False, False]
    assert work.interruptions.kept[3].may_be_handled(NOON + 9 * SECOND_OF_TIME)
