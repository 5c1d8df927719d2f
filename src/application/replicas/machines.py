"""The rows of the machines that agents and replicas name."""

from collections.abc import Collection, Mapping

from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.identifiers import InstanceId


def instances_named(
    work: UnitOfWork, names: Collection[InstanceId | None]
) -> Mapping[InstanceId, Instance]:
    """By the names asked for, and by those on record where these differ in their spelling: beside
    such a row none can be stored."""
    asked = {name for name in names if name}
    known = dict(work.instances.of(asked))
    if known.keys() - asked:
        for name in asked - known.keys():
            found = work.instances.find(name)
            if found is not None:
                known[name] = found
    return known


def primary_among(known: Mapping[InstanceId, Instance], agent: Agent) -> Instance | None:
    """The agent's; a row of another client is none."""
    found = known.get(agent.primary_instance_id or InstanceId(""))
    return found if found is not None and found.client_id == agent.client_id else None


def primary_of(work: UnitOfWork, agent: Agent) -> Instance | None:
    """As `primary_among`, of one agent."""
    return primary_among(instances_named(work, [agent.primary_instance_id]), agent)
