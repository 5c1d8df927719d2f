"""What a client changes about its agents (contract/clients-and-notifications.md section 5)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from spot_optimizer.domain.agents.agent import AgentSettings
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsChange:
    """None is not said."""

    min_savings_percent: Decimal | None = None
    risk_threshold: Decimal | None = None
    max_switches_per_week: int | None = None
    min_pool_duration_hours: int | None = None

    def applied_to(self, limits: SwitchLimits) -> SwitchLimits:
        return replace(
            limits,
            min_savings_percent=_said(self.min_savings_percent, limits.min_savings_percent),
            risk_threshold=_said(self.risk_threshold, limits.risk_threshold),
            max_switches_per_week=_said(self.max_switches_per_week, limits.max_switches_per_week),
            min_pool_duration_hours=_said(
                self.min_pool_duration_hours, limits.min_pool_duration_hours
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChange:
    """None is not said."""

    auto_switch_enabled: bool | None = None
    manual_replica_enabled: bool | None = None
    auto_terminate_enabled: bool | None = None
    terminate_wait_seconds: int | None = None
    replica_enabled: bool | None = None
    replica_count: int | None = None
    limits: LimitsChange = LimitsChange()

    @property
    def says_nothing(self) -> bool:
        return self == SettingsChange()

    def applied_to(self, settings: AgentSettings) -> AgentSettings:
        auto, manual = self._exclusive(settings)
        return replace(
            settings,
            auto_switch_enabled=auto,
            manual_replica_enabled=manual,
            auto_terminate_enabled=_said(
                self.auto_terminate_enabled, settings.auto_terminate_enabled
            ),
            terminate_wait_seconds=_said(
                self.terminate_wait_seconds, settings.terminate_wait_seconds
            ),
            replica_enabled=_said(self.replica_enabled, settings.replica_enabled),
            replica_count=_said(self.replica_count, settings.replica_count),
        )

    def ends(
        self, replicas: Iterable[Replica], before: AgentSettings, compatibility: Compatibility
    ) -> list[Replica]:
        """Which of the active replicas, promoted ones aside, have no reason any more (5.5).

        They end when manual mode was on and goes off: all of them by its own switch; when
        auto-switch takes its place, emergency replicas live on.
        """
        after = self.applied_to(before)
        if not before.manual_replica_enabled or after.manual_replica_enabled:
            return []
        if compatibility.only_counted_replicas_end and before.replica_count < 1:
            return []
        unpromoted = [one for one in replicas if one.status is not ReplicaStatus.PROMOTED]
        if self.manual_replica_enabled is None:
            return [one for one in unpromoted if not one.is_automatic]
        return unpromoted

    def _exclusive(self, settings: AgentSettings) -> tuple[bool, bool]:
        """Auto-switch and manual replicas, never both on; the latter win (5.5)."""
        if self.manual_replica_enabled:
            return False, True
        auto = _said(self.auto_switch_enabled, settings.auto_switch_enabled)
        if self.manual_replica_enabled is not None or self.auto_switch_enabled:
            return auto, False
        return auto, settings.manual_replica_enabled


def _said(value: T | None, otherwise: T) -> T:
    return otherwise if value is None else value
