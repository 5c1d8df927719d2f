"""The workload's identity: its status, its settings, and whether its primary lives."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.agents.agent import (
    TRANSITIONS,
    AgentSettings,
    AgentStatus,
    Placement,
)
from spot_optimizer.domain.identifiers import InstanceId, PoolId
from spot_optimizer.domain.values import Mode
from tests.unit.domain_examples import (
    DECIDED,
    EARLIER,
    NOON,
    NOT_KNOWN_HOW,
    ON_DEMAND,
    ON_SPOT,
    POOL_A,
    POOL_B,
    SECOND,
    an_agent,
    modes,
    statuses,
)

ALIVE_FOR = timedelta(seconds=600)


@pytest.mark.parametrize("entered", AgentStatus)
@pytest.mark.parametrize("left", AgentStatus)
def test_only_deleted_agents_are_held_where_they_are(
    left: AgentStatus, entered: AgentStatus
) -> None:
    drawn = left is not AgentStatus.DELETED or entered in (AgentStatus.ONLINE, AgentStatus.DELETED)

    assert (entered in TRANSITIONS[left]) == drawn


def test_the_statuses_are_those_that_dashboards_know() -> None:
    assert set(AgentStatus) == {"online", "offline", "disabled", "switching", "error", "deleted"}


def test_a_new_agent_has_the_settings_of_the_contract() -> None:
    assert AgentSettings() == AgentSettings(
        enabled=True,
        auto_switch_enabled=True,
        manual_replica_enabled=False,
        auto_terminate_enabled=True,
        terminate_wait_seconds=300,
        replica_enabled=False,
        replica_count=0,
    )


@pytest.mark.parametrize(
    ("auto_terminate", "configured", "wait"),
    [
        (True, 300, 300),
        (True, 90, 90),
        (True, 1, 1),
        (True, 0, 300),
        (True, None, 300),
        (False, 90, 0),
        (False, None, 0),
    ],
)
def test_a_switch_waits_as_configured_and_keeps_the_old_instance_without_auto_termination(
    auto_terminate: bool, configured: int | None, wait: int
) -> None:
    settings = AgentSettings(
        auto_terminate_enabled=auto_terminate, terminate_wait_seconds=configured
    )

    assert settings.switch_terminate_wait_seconds == wait


@pytest.mark.parametrize(
    ("placement", "pool_id"),
    [
        (ON_SPOT, "t3.medium.us-east-1a"),
        (ON_DEMAND, None),
        (NOT_KNOWN_HOW, None),
        (replace(ON_SPOT, instance_type=None), None),
        (replace(ON_SPOT, zone=None), None),
        (replace(ON_SPOT, zone=""), None),
    ],
)
def test_spot_alone_derives_a_pool_from_type_and_zone(
    placement: Placement, pool_id: str | None
) -> None:
    assert placement.derived_pool == pool_id


@pytest.mark.parametrize(
    ("age", "alive"),
    [
        (timedelta(0), True),
        (ALIVE_FOR - SECOND, True),
        (ALIVE_FOR, True),
        (ALIVE_FOR + timedelta(microseconds=1), False),
        (ALIVE_FOR + SECOND, False),
    ],
)
def test_a_primary_heard_from_within_ten_minutes_inclusive_lives(
    age: timedelta, alive: bool
) -> None:
    assert an_agent(last_heartbeat_at=NOON - age).primary_is_alive(NOON) is alive


@given(status=statuses, age=st.timedeltas(timedelta(0), timedelta(hours=1)))
def test_a_primary_lives_unless_it_is_offline_deleted_silent_or_missing(
    status: AgentStatus, age: timedelta
) -> None:
    agent = an_agent(status=status, last_heartbeat_at=NOON - age)
    dead = status in (AgentStatus.OFFLINE, AgentStatus.DELETED) or age > ALIVE_FOR

    assert agent.primary_is_alive(NOON) is not dead
    assert not replace(agent, primary_instance_id=None).primary_is_alive(NOON)
    assert not replace(agent, last_heartbeat_at=None).primary_is_alive(NOON)


@pytest.mark.parametrize(
    ("placement", "mode", "pool_id", "there"),
    [
        (ON_SPOT, Mode.SPOT, POOL_A, True),
        (ON_SPOT, Mode.SPOT, POOL_B, False),
        (ON_SPOT, Mode.SPOT, None, False),
        (ON_SPOT, Mode.ON_DEMAND, None, False),
        (ON_DEMAND, Mode.ON_DEMAND, None, True),
        (ON_DEMAND, Mode.ON_DEMAND, POOL_A, True),
        (ON_DEMAND, Mode.SPOT, POOL_A, False),
        (NOT_KNOWN_HOW, Mode.SPOT, POOL_A, False),
        (NOT_KNOWN_HOW, Mode.ON_DEMAND, None, False),
    ],
)
def test_a_switch_is_pointless_in_the_same_mode_and_for_spot_in_the_same_pool(
    placement: Placement, mode: Mode, pool_id: PoolId | None, there: bool
) -> None:
    assert an_agent(placement=placement).already_at(mode, pool_id) is there


def test_people_call_an_agent_by_its_host_and_else_by_its_id() -> None:
    assert an_agent(hostname="web-1.internal").name == "web-1.internal"
    assert an_agent(hostname=None).name == "agent-1"
    assert an_agent(hostname="").name == "agent-1"


def test_following_another_instance_moves_the_pointer_and_nothing_of_the_identity() -> None:
    agent = an_agent(settings=DECIDED)

    moved = agent.follow(InstanceId("i-2"), ON_DEMAND)

    assert (moved.primary_instance_id, moved.placement) == ("i-2", ON_DEMAND)
    assert agent == replace(moved, primary_instance_id=InstanceId("i-1"), placement=ON_SPOT)


@given(statuses)
def test_a_termination_report_ends_every_agent_but_a_deleted_one(status: AgentStatus) -> None:
    agent = an_agent(status=status)

    ended = agent.terminate(NOON)

    deleted = status is AgentStatus.DELETED
    expected = AgentStatus.DELETED if deleted else AgentStatus.OFFLINE
    assert ended == replace(agent, status=expected, terminated_at=NOON)


@pytest.mark.parametrize(
    ("status", "afterwards"),
    [(AgentStatus.ONLINE, AgentStatus.OFFLINE), (AgentStatus.DELETED, AgentStatus.DELETED)],
)
def test_silence_makes_an_agent_offline_and_leaves_a_deleted_one(
    status: AgentStatus, afterwards: AgentStatus
) -> None:
    agent = an_agent(status=status, last_heartbeat_at=EARLIER)

    assert agent.fall_silent() == replace(agent, status=afterwards)


@pytest.mark.parametrize(
    ("mode", "pool_id", "expected"),
    [
        (Mode.SPOT, None, ON_SPOT),
        (Mode.SPOT, POOL_B, replace(ON_SPOT, pool_id=POOL_B)),
        (Mode.ON_DEMAND, None, ON_DEMAND),
        (Mode.ON_DEMAND, POOL_B, ON_DEMAND),
        (Mode.UNKNOWN, POOL_B, NOT_KNOWN_HOW),
    ],
)
def test_an_old_agent_tells_its_mode_in_a_price_report(
    mode: Mode, pool_id: PoolId | None, expected: Placement
) -> None:
    agent = an_agent(placement=NOT_KNOWN_HOW)

    assert agent.learn_mode(mode, pool_id) == replace(agent, placement=expected)


@given(mode=modes, pool_id=st.sampled_from([None, POOL_A, POOL_B]))
def test_what_is_learnt_of_a_mode_is_never_unknown_and_leaves_no_pool_to_on_demand(
    mode: Mode, pool_id: PoolId | None
) -> None:
    learned = an_agent(placement=ON_SPOT).learn_mode(mode, pool_id).placement

    assert learned.mode is (Mode.SPOT if mode is Mode.UNKNOWN else mode)
    assert (learned.pool_id is None) == (learned.mode is Mode.ON_DEMAND)


def test_learning_the_same_again_is_the_same_agent() -> None:
    agent = an_agent(placement=ON_SPOT)

    assert agent.learn_mode(Mode.SPOT, None) is agent
    assert agent.learn_mode(Mode.UNKNOWN, None) is agent


def test_the_times_of_switches_and_clean_ups_are_noted() -> None:
    agent = an_agent()

    assert agent.switched(NOON) == replace(agent, last_switch_at=NOON)
    assert agent.clean_up(NOON) == replace(agent, last_cleanup_at=NOON)


@given(st.integers(0, 1000))
def test_an_accepted_rebalance_recommendation_is_counted_and_dated(handled: int) -> None:
    agent = an_agent(interruption_handled_count=handled)

    warned = agent.accept_rebalance_recommendation(NOON)

    assert warned == replace(
        agent,
        interruption_handled_count=handled + 1,
        last_interruption_signal_at=NOON,
        last_rebalance_recommendation_at=NOON,
    )
