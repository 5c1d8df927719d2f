from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import save_replicas
from spot_optimizer.application.replicas.market import (
    market_around,
    pasts_of_equals,
    pool_of_replica,
)
from spot_optimizer.application.replicas.promotions import primary_of
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound, Forbidden
from spot_optimizer.domain.identifiers import AgentId, InstanceId
from spot_optimizer.domain.interruption_features import PRICE_LOOK_BACK, Features
from spot_optimizer.domain.interruptions import (
    HORIZON,
    REPEAT_WINDOW,
    Interruption,
    SignalType,
    same_notice,
)
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.replicas.emergency import (
    EmergencyReplica,
    make_emergency_replica,
    pools_that_failed,
)
from spot_optimizer.domain.replicas.pools import NO_WISHES, Wishes
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.replicas.standbys import live, newest


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRequest:
    signal_type: SignalType
    instance_id: InstanceId | None = None
    termination_at: datetime | None = None
    wishes: Wishes = NO_WISHES


@dataclass(frozen=True, slots=True)
class EmergencyAnswer:
    replica: Replica
    pool: SpotPool


@dataclass(frozen=True, slots=True)
class EnsureEmergencyReplica:
    """Because of a notice one replica is wanted in the safest pool: the one that lives, or a new
    one; never a second. Depends on no model, engine or cache (INV-14)."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    price_freshness: timedelta
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(
        self, agent_id: AgentId, request: EmergencyRequest, caller: Caller
    ) -> EmergencyAnswer:
        """Raises:
        AgentNotFound: unknown, or nobody has written down what its primary is.
        Forbidden: the agent is not switched automatically.
        NoCapacity: there is no other pool.
        """
        now = self.clock.now()
        with self.unit_of_work() as work:
            agent = work.agents.get_for_update(agent_id, caller.owner)
            primary = primary_of(work, agent)
            if primary is None or agent.is_deleted:
                raise AgentNotFound
            _check_allowed(agent)
            known = work.replicas.active_of(agent.id)
            standing = newest(live(known))
            notice = self._notice(work, agent, primary, request, now)
            if standing is not None:
                answer = EmergencyAnswer(standing, pool_of_replica(work, standing))
                noted = agent
                if notice.id is None:
                    unmet = replace(notice, replica_id=standing.id)
                    work.interruptions.add(unmet, now)
            else:
                market = market_around(work, agent, primary, now, self.price_freshness)
                if self.compatibility.emergencies_need_prices:
                    market = market.with_prices()
                wanted = EmergencyReplica(
                    signal_type=request.signal_type,
                    termination_at=request.termination_at,
                    created_by="system",
                )
                made = make_emergency_replica(
                    wanted,
                    agent,
                    known,
                    market,
                    self.identifiers.new_id(),
                    now,
                    request.wishes,
                    pasts_of_equals(
                        work,
                        market,
                        market.equally_safe(request.wishes, pools_that_failed(known)),
                    ),
                )
                answer = EmergencyAnswer(made, pool_of_replica(work, made))
                counted = save_replicas(work, agent, known, [made], now, caller, self.compatibility)
                noted = replace(counted, current_replica_id=made.id).protected_in_emergency()
                self._keep(work, notice.answered_by(made.id), agent, primary, now)
            if notice.id is None:
                record(work, occurrences.notice_accepted(agent, notice, now), caller)
            work.agents.save(_warned(noted, request.signal_type, now), now)
            work.commit()
        return answer

    @staticmethod
    def _notice(
        work: UnitOfWork,
        agent: Agent,
        primary: Instance,
        request: EmergencyRequest,
        now: datetime,
    ) -> Interruption:
        """The same notice as it stands on record, or a new one (INV-13)."""
        instance_id = request.instance_id or primary.id
        earlier = work.interruptions.list_of(agent.id, now - HORIZON)
        known = same_notice(earlier, request.signal_type, instance_id, now)
        if known is None and request.signal_type is SignalType.REBALANCE_RECOMMENDATION:
            # An agent's clock may be wrong, so what was accepted lately counts whatever it said.
            lately = agent.was_warned_since(now - REPEAT_WINDOW)
            advice = [one for one in earlier if not one.is_termination]
            known = advice[0] if advice and lately else None
        if known is not None:
            return known.standing() if instance_id == primary.id else known
        return Interruption(
            agent_id=agent.id,
            instance_id=instance_id,
            pool_id=primary.pool_id or agent.placement.pool_id,
            signal_type=request.signal_type,
            detected_at=now,
            termination_at=request.termination_at,
        )

    @staticmethod
    def _keep(
        work: UnitOfWork, notice: Interruption, agent: Agent, primary: Instance, now: datetime
    ) -> None:
        """With what can be learnt from it."""
        seen = work.interruptions.circumstances(
            agent.id, notice.pool_id, now - PRICE_LOOK_BACK, now
        )
        learnt = Features.of(replace(seen, instance_since=primary.installed_at))
        if notice.id is None:
            work.interruptions.add(replace(notice, features=learnt), now)
        else:
            work.interruptions.save(replace(notice, features=learnt))


def _check_allowed(agent: Agent) -> None:
    if not agent.settings.auto_switch_enabled:
        raise Forbidden(
            "Emergency replica creation disabled",
            reason="auto_switch_enabled is OFF. Enable auto-switch mode in agent configuration "
            "to allow automatic emergency replicas.",
            hint="Turn on Auto-Switch Mode in agent settings to enable emergency failover "
            "protection",
        )


def _warned(agent: Agent, signal: SignalType, now: datetime) -> Agent:
    if signal is SignalType.TERMINATION_NOTICE:
        return agent.note_termination_notice(now)
    return agent.note_rebalance_recommendation(now)
