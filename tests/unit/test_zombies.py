"""Machines that should have ended are noticed, and left as they are."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.persistence.tables import instances
from spot_optimizer.adapters.persistence.zombie_queries import SqlZombieQueries
from spot_optimizer.application.agents.detect_zombies import DetectZombies
from spot_optimizer.domain.agents.agent import AgentSettings, AgentStatus
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.agents.zombies import Zombie
from spot_optimizer.domain.identifiers import ReplicaId
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from tests.builders import (
    AGENT,
    DAY,
    FIRST,
    GLOBEX,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    SECOND_OF_TIME,
    THIRD,
    a_client,
    a_replica,
    an_agent,
    an_instance,
    globex,
)
from tests.fakes import FixedClock
from tests.stores import SqlStore, statements

FIVE_MINUTES = AgentSettings(terminate_wait_seconds=300)


def a_zombie(**changes: object) -> Zombie:
    zombie = Zombie(
        instance_id=SECOND, agent_id=AGENT, settings=FIVE_MINUTES, replaced_at=NOON - HOUR
    )
    return replace(zombie, **changes)  # type: ignore[arg-type]  # of the fields' types


@given(st.integers(0, 10_000), st.integers(1, 3_000), st.booleans())
def test_it_has_its_waiting_time_to_end(age_s: int, wait_s: int, ends_at_all: bool) -> None:
    settings = AgentSettings(terminate_wait_seconds=wait_s, auto_terminate_enabled=ends_at_all)
    zombie = a_zombie(settings=settings, replaced_at=NOON - timedelta(seconds=age_s))

    assert zombie.should_have_ended(NOON) is (ends_at_all and age_s > wait_s)


def test_nobody_knows_since_when() -> None:
    assert not a_zombie(replaced_at=None).should_have_ended(NOON)


def former(**changes: object) -> Instance:
    return an_instance(id=SECOND, **changes)


def put(store: SqlStore, zombie: Instance, *, installed: timedelta = HOUR) -> None:
    """The agent moved to its primary so long before noon."""
    store.put(a_client(), globex(), an_agent(last_switch_at=NOON - DAY))
    store.put(an_instance(installed_at=NOON - installed), zombie)


def test_who_it_is_and_since_when(database: SqlStore) -> None:
    put(database, former())

    with statements(database.engine) as sent:
        (found,) = SqlZombieQueries(database.engine).zombies()

    assert len([one for one in sent if one.startswith("SELECT")]) == 1
    assert (found.instance_id, found.agent_id) == (SECOND, AGENT)
    assert found.replaced_at == NOON - HOUR
    assert found.settings == an_agent().settings


def test_a_later_failover_counts(database: SqlStore) -> None:
    put(database, former())
    with database.work() as work:
        work.agents.save(replace(an_agent(), last_failover_at=NOON - MINUTE), NOON)
        work.commit()

    (found,) = SqlZombieQueries(database.engine).zombies()

    assert found.replaced_at == NOON - MINUTE


@pytest.mark.parametrize(
    "other",
    [
        former(is_active=False, terminated_at=NOON),
        former(is_active=False),
        former(agent_id=None),
        former(client_id=GLOBEX),
    ],
)
def test_who_is_none(database: SqlStore, other: Instance) -> None:
    put(database, other)

    assert SqlZombieQueries(database.engine).zombies() == []


def test_a_standby_is_none_until_it_has_ended(database: SqlStore) -> None:
    put(database, former())
    standby = a_replica(
        id=ReplicaId("replica-1"), instance_id=SECOND, status=ReplicaStatus.READY, ready_at=NOON
    )
    database.put(standby)
    queries = SqlZombieQueries(database.engine)

    assert queries.zombies() == []
    with database.work() as work:
        work.replicas.save_all([standby.terminate(NOON)])
        work.commit()
    assert [zombie.instance_id for zombie in queries.zombies()] == [SECOND]


def test_deleted_agents_have_none(database: SqlStore) -> None:
    database.put(a_client(), an_agent(status=AgentStatus.DELETED), an_instance(), former())

    assert SqlZombieQueries(database.engine).zombies() == []


class Queries:
    def __init__(self, *found: Zombie) -> None:
        self.found = list(found)

    def zombies(self) -> list[Zombie]:
        return self.found


def test_each_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    queries, clock = Queries(a_zombie()), FixedClock()
    detect = DetectZombies(queries, clock)

    assert detect() == 1
    assert detect() == 1
    queries.found.append(a_zombie(instance_id=THIRD))
    assert detect() == 2

    told = [record.getMessage() for record in caplog.records]
    assert [text.split(" of ")[0] for text in told] == [
        f"zombie_instance_detected: {SECOND}",
        f"zombie_instance_detected: {THIRD}",
    ]


def test_one_that_comes_back_is_told_of_again(caplog: pytest.LogCaptureFixture) -> None:
    queries = Queries(a_zombie())
    detect = DetectZombies(queries, FixedClock())
    detect()
    (zombie,) = queries.found
    queries.found = []

    assert detect() == 0
    queries.found = [zombie]
    assert detect() == 1
    assert len(caplog.records) == 2


def test_it_waits_until_the_time_is_up_and_changes_nothing(sqlite: SqlStore) -> None:
    put(sqlite, former(), installed=5 * MINUTE)
    clock = FixedClock()
    detect = DetectZombies(SqlZombieQueries(sqlite.engine), clock)
    before = sqlite.rows(instances)

    assert detect() == 0
    clock.advance(SECOND_OF_TIME)
    assert detect() == 1
    assert sqlite.rows(instances) == before
    assert FIRST in {row["id"] for row in before}
