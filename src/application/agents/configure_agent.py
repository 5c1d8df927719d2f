from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import save_if_changed, save_replicas
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import dashboard_occurrences
from spot_optimizer.domain.agents.agent import Agent, AgentSettings
from spot_optimizer.domain.agents.settings_change import LimitsChange, SettingsChange
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.replicas.replica import Replica

_REASON: Final = "manual replicas turned off"


@dataclass(frozen=True, slots=True)
class ConfigureAgent:
    """A client changes how an agent is run. Replicas that have no reason any more end."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(
        self, agent_id: AgentId, wanted: Callable[[], SettingsChange], caller: Caller
    ) -> AgentSettings:
        """As they stand afterwards. `wanted` is read once the agent is known to be there, and may
        refuse what was sent."""
        now = self.clock.now()
        with self.unit_of_work() as work:
            before = work.agents.get_for_update(agent_id, caller.owner)
            if before.is_deleted:
                raise AgentNotFound
            change = wanted()
            if change.says_nothing:
                return before.settings
            after = self._change(work, before, change, caller, now)
            self._limit(work, before, change.limits, caller, now)
            work.commit()
        return after.settings

    def _change(
        self,
        work: UnitOfWork,
        before: Agent,
        change: SettingsChange,
        caller: Caller,
        now: datetime,
    ) -> Agent:
        after = replace(before, settings=change.applied_to(before.settings))
        ended: list[Replica] = []
        if before.settings.manual_replica_enabled and not after.settings.manual_replica_enabled:
            replicas = work.replicas.active_of(before.id)
            ended = [
                one.terminate(now)
                for one in change.ends(replicas, before.settings, self.compatibility)
            ]
            if ended:
                after = save_replicas(
                    work, after, replicas, ended, now, caller, self.compatibility, _REASON
                )
        save_if_changed(work, before, after, now)
        gone = [one.id for one in ended]
        told = dashboard_occurrences.agent_configured(before, after, gone, now)
        record(work, told, caller)
        return after

    def _limit(
        self,
        work: UnitOfWork,
        agent: Agent,
        change: LimitsChange,
        caller: Caller,
        now: datetime,
    ) -> None:
        if change == LimitsChange():
            return
        before = work.agents.limits_of([agent.id])[agent.id]
        after = change.applied_to(before)
        work.agents.save_limits(agent.id, after, now)
        record(work, dashboard_occurrences.limits_changed(agent, before, after, now), caller)
