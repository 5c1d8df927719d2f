from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from spot_optimizer.application.interruptions.notice_records import OnRecord
from spot_optimizer.application.interruptions.rounds import each_agent_once
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import ReplicaChanges, save_replicas_of_all
from spot_optimizer.application.replicas.machines import instances_named, primary_among
from spot_optimizer.application.replicas.market import (
    Markets,
    pool_among,
)
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import interruption_occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound, DomainError, Forbidden
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
class ReceivedEmergency:
    agent_id: AgentId
    wanted: EmergencyRequest
    caller: Caller


@dataclass(frozen=True, slots=True)
class EmergencyAnswer:
    replica: Replica
    pool: SpotPool


@dataclass(frozen=True, slots=True)
class EnsureEmergencyReplica:
    """Because of a notice one replica is wanted in the safest pool: the one that lives, or a new
    one; never a second. Depends on no model, engine or cache (INV-14).

    Takes what arrives together in one transaction, and asks for what it has to know of all agents
    together."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    price_freshness: timedelta
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(
        self, received: Sequence[ReceivedEmergency]
    ) -> Sequence[EmergencyAnswer | DomainError]:
        """In the order of the requests; in place of an answer

        AgentNotFound: unknown, or nobody has written down what its primary is.
        Forbidden: the agent is not switched automatically.
        NoCapacity: there is no other pool.
        """
        answers: dict[int, EmergencyAnswer | DomainError] = {}
        now = self.clock.now()
        with self.unit_of_work() as work:
            agents = work.agents.lock({one.agent_id for one in received})
            for together in each_agent_once(received):
                asked = _Round(
                    work,
                    now,
                    self.identifiers,
                    Markets(work, now, self.price_freshness),
                    self.compatibility,
                )
                answers |= asked.answers(agents, together)
                agents = {**agents, **asked.changed_agents}
            work.commit()
        return [answers[place] for place in range(len(received))]


@dataclass(frozen=True, slots=True)
class _Case:
    """A request, and what is known about it."""

    agent: Agent
    primary: Instance
    known: Sequence[Replica]
    notice: Interruption
    """As it stands on record, or a new one (INV-13)."""
    wanted: EmergencyRequest
    by: Caller


@dataclass(frozen=True, slots=True)
class _Round:
    """Requests of different agents."""

    work: UnitOfWork
    now: datetime
    identifiers: Identifiers
    markets: Markets
    compatibility: Compatibility
    changed_agents: dict[AgentId, Agent] = field(default_factory=dict)

    def answers(
        self, agents: Mapping[AgentId, Agent], received: Sequence[tuple[int, ReceivedEmergency]]
    ) -> dict[int, EmergencyAnswer | DomainError]:
        """By the places of the requests."""
        known = {
            one.agent_id: agents[one.agent_id] for _, one in received if one.agent_id in agents
        }
        record_of = self._on_record_of(known)
        answers: dict[int, EmergencyAnswer | DomainError] = {}
        cases: dict[int, _Case] = {}
        replicas: dict[int, Replica] = {}
        made: list[tuple[_Case, Replica]] = []
        for place, one in received:
            try:
                case = self._case(record_of.get(one.agent_id), one)
                replica = newest(live(case.known))
                if replica is None:
                    replica = self._make(case)
                    made.append((case, replica))
            except DomainError as refused:  # before anything was done
                answers[place] = refused
            else:
                cases[place], replicas[place] = case, replica
        counted = self._save(made)
        self._keep_notices(cases, replicas, made)
        for case in cases.values():
            agent = counted.get(case.agent.id, case.agent)
            self.changed_agents[agent.id] = _warned(agent, case.wanted.signal_type, self.now)
        self.work.agents.save_all(list(self.changed_agents.values()), self.now)
        pools = self.work.pools.of({one.pool_id for one in replicas.values() if one.pool_id})
        return answers | {
            place: EmergencyAnswer(replica, pool_among(pools, replica))
            for place, replica in replicas.items()
        }

    def _on_record_of(self, agents: Mapping[AgentId, Agent]) -> Mapping[AgentId, OnRecord]:
        replicas = self.work.replicas.of(agents.keys())
        notices = self.work.interruptions.of(agents.keys(), self.now - HORIZON)
        machines = instances_named(
            self.work, [agent.primary_instance_id for agent in agents.values()]
        )
        return {
            key: OnRecord(
                agent, replicas.get(key, ()), notices.get(key, ()), primary_among(machines, agent)
            )
            for key, agent in agents.items()
        }

    def _case(self, on_record: OnRecord | None, received: ReceivedEmergency) -> _Case:
        owner = received.caller.owner
        if on_record is None or owner not in (None, on_record.agent.client_id):
            raise AgentNotFound
        agent, primary = on_record.agent, on_record.primary
        if primary is None or agent.is_deleted:
            raise AgentNotFound
        _check_allowed(agent)
        wanted, earlier = received.wanted, on_record.recent(self.now)
        notice = _notice(agent, primary, wanted, earlier, self.now)
        return _Case(agent, primary, on_record.replicas, notice, wanted, received.caller)

    def _make(self, case: _Case) -> Replica:
        market = self.markets.around(case.agent, case.primary)
        if self.compatibility.emergencies_need_prices:
            market = market.with_prices()
        wanted = EmergencyReplica(
            signal_type=case.wanted.signal_type,
            termination_at=case.wanted.termination_at,
            created_by="system",
        )
        equals = market.equally_safe(case.wanted.wishes, pools_that_failed(case.known))
        return make_emergency_replica(
            wanted,
            case.agent,
            case.known,
            market,
            self.identifiers.new_id(),
            self.now,
            case.wanted.wishes,
            self.markets.pasts_of_equals(market, equals),
        )

    def _save(self, made: Sequence[tuple[_Case, Replica]]) -> Mapping[AgentId, Agent]:
        counted = save_replicas_of_all(
            self.work,
            [
                ReplicaChanges(agent=case.agent, known=case.known, changed=[one], by=case.by)
                for case, one in made
            ],
            self.now,
            self.compatibility,
        )
        return {
            agent.id: replace(agent, current_replica_id=one.id).protected_in_emergency()
            for agent, (_, one) in zip(counted, made, strict=True)
        }

    def _keep_notices(
        self,
        cases: Mapping[int, _Case],
        replicas: Mapping[int, Replica],
        made: Sequence[tuple[_Case, Replica]],
    ) -> None:
        """Those for which a replica was made with what can be learnt from them."""
        seen = self.work.interruptions.circumstances_of(
            {case.agent.id: case.notice.pool_id for case, _ in made},
            self.now - PRICE_LOOK_BACK,
            self.now,
        )
        kept: list[Interruption] = []
        for place, case in cases.items():
            circumstances = seen.get(case.agent.id)
            if circumstances is not None:
                dated = replace(circumstances, instance_since=case.primary.installed_at)
                answered = case.notice.answered_by(replicas[place].id)
                kept.append(replace(answered, features=Features.of(dated)))
            elif case.notice.id is None:
                kept.append(replace(case.notice, replica_id=replicas[place].id))
            if case.notice.id is None:
                told = interruption_occurrences.notice_accepted(case.agent, case.notice, self.now)
                record(self.work, told, case.by)
        self.work.interruptions.add_all([one for one in kept if one.id is None], self.now)
        self.work.interruptions.save_all([one for one in kept if one.id is not None])


def _notice(
    agent: Agent,
    primary: Instance,
    request: EmergencyRequest,
    earlier: Sequence[Interruption],
    now: datetime,
) -> Interruption:
    """The same notice as it stands on record, or a new one (INV-13)."""
    instance_id = request.instance_id or primary.id
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
