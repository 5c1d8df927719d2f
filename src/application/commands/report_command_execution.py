from collections.abc import Mapping
from dataclasses import dataclass

from spot_optimizer.application.commands.changes import save_changes
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.commands.queue import duplicates_of
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, CommandId


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionReport:
    command_id: CommandId
    success: bool | None
    """None: the agent does not say whether it worked."""
    says_success: bool = True
    """False for the agents that only tell that they are done with a command."""
    message: str = ""
    as_received: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ReportCommandExecution:
    """An agent says what came of a command. Unknown and finished commands are acknowledged.

    Agents before 4.0 do not say how it went: it went well if they reported a switch meanwhile.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, agent_id: AgentId, report: ExecutionReport, caller: Caller) -> None:
        now = self.clock.now()
        with self.unit_of_work() as work:
            work.agents.get_for_update(agent_id, caller.owner)
            command = work.commands.find(agent_id, report.command_id)
            if command is None:
                return
            if command.is_legacy:
                if not (command.is_open or self.compatibility.last_execution_report_wins):
                    return
                work.commands.close_legacy(command, report.as_received, now)
            else:
                success = report.success
                if not report.says_success:
                    success = self._switched_since(work, command)
                done = command.report(success, report.message, now, self.compatibility)
                if done != command:
                    self._close(work, command, done, report, caller)
            work.commit()

    def _close(
        self,
        work: UnitOfWork,
        command: Command,
        done: Command,
        report: ExecutionReport,
        caller: Caller,
    ) -> None:
        now = self.clock.now()
        save_changes(work, [(command, done)], now, caller)
        if self.compatibility.last_execution_report_wins:
            return
        work.commands.keep_result(done, report.as_received)
        if done.success:
            others = {
                c.id: c for c in work.commands.open_of([done.agent_id]).get(done.agent_id, ())
            }
            duplicates = duplicates_of(done, others.values(), now)
            save_changes(work, [(others[after.id], after) for after in duplicates], now, caller)

    @staticmethod
    def _switched_since(work: UnitOfWork, command: Command) -> bool:
        if command.created_at is None:
            return False
        return work.switches.any_since(command.agent_id, command.created_at)
