"""The machines of an agent: which part each plays, and what its record learns."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.agents.agent import Agent, AgentSettings, Placement
from spot_optimizer.domain.agents.instances import (
    Instance,
    InstanceRole,
    Standby,
    StartingPrices,
    is_last_word_of_a_predecessor,
    new_instance,
    role_of,
)
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId
from spot_optimizer.domain.values import Mode
from tests.unit.domain_examples import (
    EARLIER,
    NOON,
    NOT_KNOWN_HOW,
    NOWADAYS,
    ON_DEMAND,
    ON_SPOT,
    POOL_A,
    POOL_B,
    SECOND,
    a_standby,
    an_agent,
    an_instance,
    modes,
    prices,
)

I_1, I_2 = InstanceId("i-1"), InstanceId("i-2")
ANOTHER_AGENT = AgentId("agent-2")
LEAVES_INSTANCES = Compatibility(registration_leaves_instances=True)
OVERWRITES = Compatibility(price_report_overwrites=True)

MINE, NOT_MINE = an_instance(id=I_2), an_instance(id=I_2, agent_id=ANOTHER_AGENT)
MY_STANDBY = a_standby(instance_id=I_2)
NOT_MY_STANDBY = a_standby(instance_id=I_2, agent_id=ANOTHER_AGENT)


@pytest.mark.parametrize(
    ("speaker", "recorded", "standby", "role"),
    [
        (I_1, an_instance(), None, InstanceRole.PRIMARY),
        (I_1, None, None, InstanceRole.PRIMARY),
        (I_1, an_instance(), a_standby(instance_id=I_1), InstanceRole.PRIMARY),
        (None, None, None, InstanceRole.PRIMARY),
        (I_2, MINE, MY_STANDBY, InstanceRole.STANDBY),
        (I_2, None, MY_STANDBY, InstanceRole.STANDBY),
        (I_2, MINE, None, InstanceRole.FORMER),
        (I_2, replace(MINE, is_active=False, terminated_at=NOON), None, InstanceRole.FORMER),
        (I_2, MINE, NOT_MY_STANDBY, InstanceRole.FORMER),
        (I_2, NOT_MINE, None, InstanceRole.UNKNOWN),
        (I_2, replace(MINE, agent_id=None), None, InstanceRole.UNKNOWN),
        (I_2, NOT_MINE, NOT_MY_STANDBY, InstanceRole.UNKNOWN),
        (I_2, None, None, InstanceRole.UNKNOWN),
    ],
)
def test_the_part_of_an_instance_follows_from_pointer_replica_and_record(
    speaker: InstanceId | None,
    recorded: Instance | None,
    standby: Standby | None,
    role: InstanceRole,
) -> None:
    assert role_of(speaker, an_agent(primary_instance_id=I_1), recorded, standby) is role


@given(
    primary=st.sampled_from([None, "i-1", "i-2", "i-3"]).map(lambda i: i and InstanceId(i)),
    standby=st.one_of(st.none(), st.sampled_from([MY_STANDBY, NOT_MY_STANDBY])),
)
def test_an_agent_never_has_two_primaries(
    primary: InstanceId | None, standby: Standby | None
) -> None:
    agent = an_agent(primary_instance_id=primary)
    roles = [
        role_of(
            InstanceId(name),
            agent,
            an_instance(id=name),
            standby if standby is not None and standby.instance_id == name else None,
        )
        for name in ("i-1", "i-2", "i-3")
    ]

    assert roles.count(InstanceRole.PRIMARY) == (primary is not None)


@given(known=st.one_of(st.none(), prices), spot=st.one_of(st.none(), prices), mode=modes)
def test_a_new_instance_starts_with_the_best_prices_known(
    known: Decimal | None, spot: Decimal | None, mode: Mode
) -> None:
    starting = StartingPrices.for_instance(mode, known, spot)

    on_demand = Decimal("0.0416") if known is None else known
    assert starting.on_demand == on_demand
    if mode is Mode.SPOT:
        estimate = (on_demand * Decimal("0.3")).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        assert starting.spot == (estimate if spot is None else spot)
    else:
        assert starting.spot == 0


@pytest.mark.parametrize("at", [ON_SPOT, ON_DEMAND, NOT_KNOWN_HOW])
def test_the_first_record_of_an_instance_is_what_the_agent_tells(at: Placement) -> None:
    agent = an_agent(primary_instance_id=I_2, placement=at)
    starting = StartingPrices(on_demand=Decimal("0.0832"), spot=Decimal("0.03"))

    assert new_instance(agent, starting, NOON, NOWADAYS) == Instance(
        id=I_2,
        client_id=agent.client_id,
        agent_id=agent.id,
        instance_type="t3.medium",
        region="us-east-1",
        zone="us-east-1a",
        ami_id="ami-1",
        mode=at.mode,
        pool_id=at.pool_id,
        spot_price=Decimal("0.03"),
        on_demand_price=Decimal("0.0832"),
        baseline_on_demand_price=Decimal("0.0832"),
        is_active=True,
        installed_at=NOON,
    )


def test_an_instance_of_which_nothing_is_known_is_recorded_with_empty_texts() -> None:
    starting = StartingPrices(on_demand=Decimal(1), spot=Decimal(0))

    first = new_instance(an_agent(placement=Placement()), starting, NOON, NOWADAYS)

    assert (first.instance_type, first.region, first.zone) == ("", "", "")


def test_an_agent_without_an_instance_has_none_to_record() -> None:
    with pytest.raises(ValueError, match="no primary"):
        new_instance(
            an_agent(primary_instance_id=None),
            StartingPrices(on_demand=Decimal(1), spot=Decimal(0)),
            NOON,
            NOWADAYS,
        )


def test_formerly_the_first_record_had_no_pool_and_the_next_registration_changed_nothing() -> None:
    starting = StartingPrices(on_demand=Decimal(1), spot=Decimal(0))
    old = an_instance(agent_id=None, is_active=False, terminated_at=EARLIER)

    assert new_instance(an_agent(), starting, NOON, LEAVES_INSTANCES).pool_id is None
    assert old.bind(an_agent(), LEAVES_INSTANCES) == old


@given(at=st.sampled_from([ON_SPOT, ON_DEMAND, NOT_KNOWN_HOW]), was=modes)
def test_an_instance_that_registers_again_is_bound_and_lives_and_keeps_its_prices(
    at: Placement, was: Mode
) -> None:
    pool = POOL_B if was is Mode.SPOT else None
    old = an_instance(
        agent_id=ANOTHER_AGENT,
        instance_type="c5.large",
        region="eu-west-1",
        zone="eu-west-1b",
        ami_id="ami-0",
        mode=was,
        pool_id=pool,
        is_active=False,
        terminated_at=EARLIER,
    )

    unknown = at.mode is Mode.UNKNOWN
    assert old.bind(an_agent(placement=at), NOWADAYS) == replace(
        old,
        agent_id=AgentId("agent-1"),
        instance_type="t3.medium",
        region="us-east-1",
        zone="us-east-1a",
        ami_id="ami-1",
        mode=was if unknown else at.mode,
        pool_id=pool if unknown else at.pool_id,
        is_active=True,
        terminated_at=None,
    )


def test_binding_forgets_nothing_that_the_agent_does_not_know() -> None:
    old = an_instance()

    assert old.bind(an_agent(placement=Placement(), ami_id=None), NOWADAYS) == old


def test_a_closed_instance_is_inactive_from_then_on() -> None:
    assert an_instance().close(NOON) == an_instance(is_active=False, terminated_at=NOON)


@pytest.mark.parametrize(
    ("mode", "pool_id", "expected"),
    [
        (None, POOL_B, (Mode.SPOT, POOL_A)),
        (Mode.UNKNOWN, POOL_B, (Mode.SPOT, POOL_A)),
        (Mode.SPOT, POOL_B, (Mode.SPOT, POOL_B)),
        (Mode.ON_DEMAND, POOL_B, (Mode.ON_DEMAND, None)),
    ],
)
def test_an_instance_learns_its_mode_from_a_price_report(
    mode: Mode | None, pool_id: PoolId | None, expected: tuple[Mode, PoolId | None]
) -> None:
    learned = an_instance(mode=Mode.SPOT, pool_id=POOL_A).learn_mode(mode, pool_id)

    assert (learned.mode, learned.pool_id) == expected


@given(spot=st.one_of(st.none(), prices), on_demand=st.one_of(st.none(), prices))
def test_a_price_that_is_not_reported_stays_and_formerly_was_lost(
    spot: Decimal | None, on_demand: Decimal | None
) -> None:
    old = an_instance()

    assert old.price(spot, on_demand, NOWADAYS) == replace(
        old,
        spot_price=old.spot_price if spot is None else spot,
        on_demand_price=old.on_demand_price if on_demand is None else on_demand,
    )
    assert old.price(spot, on_demand, OVERWRITES) == replace(
        old, spot_price=spot, on_demand_price=on_demand
    )


WAIT, LATE = timedelta(seconds=90), timedelta(minutes=30)
PATIENT = AgentSettings(terminate_wait_seconds=90)
PREDECESSOR, SUCCESSOR = an_instance(id=I_1), an_instance(id=I_2, installed_at=NOON)


def moved(**changes: Any) -> Agent:
    return replace(an_agent(primary_instance_id=I_2, settings=PATIENT), **changes)


@pytest.mark.parametrize(
    ("later", "is_last_word"),
    [
        (timedelta(0), True),
        (timedelta(minutes=5), True),
        (WAIT + LATE, True),
        (WAIT + LATE + timedelta(microseconds=1), False),
        (WAIT + LATE + SECOND, False),
        (timedelta(days=1), False),
    ],
)
def test_soon_after_a_move_a_nameless_farewell_is_the_predecessors(
    later: timedelta, is_last_word: bool
) -> None:
    instances = [PREDECESSOR, SUCCESSOR]

    assert is_last_word_of_a_predecessor(moved(), instances, NOON + later) is is_last_word


def test_without_automatic_termination_nothing_is_waited_for() -> None:
    agent = moved(settings=AgentSettings(auto_terminate_enabled=False))
    instances = [PREDECESSOR, SUCCESSOR]

    assert is_last_word_of_a_predecessor(agent, instances, NOON + LATE)
    assert not is_last_word_of_a_predecessor(agent, instances, NOON + LATE + SECOND)


@pytest.mark.parametrize(
    ("installed_at", "switched_at", "is_last_word"),
    [
        (EARLIER, NOON, True),
        (NOON, EARLIER, True),
        (None, NOON, True),
        (NOON, None, True),
        (EARLIER, EARLIER, False),
        (None, None, False),
    ],
)
def test_a_move_is_dated_by_the_later_of_installation_and_switch(
    installed_at: datetime | None, switched_at: datetime | None, is_last_word: bool
) -> None:
    agent = moved(last_switch_at=switched_at)
    instances = [replace(SUCCESSOR, installed_at=installed_at), PREDECESSOR]

    assert is_last_word_of_a_predecessor(agent, instances, NOON + WAIT) is is_last_word


@pytest.mark.parametrize(
    "instances", [[], [SUCCESSOR], [PREDECESSOR], [PREDECESSOR, an_instance(id="i-0")]]
)
def test_without_a_predecessor_or_a_known_primary_it_is_the_agents_own(
    instances: list[Instance],
) -> None:
    assert not is_last_word_of_a_predecessor(moved(), instances, NOON)


def test_without_a_primary_it_is_the_agents_own() -> None:
    agent = moved(primary_instance_id=None)

    assert not is_last_word_of_a_predecessor(agent, [PREDECESSOR, SUCCESSOR], NOON)
