"""May this switch be ordered? The checks stand in the order that callers know."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.agents.agent import AgentSettings
from spot_optimizer.domain.commands.command import Target
from spot_optimizer.domain.commands.switch_order import SwitchOrder, admit
from spot_optimizer.domain.errors import Forbidden, Refused, ValidationFailed
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.values import Mode
from tests.unit.domain_examples import POOL_B, an_agent

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)
orders = st.builds(
    SwitchOrder,
    target_mode=st.one_of(anything, st.sampled_from(["spot", "ondemand", "unknown", "pool"])),
    target_pool_id=anything,
    priority=anything,
)


@given(orders)
def test_a_disabled_agent_is_refused_before_anything_is_read(order: SwitchOrder) -> None:
    off = AgentSettings(enabled=False, auto_switch_enabled=False)

    with pytest.raises(Refused) as refusal:
        admit(an_agent(settings=off), order)

    assert str(refusal.value) == "Agent is disabled"
    assert refusal.value.details == {"hint": "Enable the agent first"}


@given(orders)
def test_an_agent_without_automatic_switching_is_left_alone(order: SwitchOrder) -> None:
    with pytest.raises(Forbidden) as refusal:
        admit(an_agent(settings=AgentSettings(auto_switch_enabled=False)), order)

    assert str(refusal.value) == "Auto-switch is disabled for this agent"
    assert refusal.value.details == {
        "hint": "Enable auto_switch_enabled in agent settings, or use manual switch from UI",
        "auto_switch_enabled": False,
    }


@given(orders)
def test_every_order_leads_somewhere_or_is_refused(order: SwitchOrder) -> None:
    try:
        target = admit(an_agent(), order)
    except ValidationFailed:
        return

    assert target.mode == order.target_mode
    assert (target.pool_id is not None) == (target.mode is Mode.SPOT)
    assert target.pool_id != ""


@pytest.mark.parametrize("pool_id", [None, "", POOL_B, 7, []])
def test_on_demand_has_no_pool_whatever_is_asked(pool_id: object) -> None:
    order = SwitchOrder(target_mode="ondemand", target_pool_id=pool_id)

    assert admit(an_agent(), order) == Target(mode=Mode.ON_DEMAND, pool_id=None)


@pytest.mark.parametrize("mode", [None, "", "pool", "unknown", "SPOT", "spot ", 1, True, [], {}])
def test_only_spot_and_on_demand_can_be_ordered(mode: object) -> None:
    with pytest.raises(ValidationFailed, match=r"^Invalid target_mode$"):
        admit(an_agent(), SwitchOrder(target_mode=mode, target_pool_id=POOL_B))


@pytest.mark.parametrize("nothing", [None, ""])
def test_spot_needs_a_pool(nothing: object) -> None:
    with pytest.raises(ValidationFailed, match=r"^target_pool_id required for spot mode$"):
        admit(an_agent(), SwitchOrder(target_mode="spot", target_pool_id=nothing))


@pytest.mark.parametrize(
    ("told", "pool_id"),
    [(POOL_B, POOL_B), (17, "17"), (Decimal("1.5"), "1.5"), (0, "0"), ("p" * 100, "p" * 100)],
)
def test_a_pool_is_text_or_a_number_taken_as_text(told: object, pool_id: str) -> None:
    order = SwitchOrder(target_mode="spot", target_pool_id=told)

    assert admit(an_agent(), order) == Target(mode=Mode.SPOT, pool_id=PoolId(pool_id))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (True, "Not a valid string."),
        (False, "Not a valid string."),
        ([POOL_B], "Not a valid string."),
        ({}, "Not a valid string."),
        ("p" * 101, "Longer than maximum length 100."),
    ],
)
def test_anything_else_is_no_pool(told: object, message: str) -> None:
    with pytest.raises(ValidationFailed, match=r"^Validation failed$") as refusal:
        admit(an_agent(), SwitchOrder(target_mode="spot", target_pool_id=told))

    assert refusal.value.details == {"details": {"target_pool_id": [message]}}


@pytest.mark.parametrize(("told", "priority"), [(None, 25), (0, 0), (75, 75), (-5, -5), (999, 999)])
def test_without_a_wish_an_order_has_the_normal_priority(told: object, priority: int) -> None:
    assert SwitchOrder(priority=told).checked_priority == priority


@pytest.mark.parametrize("told", [True, False, "50", 50.0, [], {}])
def test_only_an_integer_is_a_priority(told: object) -> None:
    with pytest.raises(ValidationFailed, match=r"^Validation failed$") as refusal:
        _ = SwitchOrder(priority=told).checked_priority

    assert refusal.value.details == {"details": {"priority": ["Not a valid integer."]}}


@given(anything)
def test_the_priority_is_looked_at_after_the_target(priority: object) -> None:
    order = SwitchOrder(target_mode="ondemand", priority=priority)

    assert admit(an_agent(), order).mode is Mode.ON_DEMAND
