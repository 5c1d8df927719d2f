from dataclasses import dataclass, replace

from spot_optimizer.application.commands.changes import save_changes
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import command_occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.commands.queue import Occasion, duplicates_of, settle_after_move
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import ValidationFailed
from spot_optimizer.domain.identifiers import AgentId, SwitchId
from spot_optimizer.domain.savings import credit
from spot_optimizer.domain.switching import Switch, SwitchReport


class ForeignInstance(ValidationFailed):
    """The new instance is on record for somebody else."""

    def __init__(self) -> None:
        super().__init__(
            "Validation failed",
            details={"new_instance": {"instance_id": ["Not a valid instance."]}},
        )


@dataclass(frozen=True, slots=True)
class RecordSwitch:
    """An agent has moved: the record, the savings, and who carries the workload now.

    The same report again changes nothing (ruling R8).
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, agent_id: AgentId, report: SwitchReport, caller: Caller) -> None:
        now = self.clock.now()
        with self.unit_of_work() as work:
            before = work.agents.get_for_update(agent_id, caller.owner)
            command = self._command(work, before, report)
            if self._was_reported(work, before, report, command):
                return
            switch = Switch(
                id=SwitchId(self.identifiers.new_id()),
                client_id=before.client_id,
                agent_id=before.id,
                command_id=None if command is None else command.id,
                report=report,
                initiated_at=report.timing.initiated_at
                or (None if self.compatibility.former_switch_report_names else now),
                recorded_at=now,
            )
            agent = self._follow(before, report)
            self._save_new_instance(work, agent, report)
            self._close_old_instance(work, agent, report)
            work.switches.add(switch)
            work.agents.save(agent, now)
            if (earned := credit(report.savings_impact)) > 0:
                work.clients.credit(agent.client_id, earned, now)
            record(work, command_occurrences.switch_recorded(switch, agent, before, now), caller)
            if not self.compatibility.switch_report_touches_little:
                self._settle_commands(work, agent, report, command, caller)
            work.commit()

    def _command(self, work: UnitOfWork, agent: Agent, report: SwitchReport) -> Command | None:
        """The command that was carried out; agents of today do not name it."""
        if report.command_id is not None:
            named = work.commands.find(agent.id, report.command_id)
            if named is not None and not named.is_legacy:
                return named
        if self.compatibility.former_switch_report_names or report.old.instance_id is None:
            return None
        return work.commands.find_switch_of(agent.id, report.old.instance_id)

    @staticmethod
    def _was_reported(
        work: UnitOfWork, agent: Agent, report: SwitchReport, command: Command | None
    ) -> bool:
        if report.command_id is not None and command is not None:
            return work.switches.was_reported_for(command.id)
        if report.timing.initiated_at is None:
            return False
        return work.switches.was_reported(
            agent.id, report.old.instance_id, report.new_instance_id, report.timing.initiated_at
        )

    def _follow(self, agent: Agent, report: SwitchReport) -> Agent:
        now = self.clock.now()
        switched = agent.switched(now)
        if not report.moves_primary(agent, now, self.compatibility):
            return switched
        placement = report.new_placement(agent, self.compatibility)
        followed = switched.follow(report.new_instance_id, placement)
        if self.compatibility.switch_report_touches_little:
            return followed
        return replace(followed, ami_id=report.new.ami_id or agent.ami_id)

    def _save_new_instance(self, work: UnitOfWork, agent: Agent, report: SwitchReport) -> None:
        now = self.clock.now()
        known = work.instances.find(report.new_instance_id)
        if known is not None and known.client_id != agent.client_id:
            if self.compatibility.refuse_foreign_instance:
                raise ForeignInstance
            return  # the switch happened all the same; that row is not this client's to touch
        old = self._old_instance(work, agent, report)
        baseline = old.baseline_on_demand_price if old else None
        new = report.new_instance(agent, known, baseline, now, self.compatibility)
        if known is None:
            work.instances.add(new, now)
        elif new != known:
            work.instances.save(new, now)

    @staticmethod
    def _old_instance(work: UnitOfWork, agent: Agent, report: SwitchReport) -> Instance | None:
        if report.old.instance_id is None:
            return None
        old = work.instances.find(report.old.instance_id)
        return old if old is not None and old.client_id == agent.client_id else None

    def _close_old_instance(self, work: UnitOfWork, agent: Agent, report: SwitchReport) -> None:
        """Only what the agent was to end and says it has ended is closed."""
        ended_at = report.timing.old_terminated_at
        if ended_at is None or not agent.settings.auto_terminate_enabled:
            return
        old = self._old_instance(work, agent, report)
        if old is not None and old.id != agent.primary_instance_id:
            work.instances.save(old.close(ended_at), self.clock.now())

    def _settle_commands(
        self,
        work: UnitOfWork,
        agent: Agent,
        report: SwitchReport,
        command: Command | None,
        caller: Caller,
    ) -> None:
        now = self.clock.now()
        before = {c.id: c for c in work.commands.open_of([agent.id]).get(agent.id, ())}
        changed: list[Command] = []
        if command is not None and command.is_open:
            before[command.id] = command
            done = command.report(True, "Switch reported", now, self.compatibility)
            changed += [done, *duplicates_of(done, before.values(), now)]
        settled = {c.id for c in changed}
        if agent.primary_instance_id == report.new_instance_id:
            rest = [c for c in before.values() if c.id not in settled]
            changed += settle_after_move(
                rest, report.new_instance_id, Occasion.SWITCH, now, self.compatibility
            )
        save_changes(work, [(before[after.id], after) for after in changed], now, caller)
