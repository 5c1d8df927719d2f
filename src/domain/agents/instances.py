"""The machines an agent has had, and the part each of them plays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Self

from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId, PoolId, ReplicaId
from spot_optimizer.domain.savings import DEFAULT_ON_DEMAND_PRICE, SPOT_ESTIMATE_FACTOR
from spot_optimizer.domain.values import Mode, hourly_price

# After a switch the old agent's last word may be this much later than its waiting time (2 min for
# ending the machine, 10 min for an image, and as much again; contract/real-agents.md section 4).
FAREWELL_IS_LATE: Final = timedelta(minutes=30)


class InstanceRole(StrEnum):
    """Derived, there is no column (contract/domain.md 4.6.4)."""

    PRIMARY = "primary"
    STANDBY = "standby"
    FORMER = "former"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standby:
    """The live replica of an agent, as far as identity is concerned."""

    replica_id: ReplicaId
    agent_id: AgentId
    instance_id: InstanceId
    replica_type: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    id: InstanceId
    client_id: ClientId
    agent_id: AgentId | None
    instance_type: str
    region: str
    zone: str
    ami_id: str | None = None
    mode: Mode = Mode.UNKNOWN
    pool_id: PoolId | None = None
    spot_price: Decimal | None = None
    on_demand_price: Decimal | None = None
    baseline_on_demand_price: Decimal | None = None
    is_active: bool = True
    installed_at: datetime | None = None
    last_switch_at: datetime | None = None
    terminated_at: datetime | None = None

    def bind(self, agent: Agent, compatibility: Compatibility) -> Self:
        """It runs for this agent, again or still; its prices stay."""
        if compatibility.registration_leaves_instances:
            return self
        at = agent.placement
        return replace(
            self,
            agent_id=agent.id,
            instance_type=at.instance_type or self.instance_type,
            region=at.region or self.region,
            zone=at.zone or self.zone,
            ami_id=agent.ami_id or self.ami_id,
            mode=self.mode if at.mode is Mode.UNKNOWN else at.mode,
            pool_id=self.pool_id if at.mode is Mode.UNKNOWN else at.pool_id,
            is_active=True,
            terminated_at=None,
        )

    def close(self, at: datetime) -> Self:
        """It has ended, or is about to by our order."""
        return replace(self, is_active=False, terminated_at=at)

    def learn_mode(self, mode: Mode | None, pool_id: PoolId | None) -> Self:
        """Its agent has said how it is paid for."""
        if mode is None or mode is Mode.UNKNOWN:
            return self
        learned = pool_id if mode is Mode.SPOT else None
        if mode is self.mode and learned == self.pool_id:
            return self
        return replace(self, mode=mode, pool_id=learned)

    def price(
        self, spot_price: Decimal | None, on_demand_price: Decimal | None, compat: Compatibility
    ) -> Self:
        """Take reported prices; what a report does not say stays as it is."""
        if not compat.price_report_overwrites:
            spot_price = self.spot_price if spot_price is None else spot_price
            on_demand_price = self.on_demand_price if on_demand_price is None else on_demand_price
        if spot_price == self.spot_price and on_demand_price == self.on_demand_price:
            return self
        return replace(self, spot_price=spot_price, on_demand_price=on_demand_price)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingPrices:
    """Prices that a new instance begins with (contract/domain.md 4.6.2), USD per hour."""

    on_demand: Decimal
    spot: Decimal

    @classmethod
    def for_instance(
        cls, mode: Mode, known_on_demand: Decimal | None, known_spot: Decimal | None
    ) -> "StartingPrices":
        on_demand = DEFAULT_ON_DEMAND_PRICE if known_on_demand is None else known_on_demand
        if mode is not Mode.SPOT:
            return cls(on_demand=on_demand, spot=Decimal(0))
        estimate = hourly_price(on_demand * SPOT_ESTIMATE_FACTOR)
        return cls(on_demand=on_demand, spot=estimate if known_spot is None else known_spot)


def new_instance(
    agent: Agent, prices: StartingPrices, now: datetime, compatibility: Compatibility
) -> Instance:
    """The record of the agent's primary, met for the first time."""
    if agent.primary_instance_id is None:
        raise ValueError("the agent has no primary instance")
    at = agent.placement
    return Instance(
        id=agent.primary_instance_id,
        client_id=agent.client_id,
        agent_id=agent.id,
        instance_type=at.instance_type or "",
        region=at.region or "",
        zone=at.zone or "",
        ami_id=agent.ami_id,
        mode=at.mode,
        pool_id=None if compatibility.registration_leaves_instances else at.pool_id,
        spot_price=prices.spot,
        on_demand_price=prices.on_demand,
        baseline_on_demand_price=prices.on_demand,
        installed_at=now,
    )


def role_of(
    instance_id: InstanceId | None,
    agent: Agent,
    recorded: Instance | None,
    standby: Standby | None,
) -> InstanceRole:
    """Who speaks: `recorded` is the row of that instance, `standby` the live replica on it."""
    if instance_id is None or instance_id == agent.primary_instance_id:
        return InstanceRole.PRIMARY
    if standby is not None and standby.agent_id == agent.id:
        return InstanceRole.STANDBY
    if recorded is not None and recorded.agent_id == agent.id:
        return InstanceRole.FORMER
    return InstanceRole.UNKNOWN


def is_last_word_of_a_predecessor(
    agent: Agent, instances: Sequence[Instance], now: datetime
) -> bool:
    """Whether a farewell without a name is meant by an instance that has been replaced.

    The successor starts minutes before its predecessor says goodbye. If it was the successor after
    all, its silence marks the agent offline two minutes later.
    """
    primary = next((i for i in instances if i.id == agent.primary_instance_id), None)
    if primary is None or len(instances) == 1:
        return False
    wait = timedelta(seconds=agent.settings.switch_terminate_wait_seconds)
    began = max(
        (at for at in (primary.installed_at, agent.last_switch_at) if at is not None), default=None
    )
    return began is not None and now - began <= wait + FAREWELL_IS_LATE
