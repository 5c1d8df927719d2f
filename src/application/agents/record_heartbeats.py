from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.agents.instances import (
    InstanceRole,
    is_last_word_of_a_predecessor,
    role_of,
)
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound, DomainError
from spot_optimizer.domain.identifiers import AgentId


@dataclass(frozen=True, slots=True)
class ReceivedHeartbeat:
    agent_id: AgentId
    heartbeat: Heartbeat
    caller: Caller


@dataclass(frozen=True, slots=True)
class RecordHeartbeats:
    """Agents say that they live, and where.

    Takes what arrives together in one transaction; the answers stand in the order of the
    questions, None for a heartbeat that was taken.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(self, received: Sequence[ReceivedHeartbeat]) -> Sequence[DomainError | None]:
        now = self.clock.now()
        answers: list[DomainError | None] = []
        with self.unit_of_work() as work:
            before = work.agents.lock({one.agent_id for one in received})
            heard: dict[AgentId, Agent] = {}
            for one in received:
                agent = heard.get(one.agent_id) or before.get(one.agent_id)
                if agent is None or one.caller.owner not in (None, agent.client_id):
                    answers.append(AgentNotFound())
                else:
                    heard[agent.id] = self._hear(work, agent, one, now)
                    answers.append(None)
            _save(work, before, heard, now)
            work.commit()
        return answers

    def _hear(
        self, work: UnitOfWork, agent: Agent, received: ReceivedHeartbeat, now: datetime
    ) -> Agent:
        if _moves_nothing(work, agent, received.heartbeat, now):
            return agent.hear_of_a_former_instance(now)
        after = agent.hear(received.heartbeat, now, self.compatibility)
        record(work, occurrences.agent_heard(agent, after, now), received.caller)
        return after


def _moves_nothing(work: UnitOfWork, agent: Agent, heartbeat: Heartbeat, now: datetime) -> bool:
    """Whether somebody speaks who no longer carries the workload, or does not yet."""
    sender = heartbeat.sender
    if heartbeat.is_nameless_farewell:
        return is_last_word_of_a_predecessor(agent, work.instances.of_agent(agent.id), now)
    if sender is None or sender == agent.primary_instance_id:
        return False
    recorded = work.instances.find(sender)
    standby = work.standbys.on_instance(agent.client_id, sender)
    role = role_of(sender, agent, recorded, standby)
    return role in (InstanceRole.FORMER, InstanceRole.STANDBY)


def _save(
    work: UnitOfWork,
    before: Mapping[AgentId, Agent],
    heard: Mapping[AgentId, Agent],
    now: datetime,
) -> None:
    """Most heartbeats change nothing but a time, and those share one statement."""
    unchanged = {
        agent.id for agent in heard.values() if agent.is_but_for_its_heartbeat(before[agent.id])
    }
    work.agents.heard(unchanged, now)
    work.agents.save_all([agent for agent in heard.values() if agent.id not in unchanged], now)
    work.clients.heard_of({agent.client_id for agent in heard.values()}, now)
