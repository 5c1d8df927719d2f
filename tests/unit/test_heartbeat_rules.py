"""What a heartbeat changes, and what it never does."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spot_optimizer.domain.agents.agent import Agent, AgentStatus, Placement
from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.agents.instances import InstanceRole
from spot_optimizer.domain.agents.registration import register
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import ClientId, InstanceId
from spot_optimizer.domain.values import Mode
from tests.unit.domain_examples import (
    DECIDED,
    EARLIER,
    FORMERLY,
    NOON,
    NOT_KNOWN_HOW,
    NOWADAYS,
    ON_DEMAND,
    ON_SPOT,
    POOL_A,
    POOL_B,
    SECOND,
    a_registration,
    an_agent,
    statuses,
    vitals_of,
)

WHAT_IS_KNOWN = Heartbeat(
    instance_id=InstanceId("i-1"),
    instance_type="t3.medium",
    zone="us-east-1a",
    mode=Mode.SPOT,
    pool_id=POOL_A,
)
placements = st.sampled_from([ON_SPOT, ON_DEMAND, NOT_KNOWN_HOW])
heartbeats = st.builds(
    Heartbeat,
    status=statuses.map(str),
    instance_id=st.sampled_from([None, InstanceId("i-1"), InstanceId("i-9")]),
    instance_type=st.sampled_from([None, "", "t3.medium", "c5.large"]),
    zone=st.sampled_from([None, "", "us-east-1a", "us-east-1c"]),
    mode=st.sampled_from([None, *Mode]),
    pool_id=st.sampled_from([None, POOL_A, POOL_B]),
    monitored_instance_id=st.sampled_from([None, InstanceId("i-1")]),
)


@pytest.mark.parametrize(
    ("heartbeat", "sender"),
    [
        (Heartbeat(), None),
        (Heartbeat(instance_id=InstanceId("i-1")), "i-1"),
        (Heartbeat(monitored_instance_id=InstanceId("i-2")), "i-2"),
        (
            Heartbeat(instance_id=InstanceId("i-1"), monitored_instance_id=InstanceId("i-2")),
            "i-1",
        ),
    ],
)
def test_old_agents_name_their_instance_in_the_list_that_they_watch(
    heartbeat: Heartbeat, sender: str | None
) -> None:
    assert heartbeat.sender == sender


@pytest.mark.parametrize(
    ("heartbeat", "nameless"),
    [
        (Heartbeat(status="offline"), True),
        (Heartbeat(status="online"), False),
        (Heartbeat(status="offline", instance_id=InstanceId("i-1")), False),
        (Heartbeat(status="offline", monitored_instance_id=InstanceId("i-1")), False),
    ],
)
def test_only_the_last_word_of_an_agent_program_names_nobody(
    heartbeat: Heartbeat, nameless: bool
) -> None:
    assert heartbeat.is_nameless_farewell is nameless


@pytest.mark.parametrize(
    ("heartbeat", "says_where"),
    [
        (Heartbeat(instance_type="c5.large"), True),
        (Heartbeat(zone="us-east-1c"), True),
        (Heartbeat(mode=Mode.ON_DEMAND), True),
        (Heartbeat(pool_id=POOL_B), True),
        (Heartbeat(instance_id=InstanceId("i-1"), status="disabled"), False),
        (Heartbeat(instance_type="", zone=""), False),
    ],
)
def test_any_fact_of_the_place_says_where_an_agent_is(
    heartbeat: Heartbeat, says_where: bool
) -> None:
    assert heartbeat.says_where is says_where
    assert (ON_SPOT.told(heartbeat, NOWADAYS) != ON_SPOT) is says_where


@given(was=placements, heartbeat=heartbeats)
def test_what_is_said_replaces_what_was_known_and_nothing_else_does(
    was: Placement, heartbeat: Heartbeat
) -> None:
    told = was.told(heartbeat, NOWADAYS)

    assert told.instance_type == (heartbeat.instance_type or was.instance_type)
    assert told.zone == (heartbeat.zone or was.zone)
    assert told.region == was.region
    assert told.mode == (heartbeat.mode if heartbeat.mode in ("spot", "ondemand") else was.mode)


@given(was=placements, heartbeat=heartbeats)
def test_on_spot_the_pool_is_the_one_told_or_that_of_type_and_zone_and_else_there_is_none(
    was: Placement, heartbeat: Heartbeat
) -> None:
    told = was.told(heartbeat, NOWADAYS)

    expected = heartbeat.pool_id or f"{told.instance_type}.{told.zone}"
    assert told.pool_id == (expected if told.mode == "spot" else None)


@given(was=placements, heartbeat=heartbeats)
def test_the_former_server_left_the_pool_as_it_was(was: Placement, heartbeat: Heartbeat) -> None:
    kept = Compatibility(keep_pool_on_heartbeat=True)

    assert was.told(heartbeat, kept) == replace(was.told(heartbeat, NOWADAYS), pool_id=was.pool_id)


@pytest.mark.parametrize("was", [ON_SPOT, ON_DEMAND, replace(ON_SPOT, pool_id=POOL_B)])
def test_a_heartbeat_that_says_nothing_of_the_place_leaves_it(was: Placement) -> None:
    assert was.told(Heartbeat(instance_id=InstanceId("i-1")), NOWADAYS) == was


@given(status=statuses, reported=statuses)
def test_an_agent_is_what_it_says_but_its_own_deletion_is_only_silence(
    status: AgentStatus, reported: AgentStatus
) -> None:
    agent = an_agent(status=status, last_heartbeat_at=EARLIER)

    heard = agent.hear(Heartbeat(status=reported), NOON, NOWADAYS)

    if status is AgentStatus.DELETED:
        expected = AgentStatus.DELETED
    elif reported is AgentStatus.DELETED:
        expected = AgentStatus.OFFLINE
    else:
        expected = reported
    assert heard == replace(agent, status=expected, last_heartbeat_at=NOON)


def test_an_agent_that_says_nothing_is_online() -> None:
    agent = an_agent(status=AgentStatus.DISABLED)

    assert agent.hear(Heartbeat(), NOON, NOWADAYS) == an_agent(status=AgentStatus.ONLINE)


@given(heartbeats)
def test_of_a_deleted_agent_only_the_time_is_noted(heartbeat: Heartbeat) -> None:
    agent = an_agent(status=AgentStatus.DELETED, last_heartbeat_at=EARLIER)  # contract D-33

    assert agent.hear(heartbeat, NOON, NOWADAYS) == replace(agent, last_heartbeat_at=NOON)


def test_formerly_a_heartbeat_brought_a_deleted_agent_back_as_disabled_as_it_was() -> None:
    agent = an_agent(status=AgentStatus.DELETED, settings=DECIDED)
    heartbeat = Heartbeat(status="online", instance_id=InstanceId("i-9"))

    back = agent.hear(heartbeat, NOON, FORMERLY)

    assert back.status is AgentStatus.ONLINE
    assert (back.primary_instance_id, back.settings) == ("i-9", DECIDED)


@given(heartbeats)
def test_the_pointer_follows_the_instance_named_and_no_other(heartbeat: Heartbeat) -> None:
    heard = an_agent().hear(heartbeat, NOON, NOWADAYS)

    assert heard.primary_instance_id == (heartbeat.instance_id or "i-1")
    assert heard.last_heartbeat_at == NOON


@given(
    status=statuses,
    at=st.sampled_from([ON_SPOT, ON_DEMAND, NOT_KNOWN_HOW, replace(ON_SPOT, pool_id=POOL_B)]),
    heartbeat=heartbeats,
)
def test_a_heartbeat_that_confirms_the_vitals_changes_nothing_by_the_full_rules(
    status: AgentStatus, at: Placement, heartbeat: Heartbeat
) -> None:
    agent = an_agent(status=status, placement=at, last_heartbeat_at=EARLIER)

    if vitals_of(agent).are_confirmed_by(heartbeat):
        assert heartbeat.sender in (None, "i-1")
        assert not heartbeat.is_nameless_farewell
        for policy in (NOWADAYS, FORMERLY):
            assert agent.hear(heartbeat, NOON, policy) == replace(agent, last_heartbeat_at=NOON)


@pytest.mark.parametrize(
    ("heartbeat", "confirms"),
    [
        (Heartbeat(), True),
        (Heartbeat(monitored_instance_id=InstanceId("i-1")), True),
        (WHAT_IS_KNOWN, True),
        (replace(WHAT_IS_KNOWN, mode=Mode.UNKNOWN), True),
        (replace(WHAT_IS_KNOWN, status="switching"), False),
        (replace(WHAT_IS_KNOWN, instance_id=InstanceId("i-2")), False),
        (replace(WHAT_IS_KNOWN, instance_type="c5.large"), False),
        (replace(WHAT_IS_KNOWN, zone="us-east-1b"), False),
        (replace(WHAT_IS_KNOWN, mode=Mode.ON_DEMAND), False),
        (replace(WHAT_IS_KNOWN, pool_id=POOL_B), False),
        (Heartbeat(monitored_instance_id=InstanceId("i-2")), False),
    ],
)
def test_only_the_primary_that_says_nothing_new_confirms_the_vitals(
    heartbeat: Heartbeat, confirms: bool
) -> None:
    assert vitals_of(an_agent()).are_confirmed_by(heartbeat) is confirms


def test_where_the_pool_has_another_name_only_silence_about_the_place_confirms_it() -> None:
    elsewhere = vitals_of(an_agent(placement=replace(ON_SPOT, pool_id=POOL_B)))

    assert elsewhere.are_confirmed_by(Heartbeat(instance_id=InstanceId("i-1")))
    assert not elsewhere.are_confirmed_by(replace(WHAT_IS_KNOWN, pool_id=None))


@given(statuses)
def test_vitals_know_a_deleted_agent(status: AgentStatus) -> None:
    assert vitals_of(an_agent(status=status)).is_deleted is (status == "deleted")


def test_a_nameless_farewell_confirms_nothing_even_of_an_agent_that_is_offline() -> None:
    offline = vitals_of(an_agent(status=AgentStatus.OFFLINE))

    assert not offline.are_confirmed_by(Heartbeat(status="offline"))


@pytest.mark.parametrize(
    ("heard_at", "is_first"),
    [
        (None, True),
        (NOON - SECOND, True),
        (NOON, False),
        (NOON + SECOND, False),
    ],
)
def test_once_a_second_something_is_noted_of_a_client(
    heard_at: datetime | None, is_first: bool
) -> None:
    vitals = replace(vitals_of(an_agent()), client_heard_at=heard_at)

    assert vitals.is_first_sign_of_its_client(NOON + timedelta(milliseconds=999)) is is_first


@pytest.mark.parametrize(
    ("owner", "belongs"), [(None, True), ("client-1", True), ("client-2", False)]
)
def test_an_agent_exists_for_its_client_and_for_whoever_sees_all(
    owner: str | None, belongs: bool
) -> None:
    client_id = None if owner is None else ClientId(owner)

    assert vitals_of(an_agent()).belongs_to(client_id) is belongs


def _identity(agent: Agent) -> tuple[object, ...]:
    return agent.id, agent.client_id, agent.logical_agent_id, agent.installed_at


@settings(max_examples=50)
@given(st.lists(st.one_of(heartbeats, st.sampled_from(["end", "silence", "register"]))))
def test_through_any_history_the_identity_stays_and_only_a_registration_undeletes(
    history: list[Heartbeat | str],
) -> None:
    agent, now = an_agent(status=AgentStatus.DELETED, settings=DECIDED), NOON
    born = _identity(agent)
    registered = False
    for event in history:
        now += timedelta(seconds=30)
        if isinstance(event, Heartbeat):
            agent = agent.hear(event, now, NOWADAYS)
        elif event == "end":
            agent = agent.terminate(now)
        elif event == "silence":
            agent = agent.fall_silent()
        else:
            agent = register(agent, a_registration(), InstanceRole.PRIMARY, now, NOWADAYS).agent
            registered = True
        assert _identity(agent) == born
        assert agent.is_deleted is not registered
        assert agent.placement.mode is not Mode.UNKNOWN
        assert (agent.placement.pool_id is not None) == (agent.placement.mode is Mode.SPOT)
        assert (agent.settings == DECIDED) is not registered
