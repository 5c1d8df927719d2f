"""Who an agent is that introduces itself (contract/domain.md 4.6.5)."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.agents.agent import Agent, AgentSettings, AgentStatus, Placement
from spot_optimizer.domain.agents.instances import InstanceRole
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import (
    AgentId,
    ClientId,
    InstanceId,
    LogicalAgentId,
    PoolId,
)
from spot_optimizer.domain.values import Mode

STANDBY_SUFFIX: Final = "-replica"


class RegistrationOutcome(StrEnum):
    MINTED = "minted"
    REFRESHED = "refreshed"
    MIGRATED = "migrated"
    REVIVED = "revived"
    ACKNOWLEDGED_STANDBY = "acknowledged_replica"
    ACKNOWLEDGED_FORMER = "acknowledged_zombie"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    logical_agent_id: LogicalAgentId
    instance_id: InstanceId
    instance_type: str
    region: str
    zone: str
    mode: Mode | None = None
    pool_id: PoolId | None = None
    hostname: str | None = None
    ami_id: str | None = None
    agent_version: str | None = None
    private_ip: str | None = None
    public_ip: str | None = None

    @property
    def base_logical_id(self) -> LogicalAgentId | None:
        """The agent that a standby's own agent belongs to, when its name says so."""
        base = self.logical_agent_id.removesuffix(STANDBY_SUFFIX)
        return LogicalAgentId(base) if base and base != self.logical_agent_id else None

    @property
    def placement(self) -> Placement:
        place = Placement(
            instance_type=self.instance_type,
            region=self.region,
            zone=self.zone,
            mode=self.mode or Mode.UNKNOWN,
        )
        pool_id = self.pool_id if place.mode is Mode.SPOT else None
        return replace(place, pool_id=pool_id or place.derived_pool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What a registration comes to."""

    outcome: RegistrationOutcome
    agent: Agent
    former_instance_id: InstanceId | None = None

    @property
    def speaks_for_the_agent(self) -> bool:
        return self.outcome not in (
            RegistrationOutcome.ACKNOWLEDGED_STANDBY,
            RegistrationOutcome.ACKNOWLEDGED_FORMER,
        )


def mint(
    agent_id: AgentId, client_id: ClientId, registration: Registration, now: datetime
) -> Registered:
    """An agent nobody knew."""
    unborn = Agent(
        id=agent_id,
        client_id=client_id,
        logical_agent_id=registration.logical_agent_id,
        installed_at=now,
    )
    return Registered(
        outcome=RegistrationOutcome.MINTED,
        agent=_introduced(unborn, registration, registration.placement, now),
    )


def register(
    agent: Agent,
    registration: Registration,
    role: InstanceRole,
    now: datetime,
    compatibility: Compatibility,
) -> Registered:
    """A known agent introduces itself from an instance in that role.

    First match wins: standbys, and former instances while the primary lives, are acknowledged and
    move nothing (INV-9); a deleted agent comes back under its id with its settings reset (INV-10).
    """
    guarded = not compatibility.registration_always_moves_primary
    if guarded and role is InstanceRole.STANDBY:
        return Registered(outcome=RegistrationOutcome.ACKNOWLEDGED_STANDBY, agent=agent)
    if agent.is_deleted:
        kept = agent.settings if compatibility.deletion_is_not_final else AgentSettings()
        reset = replace(agent, settings=kept, terminated_at=None)
        return Registered(
            outcome=RegistrationOutcome.REVIVED,
            agent=_introduced(reset, registration, registration.placement, now),
            former_instance_id=agent.primary_instance_id,
        )
    if role is InstanceRole.PRIMARY or agent.primary_instance_id is None:
        return Registered(
            outcome=RegistrationOutcome.REFRESHED,
            agent=_introduced(agent, registration, _refreshed(agent, registration), now),
        )
    if guarded and role is InstanceRole.FORMER and agent.primary_is_alive(now):
        return Registered(outcome=RegistrationOutcome.ACKNOWLEDGED_FORMER, agent=agent)
    return Registered(
        outcome=RegistrationOutcome.MIGRATED,
        agent=_introduced(agent, registration, registration.placement, now),
        former_instance_id=agent.primary_instance_id,
    )


def _refreshed(agent: Agent, registration: Registration) -> Placement:
    """The same instance says again where it is; not saying how it is paid for forgets nothing."""
    said = registration.placement
    if said.mode is not Mode.UNKNOWN:
        return said
    known = replace(said, mode=agent.placement.mode)
    return replace(known, pool_id=agent.placement.pool_id or known.derived_pool)


def _introduced(
    agent: Agent, registration: Registration, placement: Placement, now: datetime
) -> Agent:
    return replace(
        agent.follow(registration.instance_id, placement),
        status=AgentStatus.ONLINE,
        hostname=registration.hostname,
        ami_id=registration.ami_id,
        agent_version=registration.agent_version,
        private_ip=registration.private_ip,
        public_ip=registration.public_ip,
        last_heartbeat_at=now,
    )
