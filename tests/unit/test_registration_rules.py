"""Who an agent is that introduces itself: the first rule that fits decides."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.agents.agent import Agent, AgentSettings, AgentStatus, Placement
from spot_optimizer.domain.agents.instances import InstanceRole
from spot_optimizer.domain.agents.registration import (
    Registered,
    Registration,
    RegistrationOutcome,
    mint,
    register,
)
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId, LogicalAgentId
from spot_optimizer.domain.values import Mode
from tests.unit.domain_examples import (
    DECIDED,
    EARLIER,
    NOON,
    NOT_KNOWN_HOW,
    NOWADAYS,
    ON_DEMAND,
    ON_SPOT,
    POOL_A,
    POOL_B,
    a_registration,
    an_agent,
    statuses,
)

ALWAYS_MOVES = Compatibility(registration_always_moves_primary=True)
KEEPS_DELETED = Compatibility(deletion_is_not_final=True)

# Everything a registration tells of the machine, different from what the example agent has.
ELSEWHERE = a_registration(
    instance_id=InstanceId("i-2"),
    instance_type="c5.large",
    region="eu-west-1",
    zone="eu-west-1b",
    mode=Mode.ON_DEMAND,
    hostname="web-2.internal",
    ami_id="ami-2",
    agent_version="4.1.0",
    private_ip="10.0.0.2",
    public_ip="192.0.2.2",
)
AT_ELSEWHERE = Placement(
    instance_type="c5.large", region="eu-west-1", zone="eu-west-1b", mode=Mode.ON_DEMAND
)

agents = st.builds(
    an_agent,
    status=statuses,
    primary_instance_id=st.sampled_from([None, InstanceId("i-1")]),
    last_heartbeat_at=st.one_of(
        st.none(),
        st.timedeltas(timedelta(seconds=590), timedelta(seconds=610)).map(lambda age: NOON - age),
    ),
    settings=st.just(DECIDED),
)
policies = st.builds(
    Compatibility,
    registration_always_moves_primary=st.booleans(),
    deletion_is_not_final=st.booleans(),
)


def first_rule_that_fits(agent: Agent, role: InstanceRole, now: datetime, guarded: bool) -> str:
    deleted = agent.status == "deleted"
    heard_at = agent.last_heartbeat_at
    heard = heard_at is not None and now - heard_at <= timedelta(seconds=600)
    alive = heard and not deleted and agent.status != "offline"
    if role is InstanceRole.STANDBY and guarded:
        return "acknowledged_replica"
    if deleted:
        return "revived"
    if role is InstanceRole.PRIMARY or agent.primary_instance_id is None:
        return "refreshed"
    if role is InstanceRole.FORMER and alive and guarded:
        return "acknowledged_zombie"
    return "migrated"


@given(agent=agents, role=st.sampled_from(InstanceRole), policy=policies)
def test_the_first_rule_that_fits_decides(
    agent: Agent, role: InstanceRole, policy: Compatibility
) -> None:
    came_to = register(agent, ELSEWHERE, role, NOON, policy)

    guarded = not policy.registration_always_moves_primary
    assert came_to.outcome == first_rule_that_fits(agent, role, NOON, guarded)


@given(agent=agents, role=st.sampled_from(InstanceRole), policy=policies)
def test_whoever_is_only_acknowledged_moves_nothing(
    agent: Agent, role: InstanceRole, policy: Compatibility
) -> None:
    came_to = register(agent, ELSEWHERE, role, NOON, policy)

    acknowledged = came_to.outcome in ("acknowledged_replica", "acknowledged_zombie")
    assert came_to.speaks_for_the_agent is not acknowledged
    if acknowledged:
        assert (came_to.agent, came_to.former_instance_id) == (agent, None)
    else:
        assert came_to.agent.primary_instance_id == "i-2"


@given(agent=agents, role=st.sampled_from(InstanceRole), policy=policies)
def test_whoever_speaks_for_the_agent_tells_everything_of_the_machine_and_keeps_the_identity(
    agent: Agent, role: InstanceRole, policy: Compatibility
) -> None:
    came_to = register(agent, ELSEWHERE, role, NOON, policy)
    if not came_to.speaks_for_the_agent:
        return
    revived = came_to.outcome is RegistrationOutcome.REVIVED
    reset = revived and not policy.deletion_is_not_final

    assert came_to.agent == replace(
        agent,
        primary_instance_id=InstanceId("i-2"),
        placement=AT_ELSEWHERE,
        status=AgentStatus.ONLINE,
        settings=AgentSettings() if reset else DECIDED,
        hostname="web-2.internal",
        ami_id="ami-2",
        agent_version="4.1.0",
        private_ip="10.0.0.2",
        public_ip="192.0.2.2",
        last_heartbeat_at=NOON,
    )


@given(agent=agents, role=st.sampled_from(InstanceRole))
def test_only_who_takes_over_leaves_a_former_instance(agent: Agent, role: InstanceRole) -> None:
    came_to = register(agent, ELSEWHERE, role, NOON, NOWADAYS)

    takes_over = came_to.outcome in ("migrated", "revived")
    assert came_to.former_instance_id == (agent.primary_instance_id if takes_over else None)


def test_the_outcomes_have_the_names_of_the_contract() -> None:
    assert set(RegistrationOutcome) == {
        "minted",
        "refreshed",
        "migrated",
        "revived",
        "acknowledged_replica",
        "acknowledged_zombie",
    }


def test_an_unknown_instance_becomes_primary_under_the_same_identity() -> None:
    agent = an_agent(settings=DECIDED)  # contract D-1

    came_to = register(agent, ELSEWHERE, InstanceRole.UNKNOWN, NOON, NOWADAYS)

    assert came_to.outcome is RegistrationOutcome.MIGRATED
    assert (came_to.agent.id, came_to.agent.primary_instance_id) == ("agent-1", "i-2")
    assert (came_to.former_instance_id, came_to.agent.settings) == ("i-1", DECIDED)


def test_a_standby_takes_no_pointer_even_from_a_dead_primary() -> None:
    agent = an_agent(status=AgentStatus.OFFLINE)  # contract D-35

    came_to = register(agent, ELSEWHERE, InstanceRole.STANDBY, NOON, NOWADAYS)

    assert came_to == Registered(outcome=RegistrationOutcome.ACKNOWLEDGED_STANDBY, agent=agent)


def test_a_former_instance_takes_no_pointer_from_a_living_primary_but_rescues_a_dead_ones() -> None:
    living, dead = an_agent(), an_agent(status=AgentStatus.OFFLINE)

    kept = register(living, ELSEWHERE, InstanceRole.FORMER, NOON, NOWADAYS)
    rescued = register(dead, ELSEWHERE, InstanceRole.FORMER, NOON, NOWADAYS)

    assert kept == Registered(outcome=RegistrationOutcome.ACKNOWLEDGED_FORMER, agent=living)
    assert (rescued.outcome, rescued.agent.primary_instance_id) == ("migrated", "i-2")


@pytest.mark.parametrize("role", [InstanceRole.STANDBY, InstanceRole.FORMER])
def test_formerly_whoever_registered_took_the_pointer(role: InstanceRole) -> None:
    came_to = register(an_agent(), ELSEWHERE, role, NOON, ALWAYS_MOVES)

    assert came_to.outcome is RegistrationOutcome.MIGRATED


def test_a_deleted_agent_comes_back_under_its_id_with_everything_reset() -> None:
    agent = an_agent(  # contract D-33
        status=AgentStatus.DELETED, settings=DECIDED, terminated_at=EARLIER
    )

    came_to = register(agent, ELSEWHERE, InstanceRole.UNKNOWN, NOON, NOWADAYS)

    assert came_to.outcome is RegistrationOutcome.REVIVED
    assert (came_to.agent.id, came_to.agent.status) == ("agent-1", "online")
    assert (came_to.agent.settings, came_to.agent.terminated_at) == (AgentSettings(), None)
    assert (came_to.agent.installed_at, came_to.former_instance_id) == (EARLIER, "i-1")


def test_formerly_a_deleted_agent_came_back_as_disabled_as_it_was() -> None:
    agent = an_agent(status=AgentStatus.DELETED, settings=DECIDED)

    came_to = register(agent, ELSEWHERE, InstanceRole.UNKNOWN, NOON, KEEPS_DELETED)

    assert (came_to.outcome, came_to.agent.settings) == ("revived", DECIDED)


@pytest.mark.parametrize(
    ("known", "said", "kept"),
    [
        (ON_SPOT, None, ON_SPOT),
        (ON_SPOT, Mode.UNKNOWN, ON_SPOT),
        (replace(ON_SPOT, pool_id=POOL_B), None, replace(ON_SPOT, pool_id=POOL_B)),
        (replace(ON_SPOT, pool_id=None), None, ON_SPOT),
        (ON_DEMAND, None, ON_DEMAND),
        (NOT_KNOWN_HOW, None, NOT_KNOWN_HOW),
        (ON_SPOT, Mode.ON_DEMAND, ON_DEMAND),
        (ON_DEMAND, Mode.SPOT, ON_SPOT),
    ],
)
def test_the_same_instance_forgets_nothing_by_not_saying_its_mode(
    known: Placement, said: Mode | None, kept: Placement
) -> None:
    agent = an_agent(placement=known)

    came_to = register(agent, a_registration(mode=said), InstanceRole.PRIMARY, NOON, NOWADAYS)

    assert (came_to.outcome, came_to.agent.placement) == ("refreshed", kept)


@pytest.mark.parametrize("role", [InstanceRole.UNKNOWN, InstanceRole.FORMER])
def test_another_instance_does_not_inherit_the_mode(role: InstanceRole) -> None:
    agent = an_agent(status=AgentStatus.OFFLINE)

    came_to = register(
        agent, a_registration(instance_id=InstanceId("i-2"), mode=None), role, NOON, NOWADAYS
    )

    assert (came_to.outcome, came_to.agent.placement) == ("migrated", NOT_KNOWN_HOW)


@pytest.mark.parametrize(
    ("registration", "pool_id"),
    [
        (a_registration(mode=Mode.SPOT), POOL_A),
        (a_registration(mode=Mode.SPOT, pool_id=POOL_B), POOL_B),
        (a_registration(mode=Mode.ON_DEMAND, pool_id=POOL_B), None),
        (a_registration(mode=Mode.UNKNOWN, pool_id=POOL_B), None),
        (a_registration(mode=None), None),
    ],
)
def test_on_spot_there_is_always_a_pool_and_otherwise_never(
    registration: Registration, pool_id: str | None
) -> None:
    assert registration.placement.pool_id == pool_id


def test_an_agent_that_nobody_knew_is_minted_online_and_with_default_settings() -> None:
    minted = mint(AgentId("agent-9"), ClientId("client-9"), a_registration(), NOON)

    assert (minted.outcome, minted.former_instance_id) == (RegistrationOutcome.MINTED, None)
    assert minted.speaks_for_the_agent
    assert minted.agent.interruption_handled_count == 0
    assert minted.agent == Agent(
        id=AgentId("agent-9"),
        client_id=ClientId("client-9"),
        logical_agent_id=LogicalAgentId("web-1"),
        primary_instance_id=InstanceId("i-1"),
        placement=ON_SPOT,
        status=AgentStatus.ONLINE,
        settings=AgentSettings(),
        installed_at=NOON,
        last_heartbeat_at=NOON,
    )


@pytest.mark.parametrize(
    ("logical_id", "base"),
    [
        ("web-1-replica", "web-1"),
        ("web-1-replica-replica", "web-1-replica"),
        ("web-1", None),
        ("-replica", None),
        ("web-1-replica2", None),
        ("replica", None),
    ],
)
def test_a_name_may_say_whose_standby_it_is(logical_id: str, base: str | None) -> None:
    named = a_registration(logical_agent_id=LogicalAgentId(logical_id))

    assert named.base_logical_id == base
