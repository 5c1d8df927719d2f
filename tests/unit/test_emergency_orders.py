"""Where no replica can take over, agents may be ordered to move by themselves (policy P-2)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from spot_optimizer.application.interruptions.emergency_orders import EmergencyOrders
from spot_optimizer.application.interruptions.fail_over import FailOver
from spot_optimizer.application.interruptions.failover import FailedOver
from spot_optimizer.application.interruptions.termination_notices import (
    NobodyReady,
    ReceivedNotice,
    TerminationNotice,
)
from spot_optimizer.application.replicas.coordinate_agent import CoordinateAgent
from spot_optimizer.domain.commands.command import Command, CommandStatus
from spot_optimizer.domain.identifiers import CommandId, InstanceId
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from tests.builders import (
    AGENT,
    FIRST,
    FROM_ACME,
    HOUR,
    POOL_B,
    TODAY,
    ZONE_A,
    ZONE_B,
    a_client,
    a_pending_command,
    a_replica,
    an_agent,
    an_instance,
)
from tests.fakes import CountingIdentifiers, FixedClock, SteadyStopwatch
from tests.stores import Store

NOTICE = ReceivedNotice(AGENT, TerminationNotice(instance_id=FIRST), FROM_ACME)


class Endangered:
    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.ids = store, FixedClock(), CountingIdentifiers()
        store.put(a_client(), an_agent(), an_instance())
        orders = EmergencyOrders(self.ids, HOUR)
        self.fail_over = FailOver(store.work, self.clock, SteadyStopwatch(), TODAY, orders)

    def notice(self) -> object:
        (answer,) = self.fail_over([NOTICE])
        return answer

    @property
    def open(self) -> list[Command]:
        with self.store.work() as work:
            return list(work.commands.open_of([AGENT]).get(AGENT, ()))


@pytest.fixture
def fleet(store: Store) -> Endangered:
    return Endangered(store)


def test_it_is_ordered_to_the_safest_pool_once(fleet: Endangered) -> None:  # contract D-14
    fleet.store.put_pools(ZONE_A, ZONE_B)
    fleet.store.put(a_pending_command())

    assert fleet.notice() == NobodyReady()

    (order,) = fleet.open  # and what was ordered before is cancelled
    assert (order.command_type, order.target_mode, order.target_pool_id) == (
        "emergency_switch",
        "spot",
        POOL_B,
    )
    assert (order.priority, order.terminate_wait_seconds) == (100, 0)
    assert (order.trigger, order.created_by) == ("termination_notice", "system")
    assert order.instance_id == FIRST
    fleet.clock.advance(timedelta(seconds=5))
    assert fleet.notice() == NobodyReady()
    assert fleet.open == [order]


def test_without_another_pool_to_on_demand(fleet: Endangered) -> None:
    fleet.store.put_pools(ZONE_A)

    fleet.notice()

    (order,) = fleet.open
    assert (order.target_mode, order.target_pool_id) == ("ondemand", None)


def test_not_where_a_machine_is_coming_up(fleet: Endangered) -> None:
    launching = a_replica(status=ReplicaStatus.LAUNCHING, instance_id=InstanceId("i-9"))
    fleet.store.put(launching)

    assert fleet.notice() == NobodyReady()
    assert fleet.open == []


def test_not_where_one_takes_over(fleet: Endangered) -> None:
    fleet.store.put(a_replica(status=ReplicaStatus.READY))

    assert isinstance(fleet.notice(), FailedOver)
    assert fleet.open == []


def test_who_gets_ready_in_time_makes_it_void(fleet: Endangered) -> None:  # contract D-15
    fleet.store.put_pools(ZONE_A, ZONE_B)
    fleet.notice()
    (order,) = fleet.open
    fleet.store.put(a_replica(status=ReplicaStatus.READY))

    CoordinateAgent(fleet.store.work, fleet.clock, SteadyStopwatch(), fleet.ids, HOUR, TODAY)(AGENT)

    assert fleet.open == []
    with fleet.store.work() as work:
        cancelled = work.commands.find(AGENT, CommandId(order.id))
    assert cancelled is not None
    assert cancelled.status is CommandStatus.CANCELLED


def test_by_default_nobody_is_ordered_to_do_anything(store: Store) -> None:
    store.put_pools(ZONE_A, ZONE_B)
    store.put(a_client(), an_agent(), an_instance())

    (answer,) = FailOver(store.work, FixedClock(), SteadyStopwatch(), TODAY)([NOTICE])

    assert answer == NobodyReady(agent_may_launch_one=True)
    with store.work() as work:
        assert work.commands.open_of([AGENT]).get(AGENT, ()) in ((), [])
