from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.application.commands.changes import save_changes
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import dashboard_occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import (
    PRIORITY_MANUAL,
    TRIGGERED_BY_USER,
    Command,
    CommandStatus,
    Target,
)
from spot_optimizer.domain.commands.manual_switch import (
    ManualSwitch,
    NoAgentAssigned,
    NothingToSwitch,
    Subject,
    order,
    target_of,
)
from spot_optimizer.domain.commands.queue import equal_to
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import CommandId, InstanceId


@dataclass(frozen=True, slots=True)
class ForceSwitch:
    """A person moves an instance, whatever the agent's settings say and whether or not it is
    online. The same order again, while it waits, is the same command (ruling R5)."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers

    @repeated_when_lost
    def __call__(
        self, instance_id: InstanceId, wanted: Callable[[], ManualSwitch], caller: Caller
    ) -> Command:
        """`wanted` may refuse what was sent; to a client, foreign and absent instances look the
        same whatever that was."""
        now = self.clock.now()
        with self.unit_of_work() as work:
            if caller.owner is not None:
                self._subject(work, instance_id, caller)
            switch = wanted()
            subject = self._subject(work, instance_id, caller)
            subject.check()
            target = self._target(work, switch, subject, now)
            command = self._order(work, instance_id, switch, subject, target, caller, now)
            work.commit()
        return command

    @staticmethod
    def _subject(work: UnitOfWork, instance_id: InstanceId, caller: Caller) -> Subject:
        """Holds the agent."""
        owner = caller.owner
        instance = work.instances.find(instance_id)
        if instance is not None and (
            instance.id != instance_id or owner not in (None, instance.client_id)
        ):
            instance = None
        try:
            if instance is not None:
                if instance.agent_id is None:
                    raise NoAgentAssigned
                agent = work.agents.get_for_update(instance.agent_id, owner)
                return Subject(agent=agent, instance=instance)
            found = work.agents.find_on(instance_id, owner)
            if found is None:
                raise NothingToSwitch
            return Subject(agent=work.agents.get_for_update(found.id, owner), instance=None)
        except AgentNotFound as gone:  # deleted meanwhile, with its client
            raise NothingToSwitch from gone

    @staticmethod
    def _target(work: UnitOfWork, switch: ManualSwitch, subject: Subject, now: datetime) -> Target:
        if switch.pool_id is not None:
            return target_of(switch, subject, work.pools.find(switch.pool_id), ())
        instance_type = switch.new_type or subject.instance_type
        if instance_type is None or subject.region is None:
            return target_of(switch, subject, None, ())
        pools = work.pools.list_priced(instance_type, subject.region, now)
        return target_of(switch, subject, None, pools)

    def _order(
        self,
        work: UnitOfWork,
        instance_id: InstanceId,
        switch: ManualSwitch,
        subject: Subject,
        target: Target,
        caller: Caller,
        now: datetime,
    ) -> Command:
        waiting = [
            one
            for one in work.commands.open_of([subject.agent.id]).get(subject.agent.id, ())
            if one.status is CommandStatus.PENDING
            and one.instance_id == instance_id
            and not one.is_legacy
            and not one.has_expired(now)
        ]
        pending = equal_to(target, waiting)
        if pending is not None:
            wait = subject.agent.settings.switch_terminate_wait_seconds
            raised = pending.repeat(PRIORITY_MANUAL, TRIGGERED_BY_USER, wait)
            if raised != pending:
                save_changes(work, [(pending, raised)], now, caller)
            return raised
        command = order(
            CommandId(self.identifiers.new_id()), instance_id, subject.agent, target, now
        )
        work.commands.add(command)
        if switch.new_type is not None:
            work.commands.keep_result(command, {"new_instance_type": switch.new_type})
        told = dashboard_occurrences.manual_switch_requested(command, instance_id, switch, now)
        record(work, told, caller)
        return command
