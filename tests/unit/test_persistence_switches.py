"""Switches and interruptions, the same expectations wherever they are kept."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.application.ports.repositories import SwitchActivity
from spot_optimizer.domain.identifiers import (
    AgentId,
    CommandId,
    InstanceId,
    LogicalAgentId,
    SwitchId,
)
from spot_optimizer.domain.interruptions import Interruption, ResponseAction, Sign, SignalType
from spot_optimizer.domain.placement.costs import MoveTimes
from spot_optimizer.domain.switching import ReportedInstance, Switch, SwitchPrices, SwitchTiming
from tests.builders import (
    ACME,
    AGENT,
    DAY,
    FIRST,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    POOL_C,
    SECOND,
    SECOND_OF_TIME,
    THIRD,
    a_pending_command,
    a_switch,
    a_switch_report,
    an_agent,
    an_interruption,
)
from tests.stores import SqlStore, Store

OTHER = AgentId("agent-2")
INITIATED = NOON - 6 * MINUTE
BY_TERMINATION = SignalType.TERMINATION_NOTICE


def put_switches(store: Store, *switches: Switch) -> None:
    with store.work() as work:
        for switch in switches:
            work.switches.add(switch)
        work.commit()


def a_switch_at(number: int, initiated_at: datetime | None, **changes: Any) -> Switch:
    return a_switch(id=SwitchId(f"switch-{number}"), initiated_at=initiated_at, **changes)


@pytest.fixture(autouse=True)
def two_agents(request: pytest.FixtureRequest) -> None:
    place = next(name for name in ("store", "database") if name in request.fixturenames)
    kept: Store = request.getfixturevalue(place)
    kept.put_two_clients_and_an_agent()
    kept.put(an_agent(id=OTHER, logical_agent_id=LogicalAgentId("web-2")), a_pending_command())


class TestRepetition:
    def test_a_switch_is_known_by_its_instances_and_its_start(self, store: Store) -> None:
        put_switches(store, a_switch())

        with store.work() as work:
            known = work.switches.was_reported
            assert known(AGENT, FIRST, SECOND, INITIATED)
            assert not known(OTHER, FIRST, SECOND, INITIATED)
            assert not known(AGENT, THIRD, SECOND, INITIATED)
            assert not known(AGENT, None, SECOND, INITIATED)
            assert not known(AGENT, FIRST, THIRD, INITIATED)
            assert not known(AGENT, FIRST, SECOND, INITIATED + SECOND_OF_TIME)

    def test_a_switch_from_nowhere_is_known_too(self, store: Store) -> None:
        put_switches(store, a_switch(report=a_switch_report(old=ReportedInstance())))

        with store.work() as work:
            assert work.switches.was_reported(AGENT, None, SECOND, INITIATED)

    def test_a_switch_is_known_by_its_command(self, store: Store) -> None:
        put_switches(store, a_switch(command_id=CommandId("command-1")))

        with store.work() as work:
            assert work.switches.was_reported_for(CommandId("command-1"))
            assert not work.switches.was_reported_for(CommandId("command-2"))

    def test_without_commit_nothing_was_reported(self, store: Store) -> None:
        with store.work() as work:
            work.switches.add(a_switch())

        with store.work() as work:
            assert not work.switches.was_reported(AGENT, FIRST, SECOND, INITIATED)


class TestActivity:
    def test_switches_count_from_the_moment_on(self, store: Store) -> None:
        put_switches(
            store,
            a_switch_at(1, NOON - DAY - SECOND_OF_TIME),
            a_switch_at(2, NOON - DAY),
            a_switch_at(3, NOON - HOUR),
        )

        with store.work() as work:
            activity = work.switches.activity_of([AGENT, OTHER], NOON - DAY)

        assert activity == {AGENT: SwitchActivity(count=2, last_at=NOON - HOUR)}

    def test_a_switch_without_a_start_counts_by_its_record(self, store: Store) -> None:
        put_switches(
            store,
            a_switch_at(1, None, recorded_at=NOON - MINUTE),
            a_switch_at(2, NOON - HOUR, recorded_at=NOON),
        )

        with store.work() as work:
            activity = work.switches.activity_of([AGENT], NOON - 2 * MINUTE)

        assert activity == {AGENT: SwitchActivity(count=1, last_at=NOON - MINUTE)}

    def test_the_last_switch_may_be_older_than_what_is_counted(self, store: Store) -> None:
        put_switches(store, a_switch_at(1, NOON - 30 * DAY))

        with store.work() as work:
            activity = work.switches.activity_of([AGENT], NOON - DAY)

        assert activity == {AGENT: SwitchActivity(count=0, last_at=NOON - 30 * DAY)}

    def test_many_agents_are_answered_at_once(self, store: Store) -> None:
        put_switches(store, a_switch_at(1, NOON), a_switch_at(2, NOON - HOUR, agent_id=OTHER))

        with store.work() as work:
            assert work.switches.activity_of({AGENT, OTHER}, NOON) == {
                AGENT: SwitchActivity(1, NOON),
                OTHER: SwitchActivity(0, NOON - HOUR),
            }
            assert work.switches.activity_of([], NOON) == {}

    def test_how_long_moves_took_is_told_of_those_recorded_since(self, store: Store) -> None:
        report = a_switch_report(timing_as_received={"traffic_switched_at": "2025-06-17T11:56:30"})
        put_switches(
            store,
            a_switch_at(1, INITIATED, report=report, recorded_at=NOON - HOUR),
            a_switch_at(2, INITIATED, recorded_at=NOON - HOUR - SECOND_OF_TIME),
        )

        with store.work() as work:
            times = work.switches.times_of([AGENT, OTHER], NOON - HOUR)
            assert work.switches.times_of([], NOON - HOUR) == {}

        assert times == {
            AGENT: [
                MoveTimes(
                    INITIATED,
                    NOON - 4 * MINUTE,
                    NOON - SECOND_OF_TIME,
                    datetime(2025, 6, 17, 11, 56, 30, tzinfo=UTC),
                )
            ]
        }

    def test_whether_an_agent_has_switched_is_told_by_the_record(self, store: Store) -> None:
        put_switches(store, a_switch_at(1, NOON - DAY, recorded_at=NOON))

        with store.work() as work:
            assert work.switches.any_since(AGENT, NOON)
            assert not work.switches.any_since(AGENT, NOON + SECOND_OF_TIME)
            assert not work.switches.any_since(OTHER, NOON - DAY)


def test_all_that_is_told_of_a_switch_is_kept(database: SqlStore) -> None:
    switch = a_switch(
        command_id=CommandId("command-1"),
        report=a_switch_report(
            trigger="far longer than its column",
            timing=replace(a_switch_report().timing, ami_created_at=NOON - 3 * MINUTE),
            timing_as_received={"traffic_switched_at": "later"},
        ),
    )

    put_switches(database, switch)

    row = database.row(tables.switches)
    expected = {
        "id": "switch-1",
        "client_id": ACME,
        "agent_id": AGENT,
        "command_id": "command-1",
        "old_instance_id": FIRST,
        "old_instance_type": "t3.medium",
        "old_region": "us-east-1",
        "old_az": "us-east-1a",
        "old_mode": "spot",
        "old_pool_id": POOL_A,
        "old_ami_id": "ami-1",
        "new_instance_id": SECOND,
        "new_instance_type": "t3.medium",
        "new_region": "us-east-1",
        "new_az": "us-east-1b",
        "new_mode": "spot",
        "new_pool_id": POOL_B,
        "new_ami_id": "ami-2",
        "on_demand_price": Decimal("0.041600"),
        "old_spot_price": Decimal("0.020000"),
        "new_spot_price": Decimal("0.010000"),
        "savings_impact": Decimal("0.010000"),
        "event_trigger": "far longer than its ",
        "trigger_type": "far longer than its ",
        "snapshot_used": True,
        "snapshot_id": "snap-1",
        "ami_id": "ami-2",
        "initiated_at": INITIATED,
        "ami_created_at": NOON - 3 * MINUTE,
        "instance_launched_at": NOON - 5 * MINUTE,
        "instance_ready_at": NOON - 4 * MINUTE,
        "old_terminated_at": NOON - SECOND_OF_TIME,
        "timestamp": NOON,
        "timing_data": {"traffic_switched_at": "later"},
        "success": True,
        "created_at": NOON,
    }
    assert {name: row[name] for name in expected} == expected


def test_little_may_be_told_of_a_switch(database: SqlStore) -> None:
    report = a_switch_report(
        old=ReportedInstance(),
        new=ReportedInstance(),
        prices=SwitchPrices(),
        timing=SwitchTiming(),
        timing_as_received={},
        trigger=None,
    )

    put_switches(database, a_switch(report=report, initiated_at=None))

    row = database.row(tables.switches)
    assert row["old_instance_id"] is row["initiated_at"] is row["event_trigger"] is None
    assert row["savings_impact"] == 0


class TestInterruptions:
    def put(self, store: Store, *interruptions: Interruption) -> None:
        with store.work() as work:
            for interruption in interruptions:
                work.interruptions.add(interruption, NOON)
            work.commit()

    def test_a_sign_is_remembered_from_when_it_was_detected(self, store: Store) -> None:
        self.put(store, an_interruption(detected_at=NOON - HOUR))
        signal = SignalType.REBALANCE_RECOMMENDATION

        with store.work() as work:
            since = work.interruptions.any_since
            assert since(AGENT, signal, NOON - HOUR)
            assert not since(AGENT, signal, NOON - HOUR + SECOND_OF_TIME)
            assert not since(AGENT, BY_TERMINATION, NOON - HOUR)
            assert not since(OTHER, signal, NOON - HOUR)

    def test_a_pool_counts_the_interruptions_of_everybody(self, store: Store) -> None:
        self.put(
            store,
            an_interruption(detected_at=NOON),
            an_interruption(agent_id=OTHER, signal_type=BY_TERMINATION, detected_at=NOON - HOUR),
            an_interruption(detected_at=NOON - DAY),
            an_interruption(pool_id=POOL_B),
            an_interruption(pool_id=None),
        )

        with store.work() as work:
            assert work.interruptions.count_in_pool(POOL_A, NOON - HOUR) == 2
            assert work.interruptions.count_in_pool(POOL_A, NOON - DAY) == 3

    def test_the_past_of_pools_is_told_newest_first_and_not_at_any_length(
        self, store: Store
    ) -> None:
        self.put(
            store,
            *(an_interruption(detected_at=NOON - hours * HOUR) for hours in (3, 1, 2, 9)),
            an_interruption(pool_id=POOL_B, agent_id=OTHER, detected_at=NOON),
            an_interruption(pool_id=None),
        )

        with store.work() as work:
            past = work.interruptions.past_of([POOL_A, POOL_B, POOL_C], NOON - 8 * HOUR, 2)
            assert work.interruptions.past_of([], NOON - DAY, 2) == {}

        assert {pool: [one.detected_at for one in told] for pool, told in past.items()} == {
            POOL_A: [NOON - HOUR, NOON - 2 * HOUR],
            POOL_B: [NOON],
        }

    def test_losses_are_notices_by_pool_in_their_order(self, store: Store) -> None:
        self.put(
            store,
            an_interruption(signal_type=BY_TERMINATION, detected_at=NOON),
            an_interruption(agent_id=OTHER, signal_type=BY_TERMINATION, detected_at=NOON - HOUR),
            an_interruption(signal_type=BY_TERMINATION, detected_at=NOON - DAY),
            an_interruption(detected_at=NOON),
            an_interruption(pool_id=POOL_B, signal_type=BY_TERMINATION, detected_at=NOON),
            an_interruption(pool_id=None, signal_type=BY_TERMINATION, detected_at=NOON),
        )

        with store.work() as work:
            losses = work.interruptions.losses_in
            assert losses([POOL_A], NOON - HOUR) == {POOL_A: [NOON - HOUR, NOON]}
            assert losses([POOL_A, POOL_B], NOON) == {POOL_A: [NOON], POOL_B: [NOON]}
            assert losses([], NOON - DAY) == {}

    def test_signs_of_a_pool_are_told_newest_first_and_not_at_any_length(
        self, store: Store
    ) -> None:
        warning = SignalType.REBALANCE_RECOMMENDATION
        self.put(
            store,
            an_interruption(detected_at=NOON - 2 * HOUR, instance_id=SECOND),
            an_interruption(signal_type=BY_TERMINATION, detected_at=NOON),
            an_interruption(agent_id=OTHER, detected_at=NOON - HOUR, instance_id=THIRD),
            an_interruption(pool_id=POOL_B, detected_at=NOON),
            an_interruption(pool_id=None, detected_at=NOON),
        )

        with store.work() as work:
            signs = work.interruptions.signs_in(POOL_A, NOON - 2 * HOUR, 2)
            assert signs == [
                Sign(FIRST, BY_TERMINATION, NOON),
                Sign(THIRD, warning, NOON - HOUR),
            ]
            assert len(work.interruptions.signs_in(POOL_A, NOON - 2 * HOUR, 9)) == 3
            assert len(work.interruptions.signs_in(POOL_A, NOON - HOUR, 9)) == 2

    def test_without_commit_there_was_no_sign(self, store: Store) -> None:
        with store.work() as work:
            work.interruptions.add(an_interruption(), NOON)

        with store.work() as work:
            assert work.interruptions.count_in_pool(POOL_A, NOON - DAY) == 0

    def test_what_is_known_of_a_sign_is_kept(self, database: SqlStore) -> None:
        self.put(database, an_interruption(instance_id=InstanceId("i-9")))

        row = database.row(tables.spot_interruption_events)
        assert row["instance_id"] == "i-9"
        assert row["response_action"] == ResponseAction.NONE
        assert row["metadata"] == {"risk_score": Decimal("0.5")}
        assert row["created_at"] == NOON
