"""The managed workload: one identity that outlives its instances."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.agents.life_cycle import TRANSITIONS as TRANSITIONS
from spot_optimizer.domain.agents.life_cycle import AgentStatus as AgentStatus
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import (
    AgentId,
    ClientId,
    InstanceId,
    LogicalAgentId,
    PoolId,
    ReplicaId,
    pool_of,
)
from spot_optimizer.domain.values import Mode

# A primary that was heard from within this time keeps its place (contract/domain.md 4.6.2).
PRIMARY_COUNTS_AS_ALIVE: Final = timedelta(seconds=600)

DEFAULT_TERMINATE_WAIT_SECONDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """What the client has decided about this agent."""

    enabled: bool = True
    auto_switch_enabled: bool = True
    manual_replica_enabled: bool = False
    auto_terminate_enabled: bool = True
    terminate_wait_seconds: int | None = DEFAULT_TERMINATE_WAIT_SECONDS
    replica_enabled: bool = False
    replica_count: int = 0

    @property
    def switch_terminate_wait_seconds(self) -> int:
        """How long the old instance of a switch lives on; 0 keeps it."""
        if not self.auto_terminate_enabled:
            return 0
        return self.terminate_wait_seconds or DEFAULT_TERMINATE_WAIT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where an instance runs and how it is paid for; None is not known."""

    instance_type: str | None = None
    region: str | None = None
    zone: str | None = None
    mode: Mode = Mode.UNKNOWN
    pool_id: PoolId | None = None

    @property
    def derived_pool(self) -> PoolId | None:
        """A spot instance runs in the pool of its type and zone; any other in none."""
        if self.mode is Mode.SPOT and self.instance_type and self.zone:
            return pool_of(self.instance_type, self.zone)
        return None

    def told(self, heartbeat: Heartbeat, compatibility: Compatibility) -> Self:
        """What the heartbeat says replaces what was known; silence and `unknown` do not."""
        placement = replace(
            self,
            instance_type=heartbeat.instance_type or self.instance_type,
            zone=heartbeat.zone or self.zone,
            mode=self.mode if heartbeat.mode in (None, Mode.UNKNOWN) else heartbeat.mode,
        )
        if compatibility.keep_pool_on_heartbeat or not heartbeat.says_where:
            return placement
        pool_id = heartbeat.pool_id if placement.mode is Mode.SPOT else None
        return replace(placement, pool_id=pool_id or placement.derived_pool)

    def learn_mode(self, mode: Mode | None, pool_id: PoolId | None) -> Self:
        """The same place, paid for as somebody has said who knows."""
        if mode is None or mode is Mode.UNKNOWN:
            return self
        if mode is self.mode and pool_id is not None and pool_id == self.pool_id:
            return self
        placement = replace(self, mode=mode)
        pool_id = pool_id or placement.derived_pool if mode is Mode.SPOT else None
        return replace(placement, pool_id=pool_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    id: AgentId
    client_id: ClientId
    logical_agent_id: LogicalAgentId
    primary_instance_id: InstanceId | None = None
    placement: Placement = Placement()
    status: AgentStatus = AgentStatus.OFFLINE
    settings: AgentSettings = AgentSettings()
    hostname: str | None = None
    ami_id: str | None = None
    private_ip: str | None = None
    public_ip: str | None = None
    agent_version: str | None = None
    current_replica_id: ReplicaId | None = None
    interruption_handled_count: int = 0
    emergency_replica_count: int = 0
    installed_at: datetime | None = None
    last_heartbeat_at: datetime | None = None
    last_switch_at: datetime | None = None
    last_failover_at: datetime | None = None
    last_interruption_signal_at: datetime | None = None
    last_rebalance_recommendation_at: datetime | None = None
    last_termination_notice_at: datetime | None = None
    last_cleanup_at: datetime | None = None
    terminated_at: datetime | None = None

    @property
    def is_deleted(self) -> bool:
        return self.status is AgentStatus.DELETED

    @property
    def name(self) -> str:
        """What people call it."""
        return self.hostname or self.id

    def primary_is_alive(self, now: datetime) -> bool:
        return (
            self.primary_instance_id is not None
            and self.status not in (AgentStatus.OFFLINE, AgentStatus.DELETED)
            and self.last_heartbeat_at is not None
            and now - self.last_heartbeat_at <= PRIMARY_COUNTS_AS_ALIVE
        )

    def already_at(self, mode: Mode, pool_id: PoolId | None) -> bool:
        """Whether a switch there would change nothing."""
        if mode is not self.placement.mode:
            return False
        return mode is not Mode.SPOT or pool_id == self.placement.pool_id

    def hear(self, heartbeat: Heartbeat, now: datetime, compatibility: Compatibility) -> Self:
        """Take a heartbeat of the primary, or of an instance that nobody has met."""
        if self.is_deleted and not compatibility.deletion_is_not_final:
            return replace(self, last_heartbeat_at=now)
        return replace(
            self,
            status=_entered(self.status, AgentStatus(heartbeat.status)),
            last_heartbeat_at=now,
            primary_instance_id=heartbeat.instance_id or self.primary_instance_id,
            placement=self.placement.told(heartbeat, compatibility),
        )

    def follow(self, instance_id: InstanceId, placement: Placement) -> Self:
        """Another instance carries the workload from now on."""
        return replace(self, primary_instance_id=instance_id, placement=placement)

    def switched(self, now: datetime) -> Self:
        return replace(self, last_switch_at=now)

    def learn_mode(self, mode: Mode | None, pool_id: PoolId | None) -> Self:
        """The primary has said how it is paid for; only price reports of old agents do."""
        placement = self.placement.learn_mode(mode, pool_id)
        return self if placement == self.placement else replace(self, placement=placement)

    def terminate(self, now: datetime) -> Self:
        """The agent's instance has ended; a deleted agent stays deleted."""
        status = self.status if self.is_deleted else AgentStatus.OFFLINE
        return replace(self, status=status, terminated_at=now)

    def enable(self, *, enabled: bool) -> Self:
        return replace(self, settings=replace(self.settings, enabled=enabled))

    def delete(self) -> Self:
        """Its client is done with it; the instance is remembered, and so is all history."""
        return replace(
            self,
            status=AgentStatus.DELETED,
            settings=replace(
                self.settings,
                enabled=False,
                auto_switch_enabled=False,
                manual_replica_enabled=False,
                replica_count=0,
            ),
            current_replica_id=None,
        )

    def fall_silent(self) -> Self:
        """No heartbeat came for too long."""
        return replace(self, status=_entered(self.status, AgentStatus.OFFLINE))

    def clean_up(self, now: datetime) -> Self:
        return replace(self, last_cleanup_at=now)

    def was_warned_since(self, moment: datetime) -> bool:
        """Whether a rebalance recommendation was accepted since then."""
        warned_at = self.last_rebalance_recommendation_at
        return warned_at is not None and warned_at >= moment

    def has_replicas(self, live: int, current: ReplicaId | None) -> Self:
        """How many live replicas it has, and which of them counts (INV-6)."""
        return replace(
            self,
            settings=replace(self.settings, replica_count=live),
            current_replica_id=current,
        )

    def fail_over(self, now: datetime, *, in_emergency: bool) -> Self:
        return replace(
            self,
            last_failover_at=now,
            interruption_handled_count=self.interruption_handled_count + in_emergency,
        )

    def protected_in_emergency(self) -> Self:
        """A replica was made because of a notice."""
        return replace(self, emergency_replica_count=self.emergency_replica_count + 1)

    def note_rebalance_recommendation(self, now: datetime) -> Self:
        return replace(self, last_interruption_signal_at=now, last_rebalance_recommendation_at=now)

    def note_termination_notice(self, now: datetime) -> Self:
        return replace(self, last_interruption_signal_at=now, last_termination_notice_at=now)

    def accept_rebalance_recommendation(self, now: datetime) -> Self:
        return replace(
            self.note_rebalance_recommendation(now),
            interruption_handled_count=self.interruption_handled_count + 1,
        )


def _entered(status: AgentStatus, wanted: AgentStatus) -> AgentStatus:
    """Agents that report their own deletion are offline; only a client deletes."""
    if wanted is AgentStatus.DELETED:
        wanted = AgentStatus.OFFLINE
    return wanted if wanted in TRANSITIONS[status] else status
