"""When another instance carries the workload, what was ordered of the former one is settled
(contract/domain.md 4.3.7, ruling R9)."""

import pytest

from spot_optimizer.application.agents.register_agent import RegisterAgent
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.commands.command import Command, CommandStatus, CommandType
from spot_optimizer.domain.identifiers import AgentId, CommandId
from tests.builders import (
    ACME,
    AGENT,
    FIRST,
    FROM_ACME,
    NOON,
    POOL_C,
    SECOND,
    THIRD,
    TODAY,
    a_delivered_command,
    a_legacy_command,
    a_pending_command,
    a_registration,
    an_agent,
    an_instance,
)
from tests.fakes import CountingIdentifiers, FixedClock, InMemoryUnitOfWork

ID = CommandId("command-1")
TAKE_OVER = a_registration(instance_id=SECOND)


def after_take_over(*commands: Command, **agent: object) -> InMemoryUnitOfWork:
    """The second instance has registered."""
    work = InMemoryUnitOfWork(
        agents=[an_agent(**agent)], instances=[an_instance()], commands=commands
    )
    RegisterAgent(work, FixedClock(), CountingIdentifiers(), TODAY)(ACME, TAKE_OVER, FROM_ACME)
    return work


def test_what_was_delivered_has_been_carried_out() -> None:
    work = after_take_over(a_delivered_command())

    assert work.commands.kept[ID] == a_delivered_command(
        status=CommandStatus.COMPLETED,
        success=True,
        message="Executed: registration of i-2",
        executed_at=NOON,
        completed_at=NOON,
    )


def test_an_instance_that_was_to_end_with_it_has_ended() -> None:
    work = after_take_over(a_delivered_command(terminate_wait_seconds=300))

    assert work.instances.kept[FIRST] == an_instance(is_active=False, terminated_at=NOON)


@pytest.mark.parametrize("wait", [0, None])
def test_an_instance_that_was_to_live_on_stays_open(wait: int | None) -> None:
    work = after_take_over(a_delivered_command(terminate_wait_seconds=wait))

    assert work.commands.kept[ID].status is CommandStatus.COMPLETED
    assert work.instances.kept[FIRST] == an_instance()


def test_what_nobody_was_given_is_cancelled() -> None:
    work = after_take_over(a_pending_command())

    assert work.commands.kept[ID] == a_pending_command(
        status=CommandStatus.CANCELLED,
        message="Superseded by registration of i-2",
        completed_at=NOON,
    )
    assert work.instances.kept[FIRST] == an_instance()


@pytest.mark.parametrize("instance_id", [None, SECOND])
def test_what_was_meant_for_no_or_the_new_instance_stays(instance_id: None) -> None:
    command = a_pending_command(instance_id=instance_id)

    assert after_take_over(command).commands.kept[ID] == command


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_what_is_over_stays_over(status: str) -> None:
    command = a_delivered_command(status=CommandStatus(status))

    assert after_take_over(command).commands.kept[ID] == command


def test_a_replica_that_was_to_be_made_is_told_of_and_goes_on() -> None:
    command = a_delivered_command(command_type=CommandType.CREATE_REPLICA)

    assert after_take_over(command).commands.kept[ID] == command


def test_the_commands_of_other_agents_stay() -> None:
    theirs = a_pending_command(id=CommandId("command-2"), agent_id=AgentId("agent-2"))

    work = after_take_over(a_pending_command(), theirs)

    assert work.commands.kept[theirs.id] == theirs


def test_entries_of_the_older_queue_end_as_well() -> None:
    delivered = a_legacy_command(
        id=CommandId("8"), status=CommandStatus.EXECUTING, executed_at=NOON
    )

    work = after_take_over(a_legacy_command(), delivered)

    assert work.commands.open_of([AGENT]) == {}


def test_every_end_is_audited() -> None:
    second = a_pending_command(id=CommandId("command-2"), target_pool_id=POOL_C)

    work = after_take_over(a_delivered_command(), second)

    assert work.audit.actions == ["command_completed", "command_cancelled", "agent_migrated"]


def test_a_revived_agent_leaves_its_former_orders_behind() -> None:
    work = after_take_over(a_pending_command(), status=AgentStatus.DELETED)

    assert work.commands.kept[ID].status is CommandStatus.CANCELLED


def test_the_same_instance_again_settles_nothing() -> None:
    work = InMemoryUnitOfWork(
        agents=[an_agent()], instances=[an_instance()], commands=[a_delivered_command()]
    )

    register = RegisterAgent(work, FixedClock(), CountingIdentifiers(), TODAY)
    register(ACME, a_registration(), FROM_ACME)

    assert work.commands.kept[ID] == a_delivered_command()


def test_only_the_instance_that_was_ordered_to_move_ends() -> None:
    """The order was given to the third, which is the agent's, and still runs."""
    third = an_instance(id=THIRD)
    work = InMemoryUnitOfWork(
        agents=[an_agent()],
        instances=[an_instance(), third],
        commands=[a_delivered_command(instance_id=THIRD)],
    )

    register = RegisterAgent(work, FixedClock(), CountingIdentifiers(), TODAY)
    register(ACME, TAKE_OVER, FROM_ACME)

    assert work.instances.kept[FIRST] == an_instance()
    assert not work.instances.kept[THIRD].is_active
