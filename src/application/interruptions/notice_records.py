"""What is known of agents when their notices come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.application.replicas.machines import instances_named, primary_among
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.interruptions import HORIZON, Interruption, ResponseAction
from spot_optimizer.domain.replicas.replica import Replica


@dataclass(frozen=True, slots=True)
class OnRecord:
    """Of one agent."""

    agent: Agent
    replicas: Sequence[Replica]
    notices: Sequence[Interruption]
    """Of the last two horizons, the newest first."""
    primary: Instance | None = None
    """None: nobody has written it down, or it is another client's."""
    commands: Sequence[Command] = ()

    @property
    def was_heard(self) -> bool:
        """Whether a notice for the primary has been answered, and waits for somebody to be ready:
        neither commands nor the primary matter to it when it is repeated."""
        return any(
            notice.is_termination
            and notice.is_open
            and notice.response_action is ResponseAction.EMERGENCY_SNAPSHOT
            and notice.instance_id == self.agent.primary_instance_id
            for notice in self.notices
        )

    def recent(self, now: datetime) -> Sequence[Interruption]:
        return [one for one in self.notices if one.detected_at >= now - HORIZON]


def on_record_of(
    work: UnitOfWork, agents: Mapping[AgentId, Agent], now: datetime
) -> Mapping[AgentId, OnRecord]:
    """By a fixed number of statements, however many agents they are."""
    replicas = work.replicas.of(agents.keys())
    notices = work.interruptions.of(agents.keys(), now - 2 * HORIZON)
    known = {
        agent.id: OnRecord(agent, replicas.get(agent.id, ()), notices.get(agent.id, ()))
        for agent in agents.values()
    }
    unheard = [one.agent for one in known.values() if not one.was_heard]
    commands = work.commands.open_of([agent.id for agent in unheard])
    primaries = instances_named(work, [agent.primary_instance_id for agent in unheard])
    for agent in unheard:
        known[agent.id] = replace(
            known[agent.id],
            primary=primary_among(primaries, agent),
            commands=commands.get(agent.id, ()),
        )
    return known
