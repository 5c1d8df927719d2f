"""A transaction in memory."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from spot_optimizer.application.commands.queries import AgentQueue
from spot_optimizer.application.ports.credentials import TokenOwner
from spot_optimizer.application.ports.unit_of_work import TransactionLost
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.switching import Switch
from tests.fakes.batches import (
    InMemoryBilling,
    InMemoryGrowth,
    InMemoryOldRows,
    InMemorySubmissions,
)
from tests.fakes.identity import (
    InMemoryAgents,
    InMemoryClients,
    InMemoryInstances,
)
from tests.fakes.interruptions import InMemoryInterruptions
from tests.fakes.jobs import InMemoryJobRuns
from tests.fakes.journal import (
    InMemoryAudit,
    InMemoryCleanups,
    InMemoryDecisions,
    InMemoryEvents,
    InMemoryInbox,
    InMemoryModels,
    InMemoryNotifications,
)
from tests.fakes.keeping import Keeping
from tests.fakes.messages import InMemoryMessages
from tests.fakes.orders import InMemoryCommands, InMemorySwitches
from tests.fakes.prices import InMemoryPools, InMemoryPrices
from tests.fakes.replicas import InMemoryReplicas, InMemoryStandbys


class InMemoryUnitOfWork:
    """Keeps its contents from block to block, and undoes a block that did not commit.

    It is its own factory. `commits` counts what took effect; `losses` makes that many commits
    lose against somebody else first.
    """

    def __init__(
        self,
        *,
        clients: Iterable[Client] = (),
        agents: Iterable[Agent] = (),
        replicas: Iterable[Replica] = (),
        instances: Iterable[Instance] = (),
        commands: Iterable[Command] = (),
        switches: Iterable[Switch] = (),
        pools: Iterable[SpotPool] = (),
        losses: int = 0,
    ) -> None:
        self.clients = InMemoryClients(clients)
        self.agents = InMemoryAgents(agents, self.clients)
        self.replicas = InMemoryReplicas(replicas)
        self.standbys = InMemoryStandbys(self.replicas, self.agents)
        self.instances = InMemoryInstances(instances)
        self.commands = InMemoryCommands(commands)
        self.switches = InMemorySwitches(switches)
        self.prices = InMemoryPrices()
        self.interruptions = InMemoryInterruptions(self.agents, self.prices)
        self.pools = InMemoryPools(pools, self.prices, self.interruptions)
        self.decisions = InMemoryDecisions()
        self.models = InMemoryModels()
        self.cleanups = InMemoryCleanups()
        self.job_runs = InMemoryJobRuns()
        self.message_log = InMemoryMessages()
        self.growth = InMemoryGrowth(self.clients)
        self.billing = InMemoryBilling(self.instances, self.switches)
        self.old_rows = InMemoryOldRows()
        self.submissions = InMemorySubmissions()
        self.events = InMemoryEvents()
        self.notifications = InMemoryNotifications()
        self.inbox = InMemoryInbox()
        self.audit = InMemoryAudit()
        self.commits = 0
        self.losses = losses
        self._is_open = False
        self._remember()

    def __call__(self) -> Self:
        return self

    def __enter__(self) -> Self:
        assert not self._is_open, "one unit of work within another"
        self._is_open = True
        self._remember()
        return self

    def commit(self) -> None:
        assert self._is_open, "committed after the end"
        if self.losses:
            self.losses -= 1
            raise TransactionLost("somebody came in between")
        self.commits += 1
        self._remember()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_open = False
        for part, memory in self._committed:
            part.go_back_to(memory)

    def _remember(self) -> None:
        parts = [part for part in vars(self).values() if isinstance(part, Keeping)]
        self._committed = [(part, part.remember()) for part in parts]


class InMemoryCommandQueries:
    """Reads the agents and commands of a unit of work."""

    def __init__(self, work: InMemoryUnitOfWork) -> None:
        self._work = work

    def queues_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, AgentQueue]:
        agents = self._work.agents.of(agent_ids)
        waiting = self._work.commands.open_of(agent_ids)
        return {
            one: AgentQueue(agent.client_id, list(waiting.get(one, ())))
            for one, agent in agents.items()
        }


class InMemoryCredentials:
    """Reads the clients of a unit of work."""

    def __init__(self, work: InMemoryUnitOfWork) -> None:
        self._work = work

    def owners_of(self, tokens: Sequence[str]) -> Sequence[TokenOwner | None]:
        owners = {
            client.token: TokenOwner(client.id, client.is_active)
            for client in self._work.clients.kept.values()
        }
        return [owners.get(token) for token in tokens]
