"""Instances and standbys, the same expectations wherever they are kept."""

from dataclasses import replace
from decimal import Decimal

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.application.ports.unit_of_work import TransactionLost
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.identifiers import AgentId, InstanceId
from spot_optimizer.domain.values import Mode
from tests.builders import (
    ACME,
    AGENT,
    FIRST,
    GLOBEX,
    HOUR,
    NOON,
    POOL_B,
    SECOND,
    THIRD,
    a_client,
    a_standby,
    an_agent,
    an_instance,
)
from tests.stores import SqlStore, Store

BARE = Instance(id=FIRST, client_id=ACME, agent_id=None, instance_type="t3", region="r", zone="z")
RETIRED = an_instance(is_active=False, terminated_at=NOON, last_switch_at=NOON - HOUR)


def kept(store: Store, instance_id: InstanceId = FIRST) -> Instance | None:
    with store.work() as work:
        return work.instances.find(instance_id)


@pytest.mark.parametrize("instance", [BARE, RETIRED, an_instance()])
def test_an_instance_comes_back_as_it_went_in(store: Store, instance: Instance) -> None:
    store.put(a_client(), an_agent(), instance)

    with store.work() as work:
        assert work.instances.find(FIRST) == instance
        assert work.instances.of([FIRST, SECOND]) == {FIRST: instance}


def test_without_commit_no_instance_was_added_or_changed(store: Store) -> None:
    store.put(a_client(), an_agent(), an_instance())

    with store.work() as work:
        work.instances.add(an_instance(id=SECOND), NOON)
        work.instances.save(RETIRED, NOON)

    assert kept(store) == an_instance()
    assert kept(store, SECOND) is None


@pytest.mark.parametrize("text", ["I-1", "i-1 ", "í-1", "i-"])
def test_an_instance_is_found_by_its_exact_id_only(sqlite: SqlStore, text: str) -> None:
    sqlite.put(a_client(), an_agent(), an_instance())

    assert kept(sqlite, InstanceId(text)) is None


@pytest.mark.parametrize("text", ["I-1", "i-1 ", "í-1"])
def test_beside_another_spelling_mysql_cannot_store_an_instance_so_it_finds_that(
    mariadb: SqlStore, text: str
) -> None:
    mariadb.put(a_client(), an_agent(), an_instance())

    assert kept(mariadb, InstanceId(text)) == an_instance()


def test_an_instance_is_found_whoever_owns_it(store: Store) -> None:
    store.put_two_clients_and_an_agent()
    theirs = an_instance(client_id=GLOBEX, agent_id=None)
    store.put(theirs)

    assert kept(store) == theirs


def test_an_instance_exists_once(store: Store) -> None:
    store.put_two_clients_and_an_agent()
    store.put(an_instance())

    with pytest.raises(TransactionLost):
        store.put(an_instance(client_id=GLOBEX, agent_id=None))


def test_an_agent_has_the_instances_that_are_bound_to_it(store: Store) -> None:
    other = an_agent(id=AgentId("agent-2"), logical_agent_id="web-2")
    mine = [RETIRED, an_instance(id=SECOND)]
    store.put(a_client(), an_agent(), other, *mine, an_instance(id=THIRD, agent_id=other.id))

    with store.work() as work:
        assert sorted(work.instances.of_agent(AGENT), key=lambda it: it.id) == mine
        assert work.instances.of_agent(AgentId("agent-3")) == []


def test_a_saved_instance_is_as_it_was_saved_and_no_other_is_touched(store: Store) -> None:
    store.put(a_client(), an_agent(), an_instance(), an_instance(id=SECOND))

    with store.work() as work:
        work.instances.save(RETIRED, NOON)
        work.commit()

    assert kept(store) == RETIRED
    assert kept(store, SECOND) == an_instance(id=SECOND)


class TestPrices:
    priced = an_instance(
        spot_price=Decimal("0.020000"),
        on_demand_price=Decimal("0.050000"),
        mode=Mode.ON_DEMAND,
        pool_id=POOL_B,
    )

    def test_prices_mode_and_pool_are_saved_and_nothing_else(self, store: Store) -> None:
        store.put(a_client(), an_agent(), RETIRED)
        told = replace(self.priced, is_active=True, zone="nowhere", agent_id=None, ami_id=None)

        with store.work() as work:
            work.instances.save_prices([told], NOON)
            work.commit()

        assert kept(store) == replace(
            RETIRED,
            spot_price=told.spot_price,
            on_demand_price=told.on_demand_price,
            mode=told.mode,
            pool_id=told.pool_id,
        )

    def test_many_are_saved_and_the_others_left(self, store: Store) -> None:
        store.put(
            a_client(), an_agent(), *(an_instance(id=InstanceId(f"i-{n}")) for n in (3, 1, 2))
        )

        with store.work() as work:
            work.instances.save_prices([replace(self.priced, id=THIRD), self.priced], NOON)
            work.instances.save_prices([], NOON)
            work.commit()

        assert kept(store, FIRST) == self.priced
        assert kept(store, SECOND) == an_instance(id=SECOND)
        assert kept(store, THIRD) == replace(self.priced, id=THIRD)

    def test_columns_that_are_none_of_ours_stay(self, database: SqlStore) -> None:
        database.put(a_client(), an_agent(), an_instance())
        database.change(tables.instances, interruption_handled_count=5, metadata={"a": [1]})
        before = database.row(tables.instances)

        with database.work() as work:
            work.instances.save_prices([self.priced], NOON + HOUR)
            work.commit()

        assert database.row(tables.instances) == before | {
            "spot_price": self.priced.spot_price,
            "ondemand_price": self.priced.on_demand_price,
            "current_mode": "ondemand",
            "current_pool_id": POOL_B,
            "updated_at": NOON + HOUR,
        }


class TestStandbys:
    @pytest.mark.parametrize("status", ["launching", "syncing", "ready"])
    def test_a_live_replica_stands_by(self, store: Store, status: str) -> None:
        standby = a_standby(status=status, replica_type="automatic-rebalance")
        store.put_two_clients_and_an_agent()
        store.put_standby(standby)

        with store.work() as work:
            assert work.standbys.on_instance(ACME, SECOND) == standby
            assert work.standbys.of([AGENT, AgentId("agent-2")]) == {AGENT: [standby]}
            assert work.standbys.of([]) == {}

    @pytest.mark.parametrize("status", ["promoted", "terminated", "failed"])
    def test_no_other_replica_does(self, store: Store, status: str) -> None:
        store.put_two_clients_and_an_agent()
        store.put_standby(a_standby(status=status))

        with store.work() as work:
            assert work.standbys.on_instance(ACME, SECOND) is None
            assert work.standbys.of([AGENT]) == {}

    def test_the_standby_of_another_client_does_not_exist(self, store: Store) -> None:
        store.put_two_clients_and_an_agent()
        store.put_standby(a_standby())

        with store.work() as work:
            assert work.standbys.on_instance(GLOBEX, SECOND) is None
            assert work.standbys.on_instance(ACME, THIRD) is None
            assert work.standbys.on_instance(ACME, InstanceId("I-2")) is None
