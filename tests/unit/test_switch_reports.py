"""A move, as the agent reports it when it is done."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.agents.agent import AgentStatus, Placement
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId
from spot_optimizer.domain.switching import (
    ReportedInstance,
    SwitchPrices,
    SwitchReport,
    SwitchTiming,
    mode_of,
)
from spot_optimizer.domain.values import Mode
from tests.unit.domain_examples import (
    EARLIER,
    FORMERLY,
    NOON,
    NOT_KNOWN_HOW,
    NOWADAYS,
    ON_DEMAND,
    ON_SPOT,
    POOL_A,
    POOL_B,
    a_switch,
    a_switch_report,
    an_agent,
    an_instance,
    prices,
)

I_1, I_2 = InstanceId("i-1"), InstanceId("i-2")
TOUCHES_LITTLE = Compatibility(switch_report_touches_little=True)
ALWAYS_MOVES = Compatibility(registration_always_moves_primary=True)
LAUNCHED = NOON - timedelta(minutes=5)

BASELINE = Decimal("0.05")
NOTHING_SAID = ReportedInstance(instance_id=I_2)


def costs(on_demand: str | None, old_spot: str | None, new_spot: str | None) -> SwitchPrices:
    def usd(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return SwitchPrices(on_demand=usd(on_demand), old_spot=usd(old_spot), new_spot=usd(new_spot))


@pytest.mark.parametrize(
    ("told", "saved"),
    [
        (costs("0.0416", "0.02", "0.0125"), "0.007500"),
        (costs("0.0416", "0.0450", "0.0125"), "0.032500"),
        (costs("0.0416", None, "0.0125"), "0.029100"),
        (costs("0.0416", "0.0125", None), "-0.029100"),
        (costs("0.0416", "0", "0.0125"), "0.029100"),
        (costs("0.0416", "0.0125", "0"), "-0.029100"),
        (costs(None, "0.02", None), "0.020000"),
        (costs(None, None, "0.02"), "-0.020000"),
        (costs("0.0416", None, None), "0.000000"),
        (costs(None, None, None), "0.000000"),
    ],
)
def test_a_side_without_a_spot_price_pays_on_demand(told: SwitchPrices, saved: str) -> None:
    impact = a_switch_report(prices=told).savings_impact

    assert str(impact) == saved


@given(on_demand=prices, old=prices, new=prices)
def test_what_a_switch_saves_is_the_old_price_less_the_new(
    on_demand: Decimal, old: Decimal, new: Decimal
) -> None:
    told = SwitchPrices(on_demand=on_demand, old_spot=old, new_spot=new)

    assert a_switch_report(prices=told).savings_impact == old - new


PRESENT, FORMER = InstanceId("i-8"), InstanceId("i-0")


@pytest.mark.parametrize("old", [None, PRESENT, FORMER])
@pytest.mark.parametrize("new", [PRESENT, I_2])
@pytest.mark.parametrize("primary", [None, PRESENT])
@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize("always", [True, False])
def test_a_late_report_does_not_pull_the_workload_from_a_living_primary(
    old: InstanceId | None, new: InstanceId, primary: InstanceId | None, alive: bool, always: bool
) -> None:
    status = AgentStatus.ONLINE if alive else AgentStatus.OFFLINE
    agent = an_agent(primary_instance_id=primary, status=status)
    report = a_switch_report(old=ReportedInstance(instance_id=old), new_instance_id=new)
    policy = ALWAYS_MOVES if always else NOWADAYS

    late = primary == PRESENT and alive and old == FORMER and new != PRESENT
    assert report.moves_primary(agent, NOON, policy) is (always or not late)


@pytest.mark.parametrize(
    ("new", "placement"),
    [
        (a_switch_report().new, replace(ON_SPOT, zone="us-east-1b", pool_id=POOL_B)),
        (NOTHING_SAID, ON_SPOT),
        (
            ReportedInstance(mode="spot", zone="us-east-1b"),
            replace(ON_SPOT, zone="us-east-1b", pool_id=POOL_B),
        ),
        (ReportedInstance(mode="spot", pool_id=POOL_B), replace(ON_SPOT, pool_id=POOL_B)),
        (ReportedInstance(mode="ondemand", pool_id=POOL_B), ON_DEMAND),
        (
            ReportedInstance(mode="ondemand", instance_type="c5.large", region="eu-west-1"),
            replace(ON_DEMAND, instance_type="c5.large", region="eu-west-1"),
        ),
        (ReportedInstance(mode="reserved"), ON_SPOT),
    ],
)
def test_the_agent_is_where_the_report_says_and_else_where_it_was(
    new: ReportedInstance, placement: Placement
) -> None:
    assert a_switch_report(new=new).new_placement(an_agent(), NOWADAYS) == placement


def test_formerly_a_report_told_the_agent_only_mode_and_pool() -> None:
    new = replace(a_switch_report().new, instance_type="c5.large", region="eu-west-1")

    placement = a_switch_report(new=new).new_placement(an_agent(), TOUCHES_LITTLE)

    assert placement == replace(ON_SPOT, pool_id=POOL_B)


@given(
    before=st.sampled_from([ON_SPOT, ON_DEMAND, NOT_KNOWN_HOW]),
    mode=st.sampled_from([None, "spot", "ondemand", "unknown", "x"]),
    pool_id=st.sampled_from([None, POOL_B]),
)
def test_the_new_place_has_a_pool_exactly_on_spot(
    before: Placement, mode: str | None, pool_id: PoolId | None
) -> None:
    report = a_switch_report(new=ReportedInstance(mode=mode, pool_id=pool_id))

    for policy in (NOWADAYS, FORMERLY):
        placed = report.new_placement(an_agent(placement=before), policy)
        assert placed.mode == (mode if mode in ("spot", "ondemand") else before.mode)
        assert (placed.pool_id is not None) == (placed.mode is Mode.SPOT)


def recorded(
    report: SwitchReport,
    known: Instance | None = None,
    policy: Compatibility = NOWADAYS,
    baseline: Decimal | None = BASELINE,
) -> Instance:
    return report.new_instance(an_agent(), known, baseline, NOON, policy)


FIRST_RECORD = Instance(
    id=I_2,
    client_id=an_agent().client_id,
    agent_id=an_agent().id,
    instance_type="t3.medium",
    region="us-east-1",
    zone="us-east-1b",
    ami_id="ami-2",
    mode=Mode.SPOT,
    pool_id=POOL_B,
    spot_price=Decimal("0.0125"),
    on_demand_price=Decimal("0.0416"),
    baseline_on_demand_price=Decimal("0.0416"),
    installed_at=LAUNCHED,
    last_switch_at=LAUNCHED,
)


def test_a_new_instance_is_recorded_as_reported() -> None:
    assert recorded(a_switch_report()) == FIRST_RECORD


@pytest.mark.parametrize("known", [None, an_instance(id=I_2, agent_id=None)])
def test_the_place_that_is_reported_counts_for_a_first_record_and_a_known_one(
    known: Instance | None,
) -> None:
    new = replace(a_switch_report().new, instance_type="c5.large", region="eu-west-1", zone="z")

    became = recorded(a_switch_report(new=new), known)

    assert (became.instance_type, became.region, became.zone) == ("c5.large", "eu-west-1", "z")
    assert (became.agent_id, became.ami_id) == ("agent-1", "ami-2")


def test_a_first_record_is_completed_from_the_agent_the_clock_and_the_old_instance() -> None:
    bare = a_switch_report(new=NOTHING_SAID, prices=costs(None, None, None), timing=SwitchTiming())

    assert recorded(bare) == replace(
        FIRST_RECORD,
        zone="us-east-1a",
        ami_id=None,
        mode=Mode.UNKNOWN,
        pool_id=None,
        spot_price=Decimal(0),
        on_demand_price=None,
        baseline_on_demand_price=BASELINE,
        installed_at=NOON,
        last_switch_at=NOON,
    )


KNOWN = an_instance(
    id=I_2,
    agent_id=AgentId("agent-2"),
    baseline_on_demand_price=Decimal("0.09"),
    is_active=False,
    terminated_at=EARLIER,
)


def test_a_known_instance_is_bound_revived_and_brought_up_to_date() -> None:
    assert recorded(a_switch_report(), KNOWN) == replace(
        FIRST_RECORD, baseline_on_demand_price=Decimal("0.09"), installed_at=EARLIER
    )


@pytest.mark.parametrize(
    ("had", "told", "baseline", "expected"),
    [
        ("0.09", "0.0416", "0.05", "0.09"),
        (None, "0.0416", "0.05", "0.0416"),
        (None, None, "0.05", "0.05"),
        ("0.09", None, None, "0.09"),
        (None, None, None, None),
    ],
)
def test_savings_go_on_being_measured_against_the_same_baseline(
    had: str | None, told: str | None, baseline: str | None, expected: str | None
) -> None:
    known = replace(KNOWN, baseline_on_demand_price=Decimal(had) if had else None)
    report = a_switch_report(prices=costs(told, None, None))

    became = recorded(report, known, baseline=Decimal(baseline) if baseline else None)

    assert became.baseline_on_demand_price == (expected and Decimal(expected))


def test_what_a_report_leaves_out_a_known_instance_keeps() -> None:
    bare = a_switch_report(new=NOTHING_SAID, prices=costs(None, None, "0.01"))

    became = recorded(bare, KNOWN)
    nowhere = bare.new_instance(an_agent(placement=Placement()), KNOWN, None, NOON, NOWADAYS)

    assert (nowhere.instance_type, nowhere.region) == ("t3.medium", "us-east-1")
    assert nowhere.zone == "us-east-1a"
    assert (became.mode, became.pool_id, became.ami_id) == (Mode.SPOT, POOL_A, "ami-1")
    assert (became.on_demand_price, became.spot_price) == (Decimal("0.0416"), Decimal("0.01"))


def test_formerly_a_report_neither_linked_nor_revived_a_known_instance() -> None:
    became = recorded(a_switch_report(), KNOWN, TOUCHES_LITTLE)

    assert became == replace(
        KNOWN,
        mode=Mode.SPOT,
        pool_id=POOL_B,
        spot_price=Decimal("0.0125"),
        on_demand_price=Decimal("0.0416"),
        is_active=True,
        last_switch_at=LAUNCHED,
    )


def test_formerly_a_first_record_had_no_baseline() -> None:
    became = recorded(a_switch_report(), policy=TOUCHES_LITTLE)

    assert became == replace(FIRST_RECORD, baseline_on_demand_price=None)


@pytest.mark.parametrize(
    ("launched", "policy", "dated"),
    [
        (LAUNCHED, NOWADAYS, LAUNCHED),
        (None, NOWADAYS, NOON),
        (LAUNCHED, Compatibility(former_switch_report_names=True), LAUNCHED),
        (None, Compatibility(former_switch_report_names=True), None),
    ],
)
def test_a_launch_that_is_not_dated_was_just_now_and_formerly_never(
    launched: datetime | None, policy: Compatibility, dated: datetime | None
) -> None:
    report = a_switch_report(timing=SwitchTiming(instance_launched_at=launched))

    became = recorded(report, policy=policy)

    assert (became.installed_at, became.last_switch_at) == (dated, dated)


@pytest.mark.parametrize("mode", ["ondemand", "unknown", None])
def test_only_a_spot_instance_is_recorded_in_a_pool(mode: str | None) -> None:
    new = ReportedInstance(instance_id=I_2, mode=mode, pool_id=POOL_B)

    assert recorded(a_switch_report(new=new)).pool_id is None


def test_a_spot_instance_without_a_pool_is_in_that_of_its_type_and_zone() -> None:
    new = ReportedInstance(instance_id=I_2, mode="spot", zone="us-east-1b")

    assert recorded(a_switch_report(new=new)).pool_id == POOL_B


@given(st.one_of(st.none(), st.text(max_size=60)))
def test_a_trigger_is_cut_to_what_the_column_holds(trigger: str | None) -> None:
    switch = a_switch(trigger=trigger)

    assert switch.trigger == (None if trigger is None else trigger[:20])


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("spot", Mode.SPOT),
        ("ondemand", Mode.ON_DEMAND),
        ("unknown", Mode.UNKNOWN),
        ("on-demand", Mode.UNKNOWN),
        ("", Mode.UNKNOWN),
        (None, Mode.UNKNOWN),
    ],
)
def test_a_mode_that_is_none_of_ours_is_unknown(text: str | None, mode: Mode) -> None:
    assert mode_of(text) is mode
