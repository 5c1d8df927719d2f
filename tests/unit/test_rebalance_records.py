"""The server learns what rebalance recommendations are worth from the rows that it keeps."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from spot_optimizer.application.decisions.costs import AgentCosts
from spot_optimizer.application.interruptions.handle_rebalance import HandleRebalance
from spot_optimizer.application.interruptions.rebalance_records import weighed
from spot_optimizer.application.replicas.coordinate_agent import CoordinateAgent
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.identifiers import AgentId, InstanceId, LogicalAgentId, PoolId
from spot_optimizer.domain.interruptions import Interruption, SignalType
from spot_optimizer.domain.placement.costs import SwitchingCost
from spot_optimizer.domain.pricing.pool_choice import RebalanceAction, RebalanceAdvice
from spot_optimizer.domain.switching import SwitchTiming
from tests.builders import (
    AGENT,
    DAY,
    FIRST,
    FROM_ACME,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    TODAY,
    ZONE_A,
    ZONE_B,
    a_pool,
    a_switch,
    a_switch_report,
    an_agent,
    an_instance,
    an_interruption,
    an_observation,
)
from tests.fakes import CountingIdentifiers, FixedClock, InMemoryUnitOfWork, SteadyStopwatch
from tests.unit.test_placement_rebalancing import Bill

WARNING = SignalType.REBALANCE_RECOMMENDATION
NOTICE = SignalType.TERMINATION_NOTICE


class Server:
    """Agents of zone a, each on an instance of its own, and a pool in zone b to go to."""

    def __init__(self, *agents: Agent, goes_by_record: bool = True) -> None:
        self.agents = agents or (an_agent(),)
        self.clock = FixedClock()
        self.work = InMemoryUnitOfWork(agents=self.agents, pools=[a_pool(ZONE_A), a_pool(ZONE_B)])
        for agent in self.agents:
            self.runs_on(agent.primary_instance_id or FIRST, agent_id=agent.id)
        self.work.prices.ticks = [
            an_observation(pool_id=PoolId(pool.id), price=Decimal("0.0125"))
            for pool in self.work.pools.kept.values()
        ]
        self.handle = HandleRebalance(self.work, self.clock, goes_by_record=goes_by_record)
        self.coordinate = CoordinateAgent(
            self.work, self.clock, SteadyStopwatch(), CountingIdentifiers(), HOUR, TODAY
        )

    def runs_on(self, instance_id: InstanceId, **changes: Any) -> None:
        told = {"spot_price": Decimal("0.0125"), "on_demand_price": Decimal("0.0416"), **changes}
        self.work.instances.kept[instance_id] = an_instance(id=instance_id, **told)

    def noted(self, signal: SignalType, at: datetime, **changes: Any) -> None:
        kept = {"instance_id": InstanceId("i-9"), "agent_id": AgentId("agent-9"), **changes}
        self.work.interruptions.add(an_interruption(signal_type=signal, detected_at=at, **kept), at)

    def warned_in_vain(self, times: int, **changes: Any) -> None:
        for day in range(1, times + 1):
            self.noted(WARNING, NOON - day * DAY, **changes)

    def warn(self, agent_id: AgentId = AGENT) -> RebalanceAdvice:
        advice = self.handle(agent_id, None, None, FROM_ACME)
        assert advice is not None
        return advice

    def replicas_of(self, agent_id: AgentId = AGENT) -> int:
        self.coordinate(agent_id)
        return len(self.work.replicas.active_of(agent_id))

    @property
    def newest(self) -> Interruption:
        return self.work.interruptions.kept[-1]


def test_of_a_pool_that_nobody_was_warned_of_a_warning_is_believed() -> None:
    server = Server()

    advice = server.warn()

    assert (advice.action, advice.risk_score) == (RebalanceAction.SWITCH, 0.5)
    assert advice.target is not None
    assert advice.target.pool_id == POOL_B
    assert server.replicas_of() == 1


def test_where_no_loss_ever_followed_it_is_watched_and_no_replica_made() -> None:
    server = Server()
    server.warned_in_vain(20)

    advice = server.warn()

    assert (advice.action, advice.risk_score) == (RebalanceAction.MONITOR, 0.0455)
    assert "Risk is acceptable (4.55%)" in advice.reason
    assert server.newest.is_only_watched
    assert server.newest.metadata["recommendations"] == 20
    assert server.newest.metadata["followed_by_loss"] == 0
    assert server.replicas_of() == 0


def test_a_notice_after_a_warning_that_was_only_watched_is_met_as_ever() -> None:
    server = Server()
    server.warned_in_vain(20)
    server.warn()
    notice = replace(server.newest, id=None, signal_type=NOTICE, metadata={})
    server.work.interruptions.add(notice, NOON)

    assert not notice.is_only_watched
    assert server.work.interruptions.kept[-1].is_open
    assert server.work.interruptions.kept[-2].is_open


def test_losses_that_follow_on_the_same_instance_make_it_worth_moving() -> None:
    server = Server()
    for day in range(1, 21):
        instance_id = InstanceId(f"i-{100 + day}")
        server.noted(WARNING, NOON - day * DAY, instance_id=instance_id)
        server.noted(NOTICE, NOON - day * DAY + 30 * MINUTE, instance_id=instance_id)

    advice = server.warn()

    assert (advice.action, advice.risk_score) == (RebalanceAction.SWITCH, 0.9545)
    assert server.newest.metadata["followed_by_loss"] == 20


def test_the_loss_of_another_instance_is_none_of_it() -> None:
    server = Server()
    server.warned_in_vain(20)
    for day in range(1, 21):
        server.noted(NOTICE, NOON - day * DAY + 30 * MINUTE, instance_id=InstanceId("i-8"))

    assert server.warn().action is RebalanceAction.MONITOR


def test_what_was_left_in_time_says_nothing() -> None:
    server = Server()
    for day in range(1, 21):
        left = InstanceId(f"i-{100 + day}")
        at = NOON - day * DAY
        server.noted(WARNING, at, instance_id=left)
        server.runs_on(left, is_active=False, terminated_at=at + 10 * MINUTE)

    assert server.warn().risk_score == 0.5
    assert server.newest.metadata["recommendations"] == 0


@pytest.mark.parametrize(
    "elsewhere",
    [{"pool_id": POOL_B}, {"detected_at": NOON - 91 * DAY}],
    ids=["another pool", "long ago"],
)
def test_other_pools_and_times_do_not_count(elsewhere: dict[str, Any]) -> None:
    server = Server()
    for number in range(20):
        kept = {"pool_id": POOL_A, "detected_at": NOON - DAY, **elsewhere}
        seen = an_interruption(
            agent_id=AgentId("agent-9"), instance_id=InstanceId(f"i-{100 + number}"), **kept
        )
        server.work.interruptions.add(seen, NOON)

    assert server.warn().risk_score == 0.5


def test_an_agent_that_moves_too_slowly_to_escape_stays() -> None:
    server = Server()
    for day in range(1, 21):
        instance_id = InstanceId(f"i-{100 + day}")
        server.noted(WARNING, NOON - day * DAY, instance_id=instance_id)
        server.noted(NOTICE, NOON - day * DAY + 3 * MINUTE, instance_id=instance_id)

    before = weighed(server.work, server.agents[0], AgentCosts(), NOON)
    server.work.switches.kept += [
        a_switch(
            initiated_at=NOON - DAY,
            report=a_switch_report(timing=SwitchTiming(instance_ready_at=NOON - DAY + 5 * MINUTE)),
        )
    ] * 3
    after = weighed(server.work, server.agents[0], AgentCosts(), NOON)

    assert before.record == after.record
    assert (before.pays, after.pays) == (True, False)


def test_without_prices_or_a_place_it_still_answers() -> None:
    agent = an_agent(
        primary_instance_id=None, placement=replace(an_agent().placement, pool_id=None)
    )
    server = Server()
    server.work.agents.kept[AGENT] = agent

    assert server.warn().risk_score == 0.5
    assert server.newest.metadata["recommendations"] == 0


def test_the_rules_of_the_contract_know_nothing_of_it() -> None:
    server = Server(goes_by_record=False)
    server.warned_in_vain(9)

    advice = server.warn()

    assert (advice.action, advice.risk_score) == (RebalanceAction.MONITOR, 0.3)
    assert not server.newest.is_only_watched
    assert "recommendations" not in server.newest.metadata
    assert server.replicas_of() == 1


class Noise:
    """Ten agents in ten pools, warned once a day for sixty days: in one pool a loss follows four
    warnings of five, in the others one of thirty. The agents log the advice and stay, as those of
    today do."""

    def __init__(self, seed: int, *, goes_by_record: bool) -> None:
        self.chance = random.Random(seed)  # noqa: S311  # no secret
        self.bill, self.costs = Bill(), SwitchingCost()
        self.replicas = 0
        self.agents = [
            an_agent(
                id=AgentId(f"agent-{number}"),
                logical_agent_id=LogicalAgentId(f"web-{number}"),
                primary_instance_id=InstanceId(f"i-{number}"),
                placement=replace(
                    an_agent().placement,
                    pool_id=PoolId(f"t3.medium.us-east-1{letter}"),
                    zone=f"us-east-1{letter}",
                ),
            )
            for number, letter in enumerate("cdefghijkl", 1)
        ]
        self.server = Server(*self.agents, goes_by_record=goes_by_record)

    def run(self, *, always: bool = False) -> None:
        for _ in range(60):
            for number, agent in enumerate(self.agents):
                self.server.clock.advance(timedelta(hours=2, minutes=30))
                follows = self.chance.random() < (0.8 if number == 0 else 1 / 30)
                delay_s = self.chance.uniform(900, 5400)
                advice = self.server.warn(agent.id)
                moves = always or advice.action is RebalanceAction.SWITCH
                self.bill.warned(moves, delay_s if follows else None, self.costs)
                self.replicas += self.made(agent.id)
                if follows:
                    at = self.server.clock.now() + timedelta(seconds=delay_s)
                    kept = {"agent_id": agent.id, "pool_id": agent.placement.pool_id}
                    instance_id = agent.primary_instance_id
                    self.server.noted(NOTICE, at, instance_id=instance_id, **kept)

    def made(self, agent_id: AgentId) -> int:
        """Replicas that the coordinator makes of it; they have ended when the next day comes."""
        made = self.server.replicas_of(agent_id)
        kept = self.server.work.replicas.kept
        for key in [key for key, one in kept.items() if one.agent_id == agent_id]:
            del kept[key]
        notices = self.server.work.interruptions
        for one in notices.list_of(agent_id, NOON):
            notices.save(replace(one, failover_completed=True))
        return made


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_noise_the_server_spares_most_replacements_at_no_more_lost_minutes(seed: int) -> None:
    always, learnt = Noise(seed, goes_by_record=False), Noise(seed, goes_by_record=True)

    always.run(always=True)
    learnt.run()

    assert always.bill.replacements == always.replicas == 600
    assert learnt.bill.replacements <= 0.3 * always.bill.replacements
    assert learnt.replicas <= 0.3 * always.replicas
    assert learnt.bill.lost_s <= always.bill.lost_s
