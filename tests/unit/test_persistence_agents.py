"""Agents, the same expectations wherever they are kept."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.application.ports.unit_of_work import TransactionLost
from spot_optimizer.domain.agents.agent import Agent, AgentSettings, AgentStatus, Placement
from spot_optimizer.domain.agents.vitals import Vitals
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, ClientId, LogicalAgentId, ReplicaId
from tests.builders import (
    ACME,
    AGENT,
    DAY,
    GLOBEX,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    SECOND_OF_TIME,
    a_client,
    a_placement,
    an_agent,
    many_agents,
)
from tests.stores import SqlStore, Store

OTHER = AgentId("agent-2")
ANOTHER = an_agent(id=OTHER, logical_agent_id=LogicalAgentId("web-2"))
FULL = an_agent(
    settings=AgentSettings(
        enabled=False,
        auto_switch_enabled=False,
        manual_replica_enabled=True,
        auto_terminate_enabled=False,
        terminate_wait_seconds=77,
        replica_enabled=True,
        replica_count=1,
    ),
    status=AgentStatus.SWITCHING,
    public_ip="203.0.113.7",
    current_replica_id=ReplicaId("replica-1"),
    interruption_handled_count=4,
    last_switch_at=NOON - DAY,
    last_interruption_signal_at=NOON - HOUR,
    last_rebalance_recommendation_at=NOON - MINUTE,
    last_cleanup_at=NOON - 2 * DAY,
    terminated_at=NOON - 3 * DAY,
)
BARE = Agent(id=AGENT, client_id=ACME, logical_agent_id=LogicalAgentId("web-1"))
MOVED = replace(
    FULL, primary_instance_id=SECOND, placement=a_placement(zone="us-east-1b"), hostname=None
)


def vitals_of(agent: Agent, client_heard_at: datetime | None = None) -> Vitals:
    return Vitals(
        id=agent.id,
        client_id=agent.client_id,
        status=agent.status,
        primary_instance_id=agent.primary_instance_id,
        placement=agent.placement,
        client_heard_at=client_heard_at,
    )


def kept(store: Store, agent_id: AgentId = AGENT) -> Agent:
    with store.work() as work:
        return work.agents.get(agent_id, None)


@pytest.mark.parametrize("agent", [FULL, BARE, an_agent(placement=Placement())])
def test_an_agent_comes_back_as_it_went_in(store: Store, agent: Agent) -> None:
    store.put(a_client(), agent)

    with store.work() as work:
        assert work.agents.get(AGENT, ACME) == agent
        assert work.agents.get_for_update(AGENT, ACME) == agent
        assert work.agents.vitals_of([AGENT]) == {AGENT: vitals_of(agent)}
        assert work.agents.lock([AGENT]) == work.agents.of({AGENT}) == {AGENT: agent}
        assert work.agents.find_by_logical_id_for_update(ACME, agent.logical_agent_id) == agent


def test_without_commit_no_agent_was_added_or_changed(store: Store) -> None:
    store.put(a_client(), an_agent())

    with store.work() as work:
        work.agents.add(ANOTHER, SwitchLimits(), NOON)
        work.agents.save(FULL, NOON)
        work.agents.heard([AGENT], NOON)

    assert kept(store) == an_agent()
    with pytest.raises(AgentNotFound):
        kept(store, OTHER)


@pytest.mark.parametrize("owner", [GLOBEX, ClientId("CLIENT-ACME"), ClientId("")])
def test_the_agent_of_another_client_does_not_exist(store: Store, owner: ClientId) -> None:
    store.put_two_clients_and_an_agent()

    with store.work() as work:
        with pytest.raises(AgentNotFound):
            work.agents.get(AGENT, owner)
        with pytest.raises(AgentNotFound):
            work.agents.get_for_update(AGENT, owner)
        assert work.agents.find_by_logical_id_for_update(GLOBEX, LogicalAgentId("web-1")) is None


def test_the_operator_sees_every_agent(store: Store) -> None:
    store.put_two_clients_and_an_agent()

    with store.work() as work:
        assert work.agents.get(AGENT, None) == an_agent()
        assert work.agents.vitals_of({AGENT, OTHER}) == {AGENT: vitals_of(an_agent())}


@pytest.mark.parametrize("text", ["AGENT-1", "agent-1 ", "ágent-1", ""])
def test_ids_are_compared_exactly(store: Store, text: str) -> None:
    store.put_two_clients_and_an_agent()
    asked = AgentId(text)

    with store.work() as work:
        for ask in (work.agents.get, work.agents.get_for_update):
            with pytest.raises(AgentNotFound):
                ask(asked, None)
        assert asked not in work.agents.lock({asked})
        assert asked not in work.agents.of({asked})
        assert asked not in work.agents.vitals_of({asked})


def test_vitals_tell_when_the_client_was_heard_of(store: Store) -> None:
    store.put_two_clients_and_an_agent()
    with store.work() as work:
        work.clients.heard_of([ACME], NOON)
        work.commit()

    with store.work() as work:
        assert work.agents.vitals_of([AGENT]) == {AGENT: vitals_of(an_agent(), NOON)}


def test_many_agents_are_answered_at_once(store: Store) -> None:
    agents = many_agents(5)
    store.put(a_client(), *agents)
    some = [agents[4], agents[1]]
    asked = {*(agent.id for agent in some), AgentId("agent-99")}

    with store.work() as work:
        assert work.agents.of(asked) == work.agents.lock(asked) == {a.id: a for a in some}
        assert work.agents.vitals_of(asked) == {a.id: vitals_of(a) for a in some}
        assert work.agents.of([]) == work.agents.lock([]) == {}
        assert work.agents.vitals_of([]) == {}


@pytest.mark.parametrize(
    "second", [{"logical_agent_id": LogicalAgentId("web-2")}, {"id": AgentId("agent-9")}]
)
def test_a_second_agent_of_one_id_or_name_loses_the_transaction(
    store: Store, second: dict[str, Any]
) -> None:
    store.put_two_clients_and_an_agent()

    with pytest.raises(TransactionLost):
        store.put(an_agent(**second))


def test_two_clients_may_use_the_same_name(store: Store) -> None:
    store.put_two_clients_and_an_agent()
    theirs = an_agent(id=OTHER, client_id=GLOBEX)

    store.put(theirs)

    with store.work() as work:
        found = work.agents.find_by_logical_id_for_update(GLOBEX, LogicalAgentId("web-1"))
        assert found == theirs


class TestSaving:
    def test_a_saved_agent_is_as_it_was_saved_and_no_other_is_touched(self, store: Store) -> None:
        store.put(a_client(), an_agent(), ANOTHER)

        with store.work() as work:
            work.agents.save(MOVED, NOON)
            work.commit()

        assert kept(store) == MOVED
        assert kept(store, OTHER) == ANOTHER

    def test_many_are_saved_as_one_is(self, store: Store) -> None:
        agents = many_agents(4)
        store.put(a_client(), *agents)
        saved = [replace(MOVED, id=a.id, logical_agent_id=a.logical_agent_id) for a in agents[:3]]

        with store.work() as work:
            work.agents.save_all(list(reversed(saved)), NOON)
            work.agents.save_all([], NOON)
            work.commit()

        assert [kept(store, agent.id) for agent in agents] == [*saved, agents[3]]

    def test_a_heartbeat_changes_its_time_only(self, store: Store) -> None:
        store.put(a_client(), an_agent(), ANOTHER)

        with store.work() as work:
            work.agents.heard({AGENT}, NOON + MINUTE)
            work.agents.heard(set(), NOON + DAY)
            work.commit()

        assert kept(store) == an_agent(last_heartbeat_at=NOON + MINUTE)
        assert kept(store, OTHER) == ANOTHER

    def test_columns_that_are_none_of_ours_stay(self, database: SqlStore) -> None:
        database.put(a_client(), an_agent())
        foreign = {"instance_count": 3, "metadata": {"a": 1}, "spot_price": Decimal("0.5")}
        database.change(tables.agents, **foreign)
        before = database.row(tables.agents)

        with database.work() as work:
            work.agents.save(MOVED, NOON + HOUR)
            work.agents.save_all([MOVED], NOON + HOUR)
            work.agents.heard([AGENT], NOON + DAY)
            work.commit()

        after = database.row(tables.agents)
        kept_columns = {*foreign, "created_at", "last_failover_at", "emergency_replica_count"}
        assert {name: after[name] for name in kept_columns} == {
            name: before[name] for name in kept_columns
        }
        assert after["updated_at"] == after["last_heartbeat_at"] == NOON + DAY

    def test_saving_notes_when(self, database: SqlStore) -> None:
        database.put(a_client(), an_agent())

        with database.work() as work:
            work.agents.save(MOVED, NOON + MINUTE)
            work.commit()
        assert database.row(tables.agents)["updated_at"] == NOON + MINUTE

        with database.work() as work:
            work.agents.save_all([MOVED], NOON + HOUR)
            work.commit()
        assert database.row(tables.agents)["updated_at"] == NOON + HOUR


class TestSilence:
    def test_online_agents_not_heard_from_since_are_silent(self, store: Store) -> None:
        quiet = an_agent(last_heartbeat_at=NOON - SECOND_OF_TIME)
        heard = replace(ANOTHER, last_heartbeat_at=NOON)
        store.put(a_client(), heard, quiet)

        with store.work() as work:
            assert work.agents.list_silent(NOON) == [quiet]
            assert work.agents.list_silent(NOON - SECOND_OF_TIME) == []

    @pytest.mark.parametrize("status", [s for s in AgentStatus if s != "online"])
    def test_no_other_agent_is_silent(self, store: Store, status: AgentStatus) -> None:
        store.put(a_client(), an_agent(status=status), replace(ANOTHER, last_heartbeat_at=None))

        with store.work() as work:
            assert work.agents.list_silent(NOON + DAY) == []

    def test_the_silent_come_in_the_order_of_their_ids(self, store: Store) -> None:
        agents = many_agents(5)
        store.put(a_client(), *reversed(agents))

        with store.work() as work:
            assert work.agents.list_silent(NOON) == agents


class TestLimits:
    def test_limits_come_back_as_they_went_in(self, store: Store) -> None:
        limits = SwitchLimits(
            min_savings_percent=Decimal("7.25"),
            risk_threshold=Decimal("0.55"),
            max_switches_per_week=4,
            max_switches_per_day=1,
            min_pool_duration_hours=9,
        )
        store.put(a_client())
        with store.work() as work:
            work.agents.add(an_agent(), limits, NOON)
            work.commit()

        with store.work() as work:
            assert work.agents.limits_of([AGENT, OTHER]) == {AGENT: limits, OTHER: SwitchLimits()}
            assert work.agents.limits_of([]) == {}

    def test_what_is_stored_as_nothing_is_the_default(self, database: SqlStore) -> None:
        database.put(a_client(), an_agent())
        database.change(
            tables.agent_configs,
            min_savings_percent=None,
            risk_threshold=Decimal("0.11"),
            max_switches_per_week=None,
            max_switches_per_day=None,
            min_pool_duration_hours=None,
        )

        with database.work() as work:
            assert work.agents.limits_of([AGENT])[AGENT] == SwitchLimits(
                risk_threshold=Decimal("0.11")
            )


def test_a_status_of_former_times_reads_as_offline(database: SqlStore) -> None:
    database.put(a_client(), an_agent())
    database.change(
        tables.agents, status="sleepy", current_mode="weird", replica_count=None, enabled=None
    )

    agent = kept(database)

    assert agent.status is AgentStatus.OFFLINE
    assert agent.placement.mode.value == "unknown"
    assert agent.settings == AgentSettings(enabled=False, replica_count=0)


def test_times_are_kept_to_the_whole_second(database: SqlStore) -> None:
    database.put(a_client(), an_agent(last_heartbeat_at=NOON.replace(microsecond=999_999)))

    assert kept(database).last_heartbeat_at == NOON
