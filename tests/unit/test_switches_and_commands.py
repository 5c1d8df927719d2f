"""What a reported switch means for the commands of its agent (contract/domain.md 4.3.7)."""

from spot_optimizer.application.switching.record_switch import RecordSwitch
from spot_optimizer.domain.commands.command import Command, CommandStatus
from spot_optimizer.domain.identifiers import AgentId, CommandId
from spot_optimizer.domain.switching import SwitchReport
from tests.builders import (
    AGENT,
    FROM_ACME,
    NOON,
    POOL_C,
    THIRD,
    TODAY,
    a_client,
    a_delivered_command,
    a_legacy_command,
    a_pending_command,
    a_switch_report,
    an_agent,
    an_instance,
)
from tests.fakes import CountingIdentifiers, FixedClock, InMemoryUnitOfWork

ID = CommandId("command-1")


def known(*commands: Command, **agent: object) -> InMemoryUnitOfWork:
    """Acme's agent on `i-1`."""
    return InMemoryUnitOfWork(
        clients=[a_client()],
        agents=[an_agent(**agent)],
        instances=[an_instance()],
        commands=commands,
    )


def tell(work: InMemoryUnitOfWork, report: SwitchReport | None = None) -> InMemoryUnitOfWork:
    record = RecordSwitch(work, FixedClock(), CountingIdentifiers(), TODAY)
    record(AGENT, report or a_switch_report(), FROM_ACME)
    return work


def test_the_command_that_is_named_is_done() -> None:
    work = tell(known(a_pending_command()), a_switch_report(command_id=ID))

    done = work.commands.kept[ID]
    assert (done.status, done.success) == (CommandStatus.COMPLETED, True)
    assert work.switches.kept[0].command_id == ID


def test_a_command_that_is_not_named_is_found_by_the_instance_it_was_given_to() -> None:
    work = tell(known(a_delivered_command()))

    assert work.commands.kept[ID].status is CommandStatus.COMPLETED
    assert work.commands.kept[ID].message == "Switch reported"
    assert work.switches.kept[0].command_id == ID


def test_one_that_its_successor_has_closed_before_is_still_found() -> None:
    closed = a_delivered_command().report(True, "Executed", NOON, TODAY)

    work = tell(known(closed))

    assert work.switches.kept[0].command_id == ID
    assert work.commands.kept[ID] == closed


def test_what_nobody_was_given_is_not_what_was_done() -> None:
    work = tell(known(a_pending_command()))

    assert work.switches.kept[0].command_id is None
    assert work.commands.kept[ID] == a_pending_command().cancel("Superseded by switch to i-2", NOON)


def test_the_command_of_another_agent_is_not_ours() -> None:
    theirs = a_delivered_command(agent_id=AgentId("agent-2"))

    work = tell(known(theirs), a_switch_report(command_id=ID))

    assert work.switches.kept[0].command_id is None
    assert work.commands.kept[ID] == theirs


def test_equal_ones_are_done_with_it_and_the_others_superseded() -> None:
    equal = a_pending_command(id=CommandId("command-2"))
    other = a_pending_command(id=CommandId("command-3"), target_pool_id=POOL_C)

    work = tell(known(a_delivered_command(), equal, other))

    assert work.commands.kept[equal.id].message == "Duplicate of command-1"
    assert work.commands.kept[other.id].message == "Superseded by switch to i-2"
    assert work.audit.actions[1:] == [
        "command_completed",
        "command_cancelled",
        "command_cancelled",
    ]


def test_a_late_report_supersedes_nothing_of_the_primary() -> None:
    for_the_third = a_pending_command(instance_id=THIRD)

    work = tell(known(for_the_third, primary_instance_id=THIRD))

    assert work.commands.kept[ID] == for_the_third


def test_entries_of_the_older_queue_end_as_well() -> None:
    """Or the successor would be handed them and switch again."""
    work = tell(known(a_legacy_command()), a_switch_report(command_id=CommandId("7")))

    assert work.commands.open_of([AGENT]) == {}
    assert work.switches.kept[0].command_id is None
