from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.application.commands.settle_former import settle_former
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import agent_occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.agents.instances import (
    InstanceRole,
    is_last_word_of_a_predecessor,
    role_of,
)
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.queue import Occasion
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound, DomainError
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId


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
            known = work.agents.vitals_of({one.agent_id for one in received})
            news: list[ReceivedHeartbeat] = []
            quiet: set[AgentId] = set()
            moved: set[AgentId] = set()
            clients: set[ClientId] = set()
            for one in received:
                vitals = known.get(one.agent_id)
                if vitals is None or not vitals.belongs_to(one.caller.owner):
                    answers.append(AgentNotFound())
                    continue
                answers.append(None)
                if vitals.is_first_sign_of_its_client(now):
                    clients.add(vitals.client_id)
                if one.agent_id not in moved and vitals.are_confirmed_by(one.heartbeat):
                    quiet.add(one.agent_id)
                else:
                    moved.add(one.agent_id)
                    news.append(one)
            self._take(work, news, now)
            work.agents.heard(quiet - moved, now)
            work.clients.heard_of(clients, now)
            work.commit()
        return answers

    def _take(self, work: UnitOfWork, news: Sequence[ReceivedHeartbeat], now: datetime) -> None:
        """Those that may change something, by the full rules and one after the other."""
        if not news:
            return
        before = work.agents.lock({one.agent_id for one in news})
        heard: dict[AgentId, Agent] = {}
        for one in news:
            agent = heard.get(one.agent_id) or before.get(one.agent_id)
            if agent is not None:
                heard[agent.id] = self._hear(work, agent, one, now)
        work.agents.save_all(list(heard.values()), now)

    def _hear(
        self, work: UnitOfWork, agent: Agent, received: ReceivedHeartbeat, now: datetime
    ) -> Agent:
        spoke = _who_moves_nothing(work, agent, received.heartbeat, now)
        if spoke is not None:
            # Noted with the instance that spoke: the agent's own time tells whether its primary
            # lives, which nobody else can vouch for.
            work.instances.seen(spoke, now)
            return agent
        after = agent.hear(received.heartbeat, now, self.compatibility)
        if after.primary_instance_id != agent.primary_instance_id:
            caller = received.caller
            settle_former(work, after, Occasion.HEARTBEAT, now, caller, self.compatibility)
        record(work, agent_occurrences.agent_heard(agent, after, now), received.caller)
        return after


def _who_moves_nothing(
    work: UnitOfWork, agent: Agent, heartbeat: Heartbeat, now: datetime
) -> list[InstanceId] | None:
    """The instance on record, if any, of somebody who no longer carries the workload, or does not
    yet; None when the heartbeat counts."""
    sender = heartbeat.sender
    if heartbeat.is_nameless_farewell:
        theirs = work.instances.of_agent(agent.id)
        return [] if is_last_word_of_a_predecessor(agent, theirs, now) else None
    if sender is None or sender == agent.primary_instance_id:
        return None
    recorded = work.instances.find(sender)
    standby = work.standbys.on_instance(agent.client_id, sender)
    role = role_of(sender, agent, recorded, standby)
    if role not in (InstanceRole.FORMER, InstanceRole.STANDBY):
        return None
    is_theirs = recorded is not None and recorded.agent_id == agent.id
    return [sender] if is_theirs else []
