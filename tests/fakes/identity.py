"""Clients, agents and their instances in memory."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from spot_optimizer.domain.agents.agent import Agent, AgentStatus
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.agents.vitals import Vitals
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.errors import AgentNotFound, ClientNotFound
from spot_optimizer.domain.identifiers import (
    AgentId,
    ClientId,
    InstanceId,
    LogicalAgentId,
)
from tests.fakes.keeping import Keeping, refuse_twice


def _folded(text: str) -> str:
    return text.rstrip(" ").casefold().translate(str.maketrans("äéèöü", "aeeou"))


class InMemoryClients(Keeping):
    def __init__(self, clients: Iterable[Client]) -> None:
        self.kept = {client.id: client for client in clients}

    def get(self, client_id: ClientId) -> Client:
        if client_id not in self.kept:
            raise ClientNotFound
        return self.kept[client_id]

    def get_for_update(self, client_id: ClientId) -> Client:
        return self.get(client_id)

    def save_token(self, client: Client, at: datetime) -> None:
        self.kept[client.id] = replace(self.kept[client.id], token=client.token)

    def remove(self, client_id: ClientId, *, leaving_orphans: bool) -> None:
        """Only the client: what hangs off it is for the databases to show."""
        del self.kept[client_id]

    def name_is_taken(self, name: str) -> bool:
        return any(_folded(client.name) == _folded(name) for client in self.kept.values())

    def email_is_taken(self, email: str) -> bool:
        return any(client.email == email for client in self.kept.values())

    def add(self, client: Client, at: datetime) -> None:
        refuse_twice(
            any(
                client.id == other.id or client.email == other.email or client.token == other.token
                for other in self.kept.values()
            )
        )
        self.kept[client.id] = client

    def heard_of(self, client_ids: Collection[ClientId], at: datetime) -> None:
        for client in [self.kept[one] for one in client_ids if one in self.kept]:
            if client.last_sync_at is None or client.last_sync_at < at:
                self.kept[client.id] = replace(client, last_sync_at=at)

    def credit(self, client_id: ClientId, amount: Decimal, at: datetime) -> None:
        if client_id in self.kept:
            client = self.kept[client_id]
            self.kept[client_id] = replace(client, total_savings=client.total_savings + amount)


class InMemoryAgents(Keeping):
    def __init__(self, agents: Iterable[Agent], clients: InMemoryClients) -> None:
        self._clients = clients
        self.kept = {agent.id: agent for agent in agents}
        self.limits: dict[AgentId, SwitchLimits] = {}

    def get(self, agent_id: AgentId, owner: ClientId | None) -> Agent:
        agent = self.kept.get(agent_id)
        if agent is None or owner not in (None, agent.client_id):
            raise AgentNotFound
        return agent

    def get_for_update(self, agent_id: AgentId, owner: ClientId | None) -> Agent:
        return self.get(agent_id, owner)

    def find_by_logical_id_for_update(
        self, client_id: ClientId, logical_id: LogicalAgentId
    ) -> Agent | None:
        named = (client_id, logical_id)
        return next((a for a in self.kept.values() if _name(a) == named), None)

    def lock(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Agent]:
        return self.of(agent_ids)

    def of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Agent]:
        return {one: self.kept[one] for one in agent_ids if one in self.kept}

    def vitals_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Vitals]:
        return {one: self._vitals(agent) for one, agent in self.of(agent_ids).items()}

    def _vitals(self, agent: Agent) -> Vitals:
        client = self._clients.kept.get(agent.client_id)
        return Vitals(
            id=agent.id,
            client_id=agent.client_id,
            status=agent.status,
            primary_instance_id=agent.primary_instance_id,
            placement=agent.placement,
            client_heard_at=None if client is None else client.last_sync_at,
        )

    def limits_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, SwitchLimits]:
        return {one: self.limits.get(one, SwitchLimits()) for one in agent_ids}

    def list_silent(self, since: datetime) -> Sequence[Agent]:
        return [
            self.kept[one]
            for one in sorted(self.kept)
            if self.kept[one].status is AgentStatus.ONLINE and _heard_before(self.kept[one], since)
        ]

    def find_on(self, instance_id: InstanceId, owner: ClientId | None) -> Agent | None:
        there = [
            agent
            for agent in self.kept.values()
            if agent.primary_instance_id == instance_id and owner in (None, agent.client_id)
        ]
        return min(there, key=lambda agent: (agent.is_deleted, agent.id), default=None)

    def serves_another(self, instance_id: InstanceId, agent_id: AgentId) -> bool:
        return any(
            agent.primary_instance_id == instance_id
            and agent.id != agent_id
            and not agent.is_deleted
            for agent in self.kept.values()
        )

    def save_limits(self, agent_id: AgentId, limits: SwitchLimits, at: datetime) -> None:
        self.limits[agent_id] = limits

    def add(self, agent: Agent, limits: SwitchLimits, at: datetime) -> None:
        names = {_name(other) for other in self.kept.values()}
        refuse_twice(agent.id in self.kept or _name(agent) in names)
        self.kept[agent.id] = agent
        self.limits[agent.id] = limits

    def save(self, agent: Agent, at: datetime) -> None:
        if agent.id in self.kept:
            self.kept[agent.id] = agent

    def save_all(self, agents: Sequence[Agent], at: datetime) -> None:
        for agent in agents:
            self.save(agent, at)

    def heard(self, agent_ids: Collection[AgentId], at: datetime) -> None:
        for agent in self.of(agent_ids).values():
            self.kept[agent.id] = replace(agent, last_heartbeat_at=at)


class InMemoryInstances(Keeping):
    def __init__(self, instances: Iterable[Instance]) -> None:
        self.kept = {instance.id: instance for instance in instances}
        self.seen_at: dict[InstanceId, datetime] = {}

    def find(self, instance_id: InstanceId) -> Instance | None:
        return self.kept.get(instance_id)

    def of(self, instance_ids: Collection[InstanceId]) -> Mapping[InstanceId, Instance]:
        return {one: self.kept[one] for one in instance_ids if one in self.kept}

    def of_agent(self, agent_id: AgentId) -> Sequence[Instance]:
        return [instance for instance in self.kept.values() if instance.agent_id == agent_id]

    def add(self, instance: Instance, at: datetime) -> None:
        refuse_twice(instance.id in self.kept)
        self.kept[instance.id] = instance

    def save(self, instance: Instance, at: datetime) -> None:
        if instance.id in self.kept:
            self.kept[instance.id] = instance

    def add_all(self, instances: Sequence[Instance], at: datetime) -> None:
        for instance in instances:
            self.add(instance, at)

    def save_all(self, instances: Sequence[Instance], at: datetime) -> None:
        for instance in instances:
            self.save(instance, at)

    def seen(self, instance_ids: Collection[InstanceId], at: datetime) -> None:
        self.seen_at.update({one: at for one in instance_ids if one in self.kept})

    def save_prices(self, instances: Sequence[Instance], at: datetime) -> None:
        for priced in instances:
            self.kept[priced.id] = replace(
                self.kept[priced.id],
                spot_price=priced.spot_price,
                on_demand_price=priced.on_demand_price,
                mode=priced.mode,
                pool_id=priced.pool_id,
            )


def _name(agent: Agent) -> tuple[ClientId, LogicalAgentId]:
    return agent.client_id, agent.logical_agent_id


def _heard_before(agent: Agent, moment: datetime) -> bool:
    return agent.last_heartbeat_at is not None and agent.last_heartbeat_at < moment
