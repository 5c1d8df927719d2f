from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from spot_optimizer.application.commands.changes import save_changes
from spot_optimizer.application.interruptions.emergency_orders import EmergencyOrders
from spot_optimizer.application.interruptions.failover import FailedOver, Failover, Threatened
from spot_optimizer.application.interruptions.notice_records import OnRecord, on_record_of
from spot_optimizer.application.interruptions.rounds import each_agent_once
from spot_optimizer.application.interruptions.termination_notices import (
    AlreadyMoved,
    Answer,
    NobodyReady,
    ReceivedNotice,
    TerminationNotice,
)
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock, Stopwatch
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.replicas.changes import save_replicas
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import interruption_occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import InstanceRole, role_of
from spot_optimizer.domain.commands.queue import cancelled_by_notice
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound, DomainError, NotFound
from spot_optimizer.domain.identifiers import AgentId, InstanceId
from spot_optimizer.domain.interruptions import (
    FAILOVER_IS_REMEMBERED,
    Interruption,
    Resolution,
    ResponseAction,
    SignalType,
    same_notice,
)
from spot_optimizer.domain.replicas.promotion import PrimaryChange, PromotionReason
from spot_optimizer.domain.replicas.standbys import live, newest


@dataclass(frozen=True, slots=True)
class FailOver:
    """The two-minute notice: a replica takes over within this call if one can.

    Takes what arrives together in one transaction, and asks for what it has to know of all agents
    together: in a storm hundreds say so within seconds. The same notice again gets the first
    answer and changes nothing (ruling R8). Settings, status and engine play no part (INV-14).
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    stopwatch: Stopwatch
    compatibility: Compatibility
    emergency_orders: EmergencyOrders | None = None
    """None: agents that cannot be moved are given no order."""

    @repeated_when_lost
    def __call__(self, received: Sequence[ReceivedNotice]) -> Sequence[Answer | DomainError]:
        """In the order of the notices; a refusal in place of an answer where there is no such
        agent or replica."""
        answers: dict[int, Answer | DomainError] = {}
        with self.unit_of_work() as work:
            agents = work.agents.lock({one.agent_id for one in received})
            for together in each_agent_once(received):
                asked = _Round(
                    work,
                    self.clock.now(),
                    self.stopwatch,
                    self.compatibility,
                    self.emergency_orders,
                    together,
                )
                answers |= asked.answers(agents)
                agents = {**agents, **asked.changed_agents}
            work.commit()
        return [answers[place] for place in range(len(received))]


@dataclass(frozen=True, slots=True)
class _Round:
    """Notices of different agents."""

    work: UnitOfWork
    now: datetime
    stopwatch: Stopwatch
    compatibility: Compatibility
    emergency_orders: EmergencyOrders | None
    received: Sequence[tuple[int, ReceivedNotice]]
    _new: list[Interruption] = field(default_factory=list)
    _changed: list[Interruption] = field(default_factory=list)
    changed_agents: dict[AgentId, Agent] = field(default_factory=dict)

    def answers(self, agents: Mapping[AgentId, Agent]) -> dict[int, Answer | DomainError]:
        """By the places of the notices."""
        answers: dict[int, Answer | DomainError] = {}
        asked = {one.agent_id for _, one in self.received} & agents.keys()
        known = on_record_of(
            self.work, {agent_id: agents[agent_id] for agent_id in asked}, self.now
        )
        cases: dict[int, _Case] = {}
        for place, one in self.received:
            try:
                cases[place] = self._case(known.get(one.agent_id), one)
            except DomainError as refused:  # before anything was done
                answers[place] = refused
        answers |= self._elsewhere(cases)
        answers |= self._meet({place: it for place, it in cases.items() if place not in answers})
        self.work.interruptions.add_all(self._new, self.now)
        self.work.interruptions.save_all(self._changed)
        self.work.agents.save_all(list(self.changed_agents.values()), self.now)
        return answers

    def _case(self, on_record: OnRecord | None, received: ReceivedNotice) -> "_Case":
        """Raises:
        AgentNotFound: unknown, deleted, another client's, or without any instance.
        NotFound: the notice names a replica that the agent does not have.
        """
        said, owner = received.said, received.caller.owner
        if on_record is None or on_record.agent.is_deleted:
            raise AgentNotFound
        agent = on_record.agent
        if owner not in (None, agent.client_id):
            raise AgentNotFound
        if said.replica_id and self.work.replicas.find(agent.id, said.replica_id) is None:
            raise NotFound("Replica instance_id not found")
        instance_id = said.instance_id or agent.primary_instance_id
        if instance_id is None:
            raise AgentNotFound
        notice = self._notice(on_record, instance_id, said)
        return _Case(on_record, instance_id, notice, received)

    def _notice(
        self, on_record: OnRecord, instance_id: InstanceId, said: TerminationNotice
    ) -> Interruption:
        """The notice as it stands on record, or a new one (INV-13)."""
        agent, earlier = on_record.agent, on_record.recent(self.now)
        if self.compatibility.notices_leave_little:
            known = next((one for one in earlier if one.instance_id == instance_id), None)
        else:
            known = same_notice(earlier, SignalType.TERMINATION_NOTICE, instance_id, self.now)
        if known is not None:
            return known.standing() if instance_id == agent.primary_instance_id else known
        primary = on_record.primary
        return Interruption(
            agent_id=agent.id,
            instance_id=instance_id,
            pool_id=(primary and primary.pool_id) or agent.placement.pool_id,
            signal_type=SignalType.TERMINATION_NOTICE,
            detected_at=self.now,
            termination_at=said.termination_at,
        )

    def _meet(self, cases: Mapping[int, "_Case"]) -> Mapping[int, Answer]:
        failover = Failover(
            self.work, self.now, self.stopwatch, self.compatibility, self.stopwatch.seconds()
        )
        moved = failover.attempt(
            [case.threatened for case in cases.values() if case.is_about_primary(self.now)]
        )
        answers: dict[int, Answer] = {}
        for place, case in cases.items():
            if not self.compatibility.notices_leave_little:
                self._changed.extend(case.come_true(self.now))
                self._tell(case)
            if case.agent.id in moved:
                self.changed_agents[case.agent.id], answers[place] = moved[case.agent.id]
            else:
                answers[place] = self._unmet(case)
        return answers

    def _tell(self, case: "_Case") -> None:
        if case.notice.id is None:
            told = interruption_occurrences.notice_accepted(case.agent, case.notice, self.now)
            record(self.work, told, case.received.caller)

    def _unmet(self, case: "_Case") -> NobodyReady:
        self._note_unmet(case)
        on_record, knows_primary = case.on_record, case.is_about_primary(self.now)
        nobody_comes = not any(replica.has_machine for replica in live(on_record.replicas))
        if self.emergency_orders is None or self.compatibility.notices_leave_little:
            return NobodyReady(knows_primary and case.notice.id is None and nobody_comes)
        if knows_primary and nobody_comes and not on_record.was_heard:
            self.emergency_orders.give(
                self.work, case.agent, on_record.primary, self.now, case.received.caller
            )
        return NobodyReady()  # one way out is enough

    def _note_unmet(self, case: "_Case") -> None:
        agent, notice, now = case.agent, case.notice, self.now
        if self.compatibility.notices_leave_little:
            bare = Interruption(
                agent_id=agent.id,
                instance_id=notice.instance_id,
                pool_id=None,
                signal_type=SignalType.TERMINATION_NOTICE,
                detected_at=now,
                termination_at=case.received.said.termination_at,
                response_action=ResponseAction.EMERGENCY_SNAPSHOT,
            )
            self._new.append(bare.unanswered(None))
            return
        coming = newest(live(case.on_record.replicas))
        unmet = notice.unanswered(coming.id if coming else None)
        if notice.id is None:
            self._new.append(unmet)
            self.changed_agents[agent.id] = agent.note_termination_notice(now)
        elif notice.is_open and unmet not in case.on_record.notices:
            self._changed.append(unmet)
        before = {command.id: command for command in case.on_record.commands}
        cancelled = cancelled_by_notice(before.values(), notice.instance_id, now)
        changes = [(before[after.id], after) for after in cancelled]
        save_changes(self.work, changes, now, case.received.caller)

    def _elsewhere(self, cases: Mapping[int, "_Case"]) -> Mapping[int, Answer]:
        """The answers to notices for instances that are known not to be primaries."""
        others = {
            place: case
            for place, case in cases.items()
            if case.instance_id != case.agent.primary_instance_id
        }
        moves = self.work.switches.primary_changes_of(
            {case.agent.id for case in others.values()},
            PromotionReason.FAILOVER,
            self.now - FAILOVER_IS_REMEMBERED,
        )
        answers: dict[int, Answer] = {}
        for place, case in others.items():
            answer = case.first_answer(moves.get(case.agent.id, ())) or self._not_primary(case)
            if answer is not None:
                answers[place] = answer
        return answers

    def _not_primary(self, case: "_Case") -> AlreadyMoved | None:
        """For an instance that is known not to be the primary (contract/domain.md 5.3): a standby
        protects nobody any longer, a former instance ends as announced. None: it is unknown."""
        work, agent, now, notice = self.work, case.agent, self.now, case.notice
        standby = work.standbys.on_instance(agent.client_id, case.instance_id)
        instance = work.instances.find(case.instance_id)
        role = role_of(case.instance_id, agent, instance, standby)
        if role is InstanceRole.UNKNOWN:
            return None
        if notice.id is None:
            self._new.append(notice.resolved(Resolution.NOT_THE_PRIMARY))
            self._tell(case)
        if role is InstanceRole.STANDBY:
            known, by = case.on_record.replicas, case.received.caller
            failed = [one.fail(now) for one in known if one.instance_id == case.instance_id]
            counted = save_replicas(
                work, agent, known, failed, now, by, self.compatibility, "interrupted"
            )
            if counted != agent:
                self.changed_agents[agent.id] = counted
        elif instance is not None and instance.is_active:
            work.instances.save(instance.close(notice.ends_at), now)
        return AlreadyMoved(agent.primary_instance_id)


@dataclass(frozen=True, slots=True)
class _Case:
    """A notice, and what is known about it."""

    on_record: OnRecord
    instance_id: InstanceId
    """Which is to be lost."""
    notice: Interruption
    received: ReceivedNotice

    @property
    def agent(self) -> Agent:
        return self.on_record.agent

    @property
    def threatened(self) -> Threatened:
        return Threatened(
            agent=self.agent,
            replicas=self.on_record.replicas,
            notice=self.notice,
            by=self.received.caller,
            named=self.received.said.replica_id,
        )

    def is_about_primary(self, now: datetime) -> bool:
        """An unknown instance is taken for the primary while nobody hears from that."""
        return self.instance_id == self.agent.primary_instance_id or not (
            self.agent.primary_is_alive(now)
        )

    def come_true(self, now: datetime) -> Sequence[Interruption]:
        """Earlier recommendations to leave the same instance."""
        return [
            one.resolved(Resolution.ESCALATED)
            for one in self.on_record.recent(now)
            if not one.is_termination and one.is_open and one.instance_id == self.instance_id
        ]

    def first_answer(self, moves: Sequence[PrimaryChange]) -> FailedOver | None:
        """What the failover away from that instance was answered with, if it was lately."""
        change = next((one for one in moves if one.old_instance_id == self.instance_id), None)
        if change is None:
            return None
        met = next(
            (
                notice
                for notice in self.on_record.notices
                if notice.failover_completed and notice.instance_id == self.instance_id
            ),
            None,
        )
        replica_id, took_ms = None, 0
        if met is not None:
            replica_id, took_ms = met.replica_id, met.failover_time_ms or 0
        return FailedOver(change.new_instance_id, replica_id, took_ms)
