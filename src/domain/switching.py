"""A move to another pool or mode, as the agent reports it when it is done."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from spot_optimizer.domain.agents.agent import Agent, Placement
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import (
    AgentId,
    ClientId,
    CommandId,
    InstanceId,
    PoolId,
    SwitchId,
)
from spot_optimizer.domain.savings import savings_impact
from spot_optimizer.domain.values import Mode, hourly_price

TRIGGER_LENGTH: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedInstance:
    """One end of a switch; None is not said."""

    instance_id: InstanceId | None = None
    instance_type: str | None = None
    region: str | None = None
    zone: str | None = None
    ami_id: str | None = None
    mode: str | None = None
    pool_id: PoolId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPrices:
    """USD per hour; None is not known."""

    on_demand: Decimal | None = None
    old_spot: Decimal | None = None
    new_spot: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchTiming:
    initiated_at: datetime | None = None
    ami_created_at: datetime | None = None
    instance_launched_at: datetime | None = None
    instance_ready_at: datetime | None = None
    old_terminated_at: datetime | None = None


TRAFFIC_SWITCHED: Final = "traffic_switched_at"
"""When the work had gone over: what agents report and no column holds (contract/real-agents.md)."""


def time_told(timing_as_received: object, name: str) -> datetime | None:
    """ISO 8601, naive ones being UTC; None for whatever is no time."""
    told = timing_as_received.get(name) if isinstance(timing_as_received, Mapping) else None
    if not isinstance(told, str):
        return None
    try:
        moment = datetime.fromisoformat(told.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The image or volume copy that the new instance was made from."""

    used: bool = False
    snapshot_id: str | None = None
    ami_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchReport:
    old: ReportedInstance
    new: ReportedInstance
    new_instance_id: InstanceId
    prices: SwitchPrices
    timing: SwitchTiming
    timing_as_received: Mapping[str, object]
    trigger: str | None
    command_id: CommandId | None
    snapshot: Snapshot

    @property
    def savings_impact(self) -> Decimal:
        """USD per hour saved by the switch; negative when it became dearer."""
        return hourly_price(
            savings_impact(
                old_spot=self.prices.old_spot,
                new_spot=self.prices.new_spot,
                on_demand=self.prices.on_demand,
            )
        )

    def moves_primary(self, agent: Agent, now: datetime, compatibility: Compatibility) -> bool:
        """Whether the agent follows (contract/domain.md 4.6.7): a late report of an instance that
        another has replaced meanwhile does not pull the workload back."""
        return (
            compatibility.registration_always_moves_primary
            or agent.primary_instance_id is None
            or self.old.instance_id in (None, agent.primary_instance_id)
            or self.new_instance_id == agent.primary_instance_id
            or not agent.primary_is_alive(now)
        )

    def new_placement(self, agent: Agent, compatibility: Compatibility) -> Placement:
        """Where the workload runs now; what the report leaves out is taken from the agent."""
        before = agent.placement
        mode = mode_of(self.new.mode)
        told = Placement(
            instance_type=self.new.instance_type or before.instance_type,
            region=self.new.region or before.region,
            zone=self.new.zone or before.zone,
            mode=before.mode if mode is Mode.UNKNOWN else mode,
        )
        pool_id = self.new.pool_id or told.derived_pool if told.mode is Mode.SPOT else None
        if compatibility.switch_report_touches_little:
            told = Placement(
                instance_type=before.instance_type,
                region=before.region,
                zone=before.zone,
                mode=told.mode,
            )
        return Placement(
            instance_type=told.instance_type,
            region=told.region,
            zone=told.zone,
            mode=told.mode,
            pool_id=pool_id,
        )

    def new_instance(
        self,
        agent: Agent,
        known: Instance | None,
        baseline: Decimal | None,
        now: datetime,
        compatibility: Compatibility,
    ) -> Instance:
        """The record of the new instance: `known` brought up to date, or a first one.

        `baseline` is what savings of the old instance were measured against, USD per hour.
        """
        little = compatibility.switch_report_touches_little
        launched_at = self.timing.instance_launched_at
        if not compatibility.former_switch_report_names:
            launched_at = launched_at or now
        before, mode = agent.placement, mode_of(self.new.mode)
        placed = Placement(
            instance_type=self.new.instance_type or before.instance_type,
            region=self.new.region or before.region,
            zone=self.new.zone or before.zone,
            mode=mode,
        )
        instance = known or Instance(
            id=self.new_instance_id,
            client_id=agent.client_id,
            agent_id=agent.id,
            instance_type=placed.instance_type or "",
            region=placed.region or "",
            zone=placed.zone or "",
            ami_id=self.new.ami_id,
            baseline_on_demand_price=None if little else self.prices.on_demand or baseline,
            installed_at=launched_at,
        )
        priced = replace(
            instance,
            mode=mode,
            pool_id=self.new.pool_id or placed.derived_pool if mode is Mode.SPOT else None,
            spot_price=self.prices.new_spot or Decimal(0),
            on_demand_price=self.prices.on_demand,
            is_active=True,
            last_switch_at=launched_at,
        )
        if little:
            return priced
        return replace(
            priced,
            agent_id=agent.id,
            instance_type=placed.instance_type or instance.instance_type,
            region=placed.region or instance.region,
            zone=placed.zone or instance.zone,
            ami_id=self.new.ami_id or instance.ami_id,
            mode=instance.mode if mode is Mode.UNKNOWN else mode,
            pool_id=instance.pool_id if mode is Mode.UNKNOWN else priced.pool_id,
            on_demand_price=self.prices.on_demand or instance.on_demand_price,
            baseline_on_demand_price=instance.baseline_on_demand_price
            or self.prices.on_demand
            or baseline,
            terminated_at=None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """The permanent record of a switch."""

    id: SwitchId
    client_id: ClientId
    agent_id: AgentId
    command_id: CommandId | None
    report: SwitchReport
    initiated_at: datetime | None
    recorded_at: datetime

    @property
    def trigger(self) -> str | None:
        return self.report.trigger and self.report.trigger[:TRIGGER_LENGTH]


_MODES: Final = {mode.value: mode for mode in Mode}


def mode_of(text: str | None) -> Mode:
    """Agents may name any mode; what is none of ours is unknown."""
    return _MODES.get(text or "", Mode.UNKNOWN)
