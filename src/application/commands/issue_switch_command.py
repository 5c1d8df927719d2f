from dataclasses import dataclass

from spot_optimizer.application.commands.changes import save_changes
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import command_occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.callers import SYSTEM, Caller
from spot_optimizer.domain.commands.command import (
    TRIGGERED_BY_MODEL,
    Command,
    CommandStatus,
    Target,
    clamp_priority,
)
from spot_optimizer.domain.commands.queue import equal_to
from spot_optimizer.domain.commands.switch_order import SwitchOrder, admit
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, CommandId

CREATED_BY_MODEL = "ml_engine"


@dataclass(frozen=True, slots=True)
class IssuedSwitch:
    """The command that orders the switch; None when the agent is there already."""

    agent: Agent
    target: Target
    command: Command | None


@dataclass(frozen=True, slots=True)
class IssueSwitchCommand:
    """A recommendation becomes an order. The same order again is the same command (ruling R5)."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, agent_id: AgentId, order: SwitchOrder, caller: Caller) -> IssuedSwitch:
        with self.unit_of_work() as work:
            agent = work.agents.get_for_update(agent_id, caller.owner)
            if agent.is_deleted:
                raise AgentNotFound
            target = admit(agent, order)
            if agent.already_at(target.mode, target.pool_id):
                return IssuedSwitch(agent, target, None)
            priority = clamp_priority(order.checked_priority)
            pending = equal_to(target, self._still_open(work, agent))
            if pending is None:
                command = self._queue(work, agent, target, priority, caller)
            else:
                command = self._repeat(work, pending, agent, priority, caller)
            work.commit()
        return IssuedSwitch(agent, target, command)

    def _still_open(self, work: UnitOfWork, agent: Agent) -> list[Command]:
        """Nobody will carry out an order that has expired, so it cannot stand for a new one."""
        queued = work.commands.open_of([agent.id]).get(agent.id, ())
        ordered = [command for command in queued if not command.is_legacy]
        if self.compatibility.commands_never_expire:
            return ordered
        now = self.clock.now()
        ended = [(one, after) for one in ordered if (after := one.expire(now)) != one]
        save_changes(work, ended, now, SYSTEM)
        return [one for one in ordered if not one.has_expired(now)]

    def _queue(
        self, work: UnitOfWork, agent: Agent, target: Target, priority: int, caller: Caller
    ) -> Command:
        now = self.clock.now()
        command = Command(
            id=CommandId(self.identifiers.new_id()),
            client_id=agent.client_id,
            agent_id=agent.id,
            target_mode=target.mode,
            target_pool_id=target.pool_id,
            instance_id=agent.primary_instance_id,
            priority=priority,
            terminate_wait_seconds=agent.settings.switch_terminate_wait_seconds,
            status=CommandStatus.PENDING,
            created_by=CREATED_BY_MODEL,
            trigger=TRIGGERED_BY_MODEL,
            created_at=now,
        )
        work.commands.add(command)
        record(work, command_occurrences.switch_command_issued(agent, command, now), caller)
        return command

    def _repeat(
        self, work: UnitOfWork, pending: Command, agent: Agent, priority: int, caller: Caller
    ) -> Command:
        raised = pending.repeat(
            priority, TRIGGERED_BY_MODEL, agent.settings.switch_terminate_wait_seconds
        )
        if raised != pending:
            save_changes(work, [(pending, raised)], self.clock.now(), caller)
        return raised
