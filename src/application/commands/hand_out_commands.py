from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from spot_optimizer.application.commands.queries import AgentQueue, CommandQueries
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
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

    queries: CommandQueries
    unit_of_work: UnitOfWorkFactory
    clock: Clock
    lease: timedelta
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, polls: Sequence[Poll]) -> Sequence[Sequence[Command] | DomainError]:
        now = self.clock.now()
        queues = self.queries.queues_of({poll.agent_id for poll in polls})
        asked = {poll.agent_id for poll in polls if _may_ask(poll, queues)}
        waiting = self._waiting({one: queues[one].commands for one in asked}, now)
        if waiting and self.lease:
            waiting = self._lease_all(waiting.keys(), now)
        given: set[AgentId] = set()
        answers: list[Sequence[Command] | DomainError] = []
        for poll in polls:
            if not _may_ask(poll, queues):
                answers.append(AgentNotFound())
            elif self.lease and poll.agent_id in given:
                answers.append([])
            else:
                answers.append(waiting.get(poll.agent_id, []))
                given.add(poll.agent_id)
        return answers

    def _waiting(
        self, queues: Mapping[AgentId, Sequence[Command]], now: datetime
    ) -> Mapping[AgentId, list[Command]]:
        waiting = {
            agent_id: to_hand_out(commands, now, self.lease, self.compatibility)
            for agent_id, commands in queues.items()
        }
        return {agent_id: commands for agent_id, commands in waiting.items() if commands}

    def _lease_all(
        self, agent_ids: Collection[AgentId], now: datetime
    ) -> Mapping[AgentId, list[Command]]:
        """Look again with the agents held, because somebody else may have come first."""
        with self.unit_of_work() as work:
            work.agents.lock(agent_ids)
            waiting = self._waiting(work.commands.open_of(agent_ids), now)
            leased = {
                agent_id: [command.deliver(now) for command in commands]
                for agent_id, commands in waiting.items()
            }
            work.commands.save_all([one for commands in leased.values() for one in commands])
            work.commit()
        return leased


def _may_ask(poll: Poll, queues: Mapping[AgentId, AgentQueue]) -> bool:
    """A stranger's poll must not take an order away from the agent that it was meant for."""
    queue = queues.get(poll.agent_id)
    return queue is not None and poll.caller.owner in (None, queue.owner)
