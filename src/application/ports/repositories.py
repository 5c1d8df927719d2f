"""Where aggregates are kept, inside the current unit of work.

`get…` raises the NotFound of its kind, `find…` may return None, `…_of` answers for many at once
in one statement and leaves out what does not exist. `owner` is the client whose rows may be seen;
None stands for the operator, who sees all.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance, Standby
from spot_optimizer.domain.agents.vitals import Vitals
from spot_optimizer.domain.cleanups import CleanupReport
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.decisions.contract import PastInterruption, SwitchLimits
from spot_optimizer.domain.identifiers import (
    AgentId,
    ClientId,
    CommandId,
    InstanceId,
    LogicalAgentId,
    PoolId,
    ReplicaId,
)
from spot_optimizer.domain.interruption_features import Circumstances
from spot_optimizer.domain.interruptions import Interruption, InterruptionId, Sign, SignalType
from spot_optimizer.domain.placement.costs import MoveTimes
from spot_optimizer.domain.replicas.promotion import PrimaryChange, PromotionReason
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.switching import Switch


class ClientRepository(Protocol):
    def get(self, client_id: ClientId) -> Client: ...

    def get_for_update(self, client_id: ClientId) -> Client: ...

    def name_is_taken(self, name: str) -> bool:
        """Whatever the case, accents and trailing blanks, among active and inactive ones."""
        ...

    def email_is_taken(self, email: str) -> bool: ...

    def add(self, client: Client, at: datetime) -> None: ...

    def save_token(self, client: Client, at: datetime) -> None: ...

    def remove(self, client_id: ClientId, *, leaving_orphans: bool) -> None:
        """The client with all that is its own; `leaving_orphans` spares the rows that no foreign
        key ties to it (contract/schema.md, clients)."""
        ...

    def heard_of(self, client_ids: Collection[ClientId], at: datetime) -> None:
        """An agent of theirs gave a sign of life."""
        ...

    def credit(self, client_id: ClientId, amount: Decimal, at: datetime) -> None:
        """Add to the savings that the client has been credited with, USD."""
        ...


class AgentRepository(Protocol):
    def get(self, agent_id: AgentId, owner: ClientId | None) -> Agent: ...

    def get_for_update(self, agent_id: AgentId, owner: ClientId | None) -> Agent: ...

    def find_by_logical_id_for_update(
        self, client_id: ClientId, logical_id: LogicalAgentId
    ) -> Agent | None: ...

    def lock(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Agent]:
        """Those of the agents that exist, whoever owns them; held until the unit of work ends."""
        ...

    def of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Agent]:
        """As `lock`, without holding them."""
        ...

    def vitals_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Vitals]:
        """What telemetry needs to know of them; not held."""
        ...

    def limits_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, SwitchLimits]:
        """The defaults where nothing is stored."""
        ...

    def list_silent(self, since: datetime) -> Sequence[Agent]:
        """Online, and last heard from before that moment; held."""
        ...

    def find_on(self, instance_id: InstanceId, owner: ClientId | None) -> Agent | None:
        """The agent whose primary is that instance, a deleted one only if there is no other."""
        ...

    def serves_another(self, instance_id: InstanceId, agent_id: AgentId) -> bool:
        """Whether an agent besides that one, not deleted, has the instance as its primary."""
        ...

    def save_limits(self, agent_id: AgentId, limits: SwitchLimits, at: datetime) -> None: ...

    def add(self, agent: Agent, limits: SwitchLimits, at: datetime) -> None: ...

    def save(self, agent: Agent, at: datetime) -> None: ...

    def save_all(self, agents: Sequence[Agent], at: datetime) -> None:
        """As `save`, in one statement."""
        ...

    def heard(self, agent_ids: Collection[AgentId], at: datetime) -> None:
        """Save the time of a heartbeat that changed nothing else."""
        ...


class StandbyRepository(Protocol):
    def on_instance(self, client_id: ClientId, instance_id: InstanceId) -> Standby | None:
        """The live replica of one of the client's agents on that instance."""
        ...

    def of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Sequence[Standby]]: ...


class ReplicaRepository(Protocol):
    """Whoever writes holds the agent."""

    def find(self, agent_id: AgentId, replica_id: ReplicaId) -> Replica | None:
        """Whatever has become of it."""
        ...

    def active_of(self, agent_id: AgentId) -> Sequence[Replica]:
        """Live, promoted and failed ones, the newest first."""
        ...

    def of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Sequence[Replica]]:
        """As `active_of`."""
        ...

    def add(self, replica: Replica) -> None: ...

    def add_all(self, replicas: Sequence[Replica]) -> None:
        """As `add`, in one statement."""
        ...

    def save_all(self, replicas: Sequence[Replica]) -> None: ...


class InstanceRepository(Protocol):
    def find(self, instance_id: InstanceId) -> Instance | None:
        """Whoever owns it: an EC2 id exists once in the world."""
        ...

    def of(self, instance_ids: Collection[InstanceId]) -> Mapping[InstanceId, Instance]: ...

    def of_agent(self, agent_id: AgentId) -> Sequence[Instance]: ...

    def add(self, instance: Instance, at: datetime) -> None: ...

    def add_all(self, instances: Sequence[Instance], at: datetime) -> None:
        """As `add`, in one statement."""
        ...

    def save(self, instance: Instance, at: datetime) -> None: ...

    def save_all(self, instances: Sequence[Instance], at: datetime) -> None:
        """As `save`, in one statement."""
        ...

    def seen(self, instance_ids: Collection[InstanceId], at: datetime) -> None:
        """Note that they were reported on, and nothing of them has changed."""
        ...

    def save_prices(self, instances: Sequence[Instance], at: datetime) -> None:
        """Prices, mode and pool of each, in one statement; nothing else of them."""
        ...


class CommandRepository(Protocol):
    """Both queues; commands of the older one are `is_legacy` and have decimal ids."""

    def find(self, agent_id: AgentId, command_id: CommandId) -> Command | None: ...

    def open_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Sequence[Command]]: ...

    def find_switch_of(self, agent_id: AgentId, old_instance_id: InstanceId) -> Command | None:
        """The newest switch ordered of that instance that was handed out and has not failed."""
        ...

    def list_overdue(self, before: datetime) -> Sequence[Command]:
        """Open ones created before that moment; the older queue left out."""
        ...

    def add(self, command: Command) -> None: ...

    def save_all(self, commands: Sequence[Command]) -> None:
        """In one statement for each of the two queues."""
        ...

    def keep_result(self, command: Command, report: Mapping[str, object]) -> None: ...

    def close_legacy(
        self, command: Command, report: Mapping[str, object], at: datetime
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class SwitchActivity:
    """How often an agent has switched since some moment, and when last ever."""

    count: int = 0
    last_at: datetime | None = None


class SwitchRepository(Protocol):
    def add(self, switch: Switch) -> None: ...

    def was_reported(
        self,
        agent_id: AgentId,
        old_instance_id: InstanceId | None,
        new_instance_id: InstanceId,
        initiated_at: datetime,
    ) -> bool: ...

    def was_reported_for(self, command_id: CommandId) -> bool: ...

    def any_since(self, agent_id: AgentId, since: datetime) -> bool: ...

    def add_primary_changes(self, changes: Sequence[PrimaryChange]) -> None: ...

    def primary_changes_of(
        self, agent_ids: Collection[AgentId], reason: PromotionReason, since: datetime
    ) -> Mapping[AgentId, Sequence[PrimaryChange]]:
        """Those since that moment, the newest first."""
        ...

    def activity_of(
        self, agent_ids: Collection[AgentId], since: datetime
    ) -> Mapping[AgentId, SwitchActivity]: ...

    def times_of(
        self, agent_ids: Collection[AgentId], since: datetime
    ) -> Mapping[AgentId, Sequence[MoveTimes]]:
        """How long the moves recorded since then took, in any order."""
        ...


class InterruptionRepository(Protocol):
    def add(self, interruption: Interruption, at: datetime) -> InterruptionId: ...

    def add_all(self, interruptions: Sequence[Interruption], at: datetime) -> None: ...

    def save(self, interruption: Interruption) -> None: ...

    def save_all(self, interruptions: Sequence[Interruption]) -> None:
        """As `save`, in one statement; none of them twice."""
        ...

    def list_of(self, agent_id: AgentId, since: datetime) -> Sequence[Interruption]:
        """Those detected since then, the newest first."""
        ...

    def of(
        self, agent_ids: Collection[AgentId], since: datetime
    ) -> Mapping[AgentId, Sequence[Interruption]]:
        """As `list_of`."""
        ...

    def circumstances_of(
        self, pools: Mapping[AgentId, PoolId | None], since: datetime, now: datetime
    ) -> Mapping[AgentId, Circumstances]:
        """What is on record of the agents and of the pools that they are in; prices since that
        moment, or else the newest one before it."""
        ...

    def any_since(self, agent_id: AgentId, signal: SignalType, since: datetime) -> bool: ...

    def count_in_pool(self, pool_id: PoolId, since: datetime) -> int: ...

    def past_of(
        self, pool_ids: Collection[PoolId], since: datetime, most: int
    ) -> Mapping[PoolId, Sequence[PastInterruption]]:
        """Of each pool those detected since then, the newest first and no more than so many."""
        ...

    def losses_in(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, Sequence[datetime]]:
        """When instances in them were given notice, ascending."""
        ...

    def signs_in(self, pool_id: PoolId, since: datetime, most: int) -> Sequence[Sign]:
        """The newest ones detected since then, no more than so many, the newest first."""
        ...


class CleanupLog(Protocol):
    def add(self, report: CleanupReport) -> None: ...
