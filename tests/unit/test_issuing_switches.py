"""A recommendation becomes an order (ruling R5, contract/agents-and-replicas.md A14)."""

from typing import Any

import pytest

from spot_optimizer.application.commands.issue_switch_command import (
    IssuedSwitch,
    IssueSwitchCommand,
)
from spot_optimizer.domain.agents.agent import AgentSettings, AgentStatus
from spot_optimizer.domain.callers import SYSTEM, Caller
from spot_optimizer.domain.commands.command import Command, CommandStatus, CommandType, Target
from spot_optimizer.domain.commands.switch_order import SwitchOrder
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import (
    AgentNotFound,
    DomainError,
    Forbidden,
    Refused,
    ValidationFailed,
)
from spot_optimizer.domain.identifiers import CommandId
from spot_optimizer.domain.values import Mode
from tests.builders import (
    AGENT,
    DAY,
    FROM_ACME,
    FROM_GLOBEX,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    POOL_C,
    TODAY,
    a_delivered_command,
    a_legacy_command,
    a_pending_command,
    a_placement,
    an_agent,
)
from tests.fakes import CountingIdentifiers, FixedClock, InMemoryUnitOfWork

NEW = CommandId("00000000-0000-4000-8000-000000000001")
ID = CommandId("command-1")
TO_B = SwitchOrder(target_mode="spot", target_pool_id=POOL_B)
TO_ON_DEMAND = SwitchOrder(target_mode="ondemand")


def the_work(*commands: Command, **agent: object) -> InMemoryUnitOfWork:
    return InMemoryUnitOfWork(agents=[an_agent(**agent)], commands=commands)


def issue(
    work: InMemoryUnitOfWork, order: SwitchOrder = TO_B, caller: Caller = FROM_ACME
) -> IssuedSwitch:
    return issuing(work)(AGENT, order, caller)


def issuing(work: InMemoryUnitOfWork, compatibility: Compatibility = TODAY) -> IssueSwitchCommand:
    return IssueSwitchCommand(work, FixedClock(), CountingIdentifiers(), compatibility)


class TestNewOrder:
    def test_a_command_is_queued(self) -> None:
        work = the_work()

        issued = issue(work)

        assert issued.command == work.commands.kept[NEW]
        assert issued.command == a_pending_command(id=NEW, created_at=NOON)
        assert issued.target == Target(mode=Mode.SPOT, pool_id=POOL_B)

    def test_on_demand_has_no_pool(self) -> None:
        work = the_work()

        issue(work, SwitchOrder(target_mode="ondemand", target_pool_id=POOL_B))

        command = work.commands.kept[NEW]
        assert (command.target_mode, command.target_pool_id) == ("ondemand", None)

    @pytest.mark.parametrize(
        ("asked", "kept"), [(None, 25), (1, 1), (100, 100), (0, 1), (-5, 1), (101, 100)]
    )
    def test_the_priority_stays_within_its_bounds(self, asked: int | None, kept: int) -> None:
        work = the_work()

        issue(work, SwitchOrder(target_mode="ondemand", priority=asked))

        assert work.commands.kept[NEW].priority == kept

    @pytest.mark.parametrize(
        ("settings", "wait"),
        [
            (AgentSettings(terminate_wait_seconds=90), 90),
            (AgentSettings(terminate_wait_seconds=0), 300),
            (AgentSettings(terminate_wait_seconds=None), 300),
            (AgentSettings(terminate_wait_seconds=90, auto_terminate_enabled=False), 0),
        ],
    )
    def test_the_old_instance_ends_as_the_settings_say(
        self, settings: AgentSettings, wait: int
    ) -> None:
        work = the_work(settings=settings)

        issue(work)

        assert work.commands.kept[NEW].terminate_wait_seconds == wait

    def test_the_client_is_told_and_it_is_audited(self) -> None:
        work = the_work()

        issue(work)

        assert work.notifications.messages == ["Switch command issued to web-1.internal: spot"]
        assert work.audit.actions == ["command_issued"]
        assert work.audit.entries[0].entity_id == NEW
        assert work.events.entries == []

    def test_an_agent_without_a_host_name_goes_by_its_id(self) -> None:
        work = the_work(hostname=None)

        issue(work, TO_ON_DEMAND)

        assert work.notifications.messages == ["Switch command issued to agent-1: ondemand"]


class TestSameOrderAgain:
    @pytest.mark.parametrize("pending", [a_pending_command(), a_delivered_command()])
    def test_it_is_the_same_command_and_nothing_is_written(self, pending: Command) -> None:
        work = the_work(pending)

        assert issue(work).command == pending

        assert work.commands.kept == {ID: pending}
        assert work.notifications.entries == []
        assert work.audit.entries == []

    def test_a_hundred_times_the_same_order_is_one_command(self) -> None:
        work = the_work()
        use_case = issuing(work)

        issued = {use_case(AGENT, TO_B, FROM_ACME).command for _ in range(100)}

        assert issued == set(work.commands.kept.values())
        assert len(issued) == len(work.notifications.entries) == 1

    def test_a_higher_priority_raises_it(self) -> None:
        work = the_work(a_pending_command(trigger="manual_ui", terminate_wait_seconds=7))
        urgent = SwitchOrder(target_mode="spot", target_pool_id=POOL_B, priority=50)

        issued = issue(work, urgent)

        assert issued.command == work.commands.kept[ID] == a_pending_command(priority=50)
        assert work.audit.entries[0].changes == {"priority": (25, 50)}
        assert work.notifications.entries == []

    @pytest.mark.parametrize("priority", [1, 25])
    def test_a_lower_one_does_not(self, priority: int) -> None:
        work = the_work(a_pending_command(trigger="manual_ui"))
        order = SwitchOrder(target_mode="spot", target_pool_id=POOL_B, priority=priority)

        issue(work, order)

        assert work.commands.kept == {ID: a_pending_command(trigger="manual_ui")}

    def test_what_the_agent_has_been_told_already_is_not_changed(self) -> None:
        work = the_work(a_delivered_command())
        urgent = SwitchOrder(target_mode="spot", target_pool_id=POOL_B, priority=50)

        assert issue(work, urgent).command == a_delivered_command()
        assert work.commands.kept == {ID: a_delivered_command()}

    @pytest.mark.parametrize(
        ("expired", "status"),
        [
            (a_pending_command(created_at=NOON - 61 * MINUTE), CommandStatus.CANCELLED),
            (a_delivered_command(executed_at=NOON - 36 * MINUTE), CommandStatus.FAILED),
        ],
    )
    def test_what_nobody_will_carry_out_any_more_cannot_stand_for_it(
        self, expired: Command, status: CommandStatus
    ) -> None:
        work = the_work(expired)

        issued = issue(work)

        assert issued.command == work.commands.kept[NEW]
        assert work.commands.kept[ID].status is status
        assert work.audit.actions == [f"command_{status}", "command_issued"]
        assert work.audit.callers == [SYSTEM, FROM_ACME]

    def test_the_former_server_forgot_nothing(self) -> None:
        old = a_pending_command(created_at=NOON - 30 * DAY)
        work = the_work(old)
        former = Compatibility(commands_never_expire=True)

        assert issuing(work, former)(AGENT, TO_B, FROM_ACME).command == old

    def test_another_type_of_switch_is_the_same_order(self) -> None:
        emergency = a_pending_command(command_type=CommandType.EMERGENCY_SWITCH)

        assert issue(the_work(emergency)).command == emergency

    @pytest.mark.parametrize(
        "other",
        [
            a_pending_command(target_pool_id=POOL_C),
            a_pending_command(target_mode=Mode.ON_DEMAND, target_pool_id=None),
            a_pending_command(command_type=CommandType.CREATE_REPLICA),
            a_pending_command(status=CommandStatus.COMPLETED),
            a_pending_command(status=CommandStatus.CANCELLED),
        ],
    )
    def test_anything_else_is_another(self, other: Command) -> None:
        work = the_work(other)

        issued = issue(work)

        assert issued.command is not None
        assert issued.command.id == NEW

    def test_the_older_queue_takes_no_part(self) -> None:
        """It has no room for what a command of today is, however urgent its entry."""
        legacy = a_legacy_command(priority=100)
        work = the_work(legacy)
        use_case = issuing(work)

        first = use_case(AGENT, TO_B, FROM_ACME).command
        again = use_case(AGENT, TO_B, FROM_ACME).command

        assert first == again
        assert first is not None
        assert not first.is_legacy
        assert work.commands.kept == {legacy.id: legacy, first.id: first}


class TestChecksInOrder:
    """Each agent and order would be refused by all the checks that follow as well."""

    disabled = AgentSettings(enabled=False, auto_switch_enabled=False)
    by_hand = AgentSettings(auto_switch_enabled=False)

    @pytest.mark.parametrize(
        ("agent", "order", "refusal", "message"),
        [
            (
                {"status": AgentStatus.DELETED, "settings": disabled},
                SwitchOrder(),
                AgentNotFound,
                "Agent not found",
            ),
            ({"settings": disabled}, SwitchOrder(), Refused, "Agent is disabled"),
            (
                {"settings": by_hand},
                SwitchOrder(),
                Forbidden,
                "Auto-switch is disabled for this agent",
            ),
            ({}, SwitchOrder(target_mode="x"), ValidationFailed, "Invalid target_mode"),
            (
                {},
                SwitchOrder(target_mode="spot", priority="x"),
                ValidationFailed,
                "target_pool_id required for spot mode",
            ),
            (
                {},
                SwitchOrder(target_mode="ondemand", priority="x"),
                ValidationFailed,
                "Validation failed",
            ),
        ],
    )
    def test_the_first_that_fails_is_told_and_nothing_is_queued(
        self, agent: dict[str, Any], order: SwitchOrder, refusal: type[DomainError], message: str
    ) -> None:
        work = the_work(**agent)

        with pytest.raises(refusal, match=message):
            issue(work, order)

        assert work.commands.kept == {}
        assert work.notifications.entries == []

    @pytest.mark.parametrize(
        ("placement", "order"),
        [
            (a_placement(), SwitchOrder(target_mode="spot", target_pool_id=POOL_A, priority="x")),
            (a_placement(mode=Mode.ON_DEMAND), SwitchOrder(target_mode="ondemand", priority="x")),
        ],
    )
    def test_who_is_there_already_gets_no_command(
        self, placement: object, order: SwitchOrder
    ) -> None:
        work = the_work(placement=placement)

        assert issue(work, order).command is None
        assert work.commands.kept == {}

    def test_the_agent_of_another_client_does_not_exist(self) -> None:
        with pytest.raises(AgentNotFound):
            issue(the_work(), TO_B, FROM_GLOBEX)
