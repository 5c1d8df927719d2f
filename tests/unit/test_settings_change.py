"""Auto-switch and manual replicas are never both on, and which replicas end (clients 5.5)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.agents.agent import AgentSettings
from spot_optimizer.domain.agents.settings_change import LimitsChange, SettingsChange
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.identifiers import ReplicaId
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import ReplicaType
from tests.builders import TODAY, a_replica

SAID = st.sampled_from([None, True, False])
MANUAL = a_replica(id=ReplicaId("manual"))
EMERGENCY = a_replica(id=ReplicaId("emergency"), replica_type=ReplicaType.AUTOMATIC_REBALANCE)
FAILED = a_replica(id=ReplicaId("failed"), status=ReplicaStatus.FAILED)
PROMOTED = a_replica(id=ReplicaId("promoted"), status=ReplicaStatus.PROMOTED)
REPLICAS = [MANUAL, EMERGENCY, FAILED]

# Requested manual and auto, then stored auto and manual; None is unchanged.
TABLE = [
    (True, None, False, True),
    (True, True, False, True),
    (True, False, False, True),
    (False, True, True, False),
    (False, False, False, False),
    (False, None, None, False),
    (None, True, True, False),
    (None, False, False, None),
    (None, None, None, None),
]


@pytest.mark.parametrize(("manual", "auto", "stored_auto", "stored_manual"), TABLE)
@pytest.mark.parametrize(("was_auto", "was_manual"), [(True, False), (False, True), (False, False)])
def test_the_table(
    manual: bool | None,
    auto: bool | None,
    stored_auto: bool | None,
    stored_manual: bool | None,
    was_auto: bool,
    was_manual: bool,
) -> None:
    before = AgentSettings(auto_switch_enabled=was_auto, manual_replica_enabled=was_manual)
    change = SettingsChange(auto_switch_enabled=auto, manual_replica_enabled=manual)

    after = change.applied_to(before)

    assert after.auto_switch_enabled == (was_auto if stored_auto is None else stored_auto)
    assert after.manual_replica_enabled == (was_manual if stored_manual is None else stored_manual)


@given(wishes=st.lists(st.tuples(SAID, SAID), max_size=8))
def test_never_both_whatever_is_asked_one_after_the_other(
    wishes: list[tuple[bool | None, bool | None]],
) -> None:
    settings = AgentSettings()
    for auto, manual in wishes:
        change = SettingsChange(auto_switch_enabled=auto, manual_replica_enabled=manual)
        settings = change.applied_to(settings)
        assert not (settings.auto_switch_enabled and settings.manual_replica_enabled)


@given(auto=SAID, manual=SAID, was_manual=st.booleans())
def test_replicas_end_only_when_manual_mode_goes_off(
    auto: bool | None, manual: bool | None, was_manual: bool
) -> None:
    before = AgentSettings(auto_switch_enabled=False, manual_replica_enabled=was_manual)
    change = SettingsChange(auto_switch_enabled=auto, manual_replica_enabled=manual)

    ended = change.ends([*REPLICAS, PROMOTED], before, TODAY)

    if was_manual and manual is False:
        assert ended == REPLICAS
    elif was_manual and manual is None and auto:
        assert ended == [MANUAL, FAILED]
    else:
        assert ended == []


@pytest.mark.parametrize(("count", "ended"), [(0, []), (1, REPLICAS)])
def test_the_former_server_looked_at_its_counter(count: int, ended: list[object]) -> None:
    before = AgentSettings(
        auto_switch_enabled=False, manual_replica_enabled=True, replica_count=count
    )
    change = SettingsChange(manual_replica_enabled=False)

    assert (
        change.ends([*REPLICAS, PROMOTED], before, Compatibility(only_counted_replicas_end=True))
        == ended
    )
    assert change.ends([*REPLICAS, PROMOTED], before, TODAY) == REPLICAS


def test_what_is_not_said_stays() -> None:
    before = AgentSettings(
        auto_terminate_enabled=False, terminate_wait_seconds=7, replica_enabled=True
    )

    assert SettingsChange().applied_to(before) == before
    assert SettingsChange().says_nothing
    assert SettingsChange(terminate_wait_seconds=0).applied_to(before) == replace(
        before, terminate_wait_seconds=0
    )
    assert not SettingsChange(auto_switch_enabled=False).says_nothing
    assert not SettingsChange(limits=LimitsChange(risk_threshold=Decimal(0))).says_nothing


def test_limits_change_one_by_one() -> None:
    change = LimitsChange(risk_threshold=Decimal("0.00"), max_switches_per_week=1)

    assert change.applied_to(SwitchLimits()) == SwitchLimits(
        risk_threshold=Decimal("0.00"), max_switches_per_week=1
    )
