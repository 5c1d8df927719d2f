"""The coordinator's loop, wherever things are kept (contract/domain.md 4.7.9 and appendix D)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from spot_optimizer.application.ports.unit_of_work import AlwaysLost
from spot_optimizer.application.replicas.coordinate_agent import CoordinateAgent
from spot_optimizer.application.replicas.run_coordinator_pass import RunCoordinatorPass
from spot_optimizer.domain.agents.agent import Agent, AgentSettings, AgentStatus
from spot_optimizer.domain.commands.command import CommandStatus
from spot_optimizer.domain.identifiers import AgentId, InstanceId, LogicalAgentId, PoolId, ReplicaId
from spot_optimizer.domain.interruptions import Interruption, SignalType
from spot_optimizer.domain.pricing.prices import PriceObservation
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica, ReplicaReport, ReplicaType
from tests.application_under_test import at_once
from tests.builders import (
    AGENT,
    FIRST,
    FROM_ACME,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    POOL_C,
    SECOND,
    TODAY,
    ZONE_A,
    ZONE_B,
    ZONE_C,
    a_client,
    a_pending_command,
    a_replica,
    a_waiting_replica,
    an_agent,
    an_instance,
    an_observation,
)
from tests.fakes import CountingIdentifiers, FixedClock, SteadyStopwatch
from tests.stores import InMemoryStore, SqlStore, Store, statements

AUTO = AgentSettings()
MANUAL = AgentSettings(auto_switch_enabled=False, manual_replica_enabled=True)
OFF = AgentSettings(auto_switch_enabled=False)


class Loop:
    """An agent in zone a; three priced pools, b the cheapest."""

    def __init__(self, store: Store, settings: AgentSettings = MANUAL, **agent: Any) -> None:
        self.store, self.clock, self.identifiers = store, FixedClock(), CountingIdentifiers()
        store.put(a_client(), an_agent(settings=settings, **agent), an_instance())
        store.put_pools(ZONE_A, ZONE_B, ZONE_C)
        for pool_id, price in ((POOL_A, "0.012"), (POOL_B, "0.011"), (POOL_C, "0.013")):
            self.price(pool_id, Decimal(price))
        self.run = self.process()

    def process(self) -> RunCoordinatorPass:
        """One more server on the same database."""
        coordinate = CoordinateAgent(
            self.store.work, self.clock, SteadyStopwatch(), self.identifiers, HOUR, TODAY
        )
        return RunCoordinatorPass(self.store.coordination_queries, self.clock, coordinate, TODAY)

    def price(self, pool_id: PoolId, price: Decimal) -> None:
        tick: PriceObservation = an_observation(pool_id=pool_id, price=price)
        with self.store.work() as work:
            work.prices.add_ticks([tick])
            work.commit()

    def passes(self, count: int = 1, every: timedelta = timedelta(seconds=10)) -> None:
        for _ in range(count):
            self.clock.advance(every)
            self.run()

    def report(self, replica: Replica, **said: Any) -> None:
        with self.store.work() as work:
            told = replica.after(ReplicaReport(**said), False, self.clock.now(), TODAY)
            work.replicas.save_all([told])
            work.commit()

    @property
    def agent(self) -> Agent:
        with self.store.work() as work:
            return work.agents.get(AGENT, None)

    @property
    def replicas(self) -> list[Replica]:
        with self.store.work() as work:
            return list(work.replicas.active_of(AGENT))

    @property
    def live(self) -> list[Replica]:
        return [replica for replica in self.replicas if replica.is_live]

    @property
    def notices(self) -> list[Interruption]:
        with self.store.work() as work:
            return list(work.interruptions.list_of(AGENT, NOON - 10 * HOUR))


def rebalance(**changes: Any) -> Interruption:
    return replace(
        Interruption(
            agent_id=AGENT,
            instance_id=FIRST,
            pool_id=POOL_A,
            signal_type=SignalType.REBALANCE_RECOMMENDATION,
            detected_at=NOON,
        ),
        **changes,
    )


def termination(**changes: Any) -> Interruption:
    return rebalance(**{"signal_type": SignalType.TERMINATION_NOTICE} | changes)


class TestManualMode:
    def test_one_standby_in_the_cheapest_other_pool(self, store: Store) -> None:
        loop = Loop(store)

        loop.passes(10)  # contract D-3 and D-4

        (standby,) = loop.live
        assert (standby.pool_id, standby.created_by) == (POOL_B, "coordinator")
        assert standby.instance_id == f"manual-{standby.id[:8]}"
        assert (loop.agent.settings.replica_count, loop.agent.current_replica_id) == (
            1,
            standby.id,
        )

    def test_a_new_one_after_the_last_has_gone(self, store: Store) -> None:
        loop = Loop(store)
        loop.passes()
        loop.report(loop.live[0], status=ReplicaStatus.TERMINATED)

        loop.passes(3)

        assert len(loop.live) == 1

    def test_after_failures_it_waits_longer_each_time(self, store: Store) -> None:
        loop, made = Loop(store), list[datetime]()
        while len(made) < 5:  # contract D-7
            loop.passes()
            if loop.live:
                made.append(loop.clock.now())
                loop.report(loop.live[0], status=ReplicaStatus.FAILED)

        pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(made)]
        assert pauses == [30, 60, 120, 240]

    def test_another_pool_is_tried_after_a_failure(self, store: Store) -> None:
        loop = Loop(store)
        loop.passes()
        loop.report(loop.live[0], status=ReplicaStatus.FAILED)

        loop.passes(4)

        assert loop.live[0].pool_id == POOL_C

    def test_what_nobody_launches_is_given_up(self, store: Store) -> None:
        loop = Loop(store)
        loop.passes()

        loop.passes(1, 11 * MINUTE)

        assert [one.status for one in loop.replicas] == [ReplicaStatus.FAILED]
        assert loop.agent.settings.replica_count == 0

    def test_of_several_the_best_stays(self, store: Store) -> None:
        loop = Loop(store)
        ready = a_replica(id=ReplicaId("ready"), created_at=NOON - HOUR)
        store.put(ready, a_waiting_replica(id=ReplicaId("waits")), a_replica(id=ReplicaId("new")))

        loop.passes()

        assert [one.id for one in loop.live] == ["new"]

    def test_without_any_pool_it_tries_again_at_the_next_pass(self, store: Store) -> None:
        loop = Loop(store)
        with store.work() as work:
            work.instances.save(an_instance(instance_type="c9.large"), NOON)
            work.commit()

        loop.passes()
        assert loop.live == []

        with store.work() as work:
            work.instances.save(an_instance(), NOON)
            work.commit()
        loop.passes()
        assert len(loop.live) == 1

    def test_offline_agents_are_left_alone(self, store: Store) -> None:
        loop = Loop(store, status=AgentStatus.OFFLINE)

        loop.passes(3)

        assert loop.replicas == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"status": AgentStatus.DELETED},
            {"settings": replace(MANUAL, enabled=False)},
            {"primary_instance_id": None},
        ],
    )
    def test_nor_are_others_that_cannot_be_protected(
        self, store: Store, changes: dict[str, Any]
    ) -> None:
        loop = Loop(store, **{"settings": MANUAL} | changes)

        loop.passes(3)

        assert loop.replicas == []


class TestAutomaticMode:
    def test_nothing_without_a_notice(self, store: Store) -> None:
        loop = Loop(store, AUTO)

        loop.passes(3)

        assert loop.replicas == []

    def test_a_recommendation_is_answered_by_one_replica(self, store: Store) -> None:
        loop = Loop(store, AUTO)
        store.put(rebalance())

        loop.passes(5)

        (replica,) = loop.live
        assert replica.replica_type is ReplicaType.AUTOMATIC_REBALANCE
        assert (replica.pool_id, replica.created_by) == (POOL_B, "coordinator")
        assert loop.notices[0].replica_id == replica.id
        assert loop.agent.emergency_replica_count == 1

    def test_after_two_hours_without_termination_it_is_over(self, store: Store) -> None:
        loop = Loop(store, AUTO)
        store.put(rebalance())
        loop.passes()
        loop.report(loop.live[0], instance_id=SECOND, status=ReplicaStatus.READY)

        loop.passes(1, 2 * HOUR)  # contract D-11

        assert loop.live == []
        assert not loop.notices[0].is_open
        assert loop.agent.settings.replica_count == 0

    def test_its_turn_may_be_to_come(self, store: Store) -> None:
        loop = Loop(store, AUTO)
        store.put(rebalance().delayed(NOON + MINUTE))

        loop.passes(5)
        assert loop.replicas == []
        loop.passes()
        assert len(loop.live) == 1

    def test_one_for_an_instance_that_was_left_is_settled(self, store: Store) -> None:
        loop = Loop(store, AUTO)
        store.put(rebalance(instance_id=SECOND))

        loop.passes()

        assert loop.replicas == []
        assert not loop.notices[0].is_open

    def test_both_modes_at_once_are_repaired(self, store: Store) -> None:
        loop = Loop(store, replace(MANUAL, auto_switch_enabled=True))

        loop.passes()

        assert not loop.agent.settings.manual_replica_enabled
        assert loop.replicas == []


@pytest.mark.parametrize("settings", [AUTO, MANUAL, OFF, replace(OFF, enabled=False)])
class TestATerminationNoticeThatStands:
    def test_whoever_gets_ready_takes_over(self, store: Store, settings: AgentSettings) -> None:
        loop = Loop(store, settings, status=AgentStatus.OFFLINE)
        store.put(termination(), a_replica(), a_pending_command())

        loop.passes()  # contract D-15

        assert loop.agent.primary_instance_id == SECOND
        assert loop.notices[0].failover_completed
        with store.work() as work:
            command = work.commands.find(AGENT, a_pending_command().id)
        assert command is not None
        assert command.status is CommandStatus.CANCELLED

    def test_a_minute_after_the_announced_time_it_is_lost(
        self, store: Store, settings: AgentSettings
    ) -> None:
        loop = Loop(store, settings)
        store.put(termination(detected_at=NOON - 3 * MINUTE))

        loop.passes()

        (notice,) = loop.notices
        assert (notice.is_open, notice.success, notice.failover_completed) == (False, False, False)
        assert loop.agent.primary_instance_id == FIRST

    def test_it_moves_nobody_who_has_moved(self, store: Store, settings: AgentSettings) -> None:
        loop = Loop(store, settings, primary_instance_id=SECOND)
        store.put(termination(), a_replica(instance_id=InstanceId("i-3")))

        loop.passes()

        assert loop.agent.primary_instance_id == SECOND


def test_manual_mode_makes_the_next_standby_after_a_failover(store: Store) -> None:
    loop = Loop(store)
    store.put(termination(), a_replica())

    loop.passes(3)

    assert loop.agent.primary_instance_id == SECOND
    (standby,) = loop.live
    assert standby.pool_id == POOL_A  # the cheapest that is not the new primary's
    assert standby.parent_instance_id == SECOND


def test_counts_that_have_drifted_are_repaired(store: Store) -> None:
    drifted = replace(OFF, replica_count=5)
    loop = Loop(store, drifted, current_replica_id=ReplicaId("gone"))

    loop.passes()

    assert loop.agent.settings.replica_count == 0
    assert loop.agent.current_replica_id is None


@pytest.mark.parametrize("trouble", [RuntimeError("a defect"), AlwaysLost("taken")])
def test_trouble_with_one_agent_does_not_keep_the_others_waiting(
    caplog: pytest.LogCaptureFixture, trouble: Exception
) -> None:
    store = InMemoryStore()
    loop = Loop(store)
    store.put(
        an_agent(
            id=AgentId("agent-0"),
            logical_agent_id=LogicalAgentId("broken"),
            settings=MANUAL,
            primary_instance_id=InstanceId("i-0"),
        )
    )
    whole = loop.run.coordinate

    def breaks(agent_id: AgentId) -> int:
        if agent_id == "agent-0":
            raise trouble
        return whole(agent_id)

    loop.run = replace(loop.run, coordinate=breaks)  # type: ignore[arg-type]  # stands in for it

    loop.passes()

    assert len(loop.live) == 1
    assert "agent agent-0" in caplog.text


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_of_two_servers_one_does_the_work(request: pytest.FixtureRequest, kind: str) -> None:
    store: SqlStore = request.getfixturevalue(kind)
    loop = Loop(store)
    many = [f"agent-{number}" for number in range(2, 12)]
    for name in many:
        instance = an_instance(id=InstanceId(f"i-of-{name}"), agent_id=AgentId(name))
        store.put(
            an_agent(
                id=AgentId(name),
                logical_agent_id=LogicalAgentId(name),
                settings=MANUAL,
                primary_instance_id=instance.id,
            ),
            instance,
        )
    servers: list[Callable[[], int]] = [loop.run, loop.process(), loop.process()]

    helped = at_once(*servers)

    with store.work() as work:
        for name in ("agent-1", *many):
            assert len(work.replicas.active_of(AgentId(name))) == 1
    assert sum(helped) == len(many) + 1


def test_a_look_around_costs_the_same_for_any_fleet(sqlite: SqlStore) -> None:
    loop = Loop(sqlite, MANUAL)
    loop.passes()
    costs = []
    for number in range(2, 5):
        with statements(sqlite.engine) as sent:
            assert loop.run() == 0
        costs.append(len(sent))
        instance = an_instance(id=InstanceId(f"i-x{number}"), agent_id=AgentId(f"agent-{number}"))
        sqlite.put(
            an_agent(
                id=AgentId(f"agent-{number}"),
                logical_agent_id=LogicalAgentId(f"w{number}"),
                primary_instance_id=instance.id,
                settings=replace(MANUAL, replica_count=1),
                current_replica_id=ReplicaId(f"r{number}"),
            ),
            instance,
            a_replica(id=ReplicaId(f"r{number}"), agent_id=AgentId(f"agent-{number}")),
        )

    assert len(set(costs)) == 1


def test_the_owner_sees_what_the_loop_did(store: Store) -> None:
    loop = Loop(store)
    loop.passes()

    with store.work() as work:
        agent = work.agents.get(AGENT, FROM_ACME.owner)
    assert agent.settings.replica_count == 1
