"""An agent says what came of a command (contract/domain.md 4.3.9, INV-11, INV-12)."""

from datetime import timedelta

import pytest

from spot_optimizer.application.commands.report_command_execution import (
    ExecutionReport,
    ReportCommandExecution,
)
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import Command, CommandStatus
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, CommandId
from spot_optimizer.domain.switching import Switch
from tests.builders import (
    AGENT,
    FROM_ACME,
    FROM_GLOBEX,
    MINUTE,
    NOON,
    POOL_C,
    TODAY,
    a_delivered_command,
    a_legacy_command,
    a_pending_command,
    a_switch,
    an_agent,
    an_execution_report,
)
from tests.fakes import FixedClock, InMemoryUnitOfWork

ID = CommandId("command-1")
LATER = NOON + MINUTE
SUCCESS = an_execution_report()
FAILURE = an_execution_report(success=False, message="no capacity")
ONLY_DONE = an_execution_report(success=None, says_success=False, message="")


def the_work(*commands: Command, switches: tuple[Switch, ...] = ()) -> InMemoryUnitOfWork:
    return InMemoryUnitOfWork(agents=[an_agent()], commands=commands, switches=switches)


def report(
    work: InMemoryUnitOfWork,
    said: ExecutionReport,
    *,
    after: timedelta = timedelta(0),
    agent_id: AgentId = AGENT,
    caller: Caller = FROM_ACME,
) -> Command | None:
    """What is on record of the command then."""
    clock = FixedClock(NOON + after)
    ReportCommandExecution(work, clock, TODAY)(agent_id, said, caller)
    return work.commands.kept.get(said.command_id)


def test_success_completes_a_command() -> None:
    assert report(the_work(a_delivered_command()), SUCCESS) == a_delivered_command(
        status=CommandStatus.COMPLETED,
        success=True,
        message="done",
        executed_at=NOON,
        completed_at=NOON,
    )


def test_failure_fails_it() -> None:
    assert report(the_work(a_delivered_command()), FAILURE) == a_delivered_command(
        status=CommandStatus.FAILED,
        success=False,
        message="no capacity",
        executed_at=NOON,
        completed_at=NOON,
    )


def test_what_was_never_delivered_was_carried_out_when_it_was_reported() -> None:
    done = report(the_work(a_pending_command()), SUCCESS)

    assert done is not None
    assert done.executed_at == done.completed_at == NOON


def test_success_that_is_null_is_none() -> None:
    failed = report(the_work(a_delivered_command()), an_execution_report(success=None))

    assert failed is not None
    assert (failed.status, failed.success) == (CommandStatus.FAILED, False)


@pytest.mark.parametrize(("first", "second"), [(SUCCESS, FAILURE), (FAILURE, SUCCESS)])
def test_the_first_word_stands(first: ExecutionReport, second: ExecutionReport) -> None:
    work = the_work(a_delivered_command())
    after_first = report(work, first)
    audited = work.audit.entries.copy()

    assert report(work, second, after=MINUTE) == after_first
    assert work.audit.entries == audited
    assert work.commands.results == {ID: first.as_received}


@pytest.mark.parametrize(
    ("said", "status"), [(SUCCESS, CommandStatus.COMPLETED), (FAILURE, CommandStatus.FAILED)]
)
def test_a_late_report_tells_what_became_of_a_cancelled_command(
    said: ExecutionReport, status: CommandStatus
) -> None:
    cancelled = a_delivered_command(status=CommandStatus.CANCELLED, message="Superseded")

    done = report(the_work(cancelled), said)

    assert done is not None
    assert (done.status, done.message) == (status, said.message)


def test_the_report_is_kept_and_audited() -> None:
    work = the_work(a_delivered_command())

    report(work, SUCCESS)

    assert work.commands.results == {ID: {"success": True, "message": "done"}}
    assert work.audit.actions == ["command_completed"]
    assert work.audit.entries[0].changes == {"status": ("executing", "completed")}


def test_nobody_else_is_told() -> None:
    work = the_work(a_delivered_command())

    report(work, SUCCESS)

    assert work.events.entries == []
    assert work.notifications.entries == []


class TestEqualCommands:
    equal = a_pending_command(id=CommandId("command-2"))
    other = a_pending_command(id=CommandId("command-3"), target_pool_id=POOL_C)

    def test_the_first_success_counts_for_all(self) -> None:
        work = the_work(a_delivered_command(), self.equal, self.other)

        report(work, SUCCESS)

        assert work.commands.kept[self.equal.id] == self.equal.cancel(
            "Duplicate of command-1", NOON
        )
        assert work.commands.kept[self.other.id] == self.other
        assert work.audit.actions == ["command_completed", "command_cancelled"]

    def test_a_failure_counts_for_itself(self) -> None:
        work = the_work(a_delivered_command(), self.equal)

        report(work, FAILURE)

        assert work.commands.kept[self.equal.id] == self.equal


class TestAgentsThatOnlySayThatTheyAreDone:
    @pytest.mark.parametrize(
        ("recorded_at", "status"),
        [
            (NOON - MINUTE, CommandStatus.COMPLETED),
            (NOON - 2 * MINUTE, CommandStatus.FAILED),
        ],
    )
    def test_it_went_well_if_they_have_switched_since(
        self, recorded_at: object, status: CommandStatus
    ) -> None:
        switch = a_switch(recorded_at=recorded_at)

        done = report(the_work(a_delivered_command(), switches=(switch,)), ONLY_DONE)

        assert done is not None
        assert done.status is status

    def test_the_switch_of_another_agent_says_nothing(self) -> None:
        switch = a_switch(agent_id=AgentId("agent-2"))

        done = report(the_work(a_delivered_command(), switches=(switch,)), ONLY_DONE)

        assert done is not None
        assert done.status is CommandStatus.FAILED


class TestOlderQueue:
    legacy = an_execution_report(command_id=CommandId("7"))

    def test_an_entry_is_closed_and_the_report_kept(self) -> None:
        work = the_work(a_legacy_command())

        assert report(work, self.legacy) == a_legacy_command(
            status=CommandStatus.COMPLETED, executed_at=NOON
        )
        assert work.commands.results == {CommandId("7"): self.legacy.as_received}

    def test_the_first_word_stands(self) -> None:
        work = the_work(a_legacy_command())
        first = report(work, self.legacy)

        again = an_execution_report(command_id=CommandId("7"), as_received={"success": False})

        assert report(work, again, after=MINUTE) == first
        assert work.commands.results == {CommandId("7"): self.legacy.as_received}


class TestWhatIsUnknown:
    def test_an_unknown_command_is_acknowledged(self) -> None:
        work = the_work(a_delivered_command())

        assert report(work, an_execution_report(command_id=CommandId("command-9"))) is None
        assert work.commands.kept == {ID: a_delivered_command()}

    def test_the_command_of_another_agent_is_unknown(self) -> None:
        theirs = a_delivered_command(agent_id=AgentId("agent-2"))

        assert report(the_work(theirs), SUCCESS) == theirs

    def test_the_agent_of_another_client_does_not_exist(self) -> None:
        work = the_work(a_delivered_command())

        with pytest.raises(AgentNotFound):
            report(work, SUCCESS, caller=FROM_GLOBEX)

        assert work.commands.kept == {ID: a_delivered_command()}
