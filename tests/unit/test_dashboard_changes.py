"""A client changes its agents at a dashboard (contract/clients-and-notifications.md 5)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from spot_optimizer.application.agents.configure_agent import ConfigureAgent
from spot_optimizer.application.agents.delete_agent import DeleteAgent
from spot_optimizer.application.agents.toggle_agent import ToggleAgent
from spot_optimizer.domain.agents.agent import AgentSettings, AgentStatus
from spot_optimizer.domain.agents.settings_change import LimitsChange, SettingsChange
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import CommandStatus
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.errors import AgentNotFound, ValidationFailed
from spot_optimizer.domain.identifiers import AgentId, CommandId, LogicalAgentId, ReplicaId
from tests.builders import (
    AGENT,
    FIRST,
    FROM_ACME,
    FROM_GLOBEX,
    GLOBEX,
    NOON,
    OPERATOR,
    TODAY,
    a_client,
    a_delivered_command,
    a_legacy_command,
    a_pending_command,
    a_standby,
    an_agent,
    an_instance,
)
from tests.fakes import FixedClock, InMemoryUnitOfWork
from tests.fakes.replicas import replica_of

IN_MANUAL_MODE = AgentSettings(
    auto_switch_enabled=False, manual_replica_enabled=True, replica_count=3
)
EMERGENCY = a_standby(replica_id=ReplicaId("emergency"), replica_type="automatic-termination")
DELETED = an_agent(status=AgentStatus.DELETED)


def a_world(**parts: Any) -> InMemoryUnitOfWork:
    world: dict[str, Any] = {"clients": [a_client()], "agents": [an_agent()], **parts}
    return InMemoryUnitOfWork(**world)


def refuse() -> Any:
    raise ValidationFailed("Validation failed")


def configure(work: InMemoryUnitOfWork, caller: Caller = FROM_ACME, **wanted: Any) -> AgentSettings:
    return ConfigureAgent(work, FixedClock(), TODAY)(
        AGENT, lambda: SettingsChange(**wanted), caller
    )


def toggle(
    work: InMemoryUnitOfWork,
    wanted: bool | None,
    caller: Caller = FROM_ACME,
    compatibility: Compatibility = TODAY,
) -> None:
    ToggleAgent(work, FixedClock(), compatibility)(AGENT, lambda: wanted, caller)


def delete(work: InMemoryUnitOfWork, caller: Caller = FROM_ACME) -> None:
    DeleteAgent(work, FixedClock(), TODAY)(AGENT, caller)


ACTIONS: list[Callable[[InMemoryUnitOfWork, Caller], object]] = [
    lambda work, caller: toggle(work, False, caller),
    lambda work, caller: configure(work, caller, auto_switch_enabled=False),
]


@pytest.mark.parametrize("act", ACTIONS)
@pytest.mark.parametrize("agents", [[], [DELETED], [an_agent(client_id=GLOBEX)]])
def test_an_agent_that_is_not_there_for_the_client_stays_as_it_is(
    act: Callable[[InMemoryUnitOfWork, Caller], object], agents: list[Any]
) -> None:
    work = a_world(agents=agents)

    with pytest.raises(AgentNotFound):
        act(work, FROM_ACME)

    assert (work.commits, list(work.agents.kept.values())) == (0, agents)


@pytest.mark.parametrize("act", ACTIONS)
def test_the_operator_may_do_it_for_any_client(
    act: Callable[[InMemoryUnitOfWork, Caller], object],
) -> None:
    work = a_world(agents=[an_agent(client_id=GLOBEX)])

    act(work, OPERATOR)

    assert (work.commits, work.audit.callers) == (1, [OPERATOR])


@pytest.mark.parametrize("use_case", [ToggleAgent, ConfigureAgent])
def test_what_is_wrong_with_the_fields_is_told_only_about_ones_own_agent(use_case: Any) -> None:
    work = a_world()
    act = use_case(work, FixedClock(), TODAY)

    with pytest.raises(ValidationFailed):
        act(AGENT, refuse, FROM_ACME)
    with pytest.raises(AgentNotFound):
        act(AGENT, refuse, FROM_GLOBEX)

    assert work.commits == 0


class TestToggling:
    @pytest.mark.parametrize(
        ("wanted", "word"), [(True, "enabled"), (None, "enabled"), (False, "disabled")]
    )
    def test_sets_and_tells_what_is_stored(self, wanted: bool | None, word: str) -> None:
        work = a_world(agents=[an_agent(settings=AgentSettings(enabled=wanted is False))])

        toggle(work, wanted)

        assert work.agents.kept[AGENT].settings.enabled is (wanted is not False)
        (event,) = work.events.entries
        assert (event.event_type, event.agent_id, event.client_id) == ("agent_toggled", AGENT, None)
        assert event.message == f"Agent {AGENT} {word}"
        assert work.audit.entries[0].changes == {"enabled": (wanted is False, wanted is not False)}
        assert work.notifications.entries == []

    def test_twice_is_told_twice_and_audited_once(self) -> None:
        work = a_world()

        toggle(work, False)
        toggle(work, False)

        assert (len(work.events.entries), len(work.audit.entries)) == (2, 1)

    def test_without_a_word_was_told_as_disabled_by_the_former_server(self) -> None:
        work = a_world()

        toggle(work, None, compatibility=Compatibility(unsaid_toggle_reads_disabled=True))

        assert work.agents.kept[AGENT].settings.enabled
        assert work.events.entries[0].message == f"Agent {AGENT} disabled"


class TestConfiguring:
    def test_tells_what_is_stored(self) -> None:
        work = a_world(agents=[an_agent(settings=IN_MANUAL_MODE)])

        stored = configure(work, auto_switch_enabled=True, terminate_wait_seconds=60)

        assert stored == work.agents.kept[AGENT].settings
        assert (stored.auto_switch_enabled, stored.manual_replica_enabled) == (True, False)
        assert (work.events.entries, work.notifications.entries) == ([], [])
        (entry,) = work.audit.entries
        assert entry.changes["terminate_wait_seconds"] == (300, 60)
        assert entry.changes["auto_switch_enabled"] == (False, True)

    def test_nothing_writes_nothing(self) -> None:
        work = a_world()

        assert configure(work) == an_agent().settings
        assert work.commits == 0

    def test_what_is_so_already_leaves_no_trace(self) -> None:
        work = a_world()

        configure(work, auto_switch_enabled=True)

        assert work.audit.entries == []

    def test_ends_the_manual_replicas_when_auto_switch_takes_over(self) -> None:
        agent = an_agent(settings=IN_MANUAL_MODE, current_replica_id=ReplicaId("replica-1"))
        work = a_world(agents=[agent], replicas=[replica_of(a_standby()), replica_of(EMERGENCY)])

        stored = configure(work, auto_switch_enabled=True)

        assert {one.id: one.status for one in work.replicas.kept.values()} == {
            "replica-1": "terminated",
            "emergency": "launching",
        }
        assert stored.replica_count == 1
        assert work.agents.kept[AGENT].current_replica_id == "emergency"
        ended, configured = work.audit.entries
        assert (ended.entity_type, ended.entity_id) == ("replica", "replica-1")
        assert configured.details == {"terminated_replicas": ["replica-1"]}

    def test_keeps_the_current_replica_that_lives_on(self) -> None:
        agent = an_agent(settings=IN_MANUAL_MODE, current_replica_id=ReplicaId("emergency"))
        work = a_world(agents=[agent], replicas=[replica_of(a_standby()), replica_of(EMERGENCY)])

        configure(work, auto_switch_enabled=True)

        assert work.agents.kept[AGENT].current_replica_id == "emergency"

    def test_ends_all_replicas_when_manual_mode_is_turned_off(self) -> None:
        promoted = a_standby(replica_id=ReplicaId("promoted"), status="promoted")
        failed = a_standby(replica_id=ReplicaId("failed"), status="failed")
        work = a_world(
            agents=[an_agent(settings=IN_MANUAL_MODE)],
            replicas=[
                replica_of(a_standby()),
                replica_of(EMERGENCY),
                replica_of(promoted),
                replica_of(failed),
            ],
        )

        stored = configure(work, manual_replica_enabled=False)

        statuses = {one.id: one.status for one in work.replicas.kept.values()}
        assert statuses == {
            "replica-1": "terminated",
            "emergency": "terminated",
            "failed": "terminated",
            "promoted": "promoted",
        }
        assert stored.replica_count == 0

    def test_spares_an_emergency_replica_when_manual_mode_was_off_already(self) -> None:
        work = a_world(replicas=[replica_of(EMERGENCY)])

        configure(work, manual_replica_enabled=False, auto_switch_enabled=True)

        assert work.replicas.kept[EMERGENCY.replica_id] == replica_of(EMERGENCY)

    def test_changes_limits(self) -> None:
        work = a_world()

        configure(work, limits=LimitsChange(max_switches_per_week=4))
        configure(work, limits=LimitsChange(max_switches_per_week=4))

        assert work.agents.limits[AGENT] == SwitchLimits(max_switches_per_week=4)
        (entry,) = work.audit.entries
        assert (entry.action, entry.changes) == (
            "agent_limits_changed",
            {"max_switches_per_week": (10, 4)},
        )

    def test_is_tried_again_when_somebody_comes_in_between(self) -> None:
        work = a_world(losses=2)

        configure(work, auto_switch_enabled=False)

        assert not work.agents.kept[AGENT].settings.auto_switch_enabled
        assert work.commits == 1


class TestDeleting:
    def test_leaves_history_and_traces(self) -> None:
        agent = an_agent(settings=IN_MANUAL_MODE, current_replica_id=ReplicaId("replica-1"))
        work = a_world(
            agents=[agent], instances=[an_instance()], replicas=[replica_of(a_standby())]
        )

        delete(work)

        deleted = work.agents.kept[AGENT]
        assert deleted.status is AgentStatus.DELETED
        assert deleted.settings == replace(
            IN_MANUAL_MODE, enabled=False, manual_replica_enabled=False, replica_count=0
        )
        assert (deleted.current_replica_id, deleted.primary_instance_id) == (None, FIRST)
        assert deleted.terminated_at is None
        assert work.instances.kept[FIRST] == an_instance().close(NOON)
        assert work.replicas.kept[ReplicaId("replica-1")].status == "terminated"
        (event,) = work.events.entries
        assert (event.event_type, event.agent_id) == ("agent_deleted", None)
        assert work.notifications.messages == [f"Agent {AGENT} has been deleted"]
        (of_agent,) = [one for one in work.audit.entries if one.action == "agent_deleted"]
        assert of_agent.changes["status"] == (AgentStatus.ONLINE, AgentStatus.DELETED)

    def test_again_leaves_the_same_traces_and_touches_no_instance(self) -> None:
        work = a_world(instances=[an_instance()])
        clock = FixedClock()
        act = DeleteAgent(work, clock, TODAY)

        act(AGENT, FROM_ACME)
        clock.advance(NOON - NOON.replace(hour=1))
        act(AGENT, FROM_ACME)

        assert work.events.types == ["agent_deleted"] * 2
        assert len(work.notifications.entries) == 2
        assert work.instances.kept[FIRST].terminated_at == NOON

    def test_leaves_the_instance_of_another_workload_alone(self) -> None:
        successor = an_agent(id=AgentId("agent-2"), logical_agent_id=LogicalAgentId("web-2"))
        work = a_world(agents=[an_agent(), successor], instances=[an_instance()])

        delete(work)

        assert work.instances.kept[FIRST].is_active

    def test_leaves_the_instance_of_another_client_alone(self) -> None:
        work = a_world(instances=[an_instance(client_id=GLOBEX)])

        delete(work)

        assert work.instances.kept[FIRST].is_active

    def test_withdraws_what_nobody_has_been_told_yet(self) -> None:
        told = a_delivered_command(id=CommandId("told"))
        work = a_world(commands=[a_pending_command(), a_legacy_command(), told])

        delete(work)

        cancelled = work.commands.kept[CommandId("command-1")]
        assert (cancelled.status, cancelled.completed_at) == (CommandStatus.CANCELLED, NOON)
        assert not work.commands.kept[CommandId("7")].is_open
        assert work.commands.kept[told.id] == told

    def test_is_refused_to_another_client(self) -> None:
        work = a_world()

        with pytest.raises(AgentNotFound):
            delete(work, FROM_GLOBEX)

        assert work.commits == 0
