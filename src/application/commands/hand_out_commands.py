from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.commands.queue import to_hand_out
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound, DomainError
from spot_optimizer.domain.identifiers import AgentId


@dataclass(frozen=True, slots=True)
class Poll:
    agent_id: AgentId
    caller: Caller


@dataclass(frozen=True, slots=True)
class HandOutCommands:
    """Agents ask what to do; an order is given to one asker and then leased (ruling R9).

    Takes what arrives together; the answers stand in the order of the polls. Most polls find
    nothing, and then nothing is locked or written.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    lease: timedelta
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, polls: Sequence[Poll]) -> Sequence[Sequence[Command] | DomainError]:
        now = self.clock.now()
        with self.unit_of_work() as work:
            asked = {poll.agent_id for poll in polls}
            owners = work.agents.owners_of(asked)
            waiting = self._waiting(work, asked, now)
            if waiting and self.lease:
                work.agents.lock(waiting)
                waiting = {
                    agent_id: [self._lease(work, command, now) for command in commands]
                    for agent_id, commands in self._waiting(work, set(waiting), now).items()
                }
                work.commit()
        given: set[AgentId] = set()
        answers: list[Sequence[Command] | DomainError] = []
        for poll in polls:
            owner = owners.get(poll.agent_id)
            if owner is None or poll.caller.owner not in (None, owner):
                answers.append(AgentNotFound())
            elif self.lease and poll.agent_id in given:
                answers.append([])
            else:
                answers.append(waiting.get(poll.agent_id, []))
                given.add(poll.agent_id)
        return answers

    def _waiting(
        self, work: UnitOfWork, agent_ids: set[AgentId], now: datetime
    ) -> Mapping[AgentId, list[Command]]:
        found = work.commands.open_of(agent_ids)
        waiting = {
            agent_id: to_hand_out(commands, now, self.lease, self.compatibility)
            for agent_id, commands in found.items()
        }
        return {agent_id: commands for agent_id, commands in waiting.items() if commands}

    @staticmethod
    def _lease(work: UnitOfWork, command: Command, now: datetime) -> Command:
        leased = command.deliver(now)
        work.commands.save(leased)
        return leased
