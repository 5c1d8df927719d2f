"""Whatever agents, users, notices and the loop do in whatever order, repeated, with wrong clocks
and with a server that dies between any two statements, the invariants hold (contract/domain.md
section 2). In `make test` the same five thousand steps each time; HISTORY_STEPS=200000 takes
others for a night."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from spot_optimizer.application.agents.record_heartbeats import ReceivedHeartbeat, RecordHeartbeats
from spot_optimizer.application.agents.register_agent import RegisterAgent
from spot_optimizer.application.agents.report_termination import ReportTermination
from spot_optimizer.application.commands.expire_commands import ExpireCommands
from spot_optimizer.application.commands.hand_out_commands import HandOutCommands, Poll
from spot_optimizer.application.commands.issue_switch_command import IssueSwitchCommand
from spot_optimizer.application.commands.report_command_execution import (
    ExecutionReport,
    ReportCommandExecution,
)
from spot_optimizer.application.interruptions.ensure_emergency_replica import (
    EmergencyRequest,
    EnsureEmergencyReplica,
    ReceivedEmergency,
)
from spot_optimizer.application.interruptions.fail_over import FailOver
from spot_optimizer.application.interruptions.handle_rebalance import HandleRebalance
from spot_optimizer.application.interruptions.termination_notices import (
    ReceivedNotice,
    TerminationNotice,
)
from spot_optimizer.application.replicas.coordinate_agent import CoordinateAgent
from spot_optimizer.application.replicas.create_replica import CreateReplica, ReplicaOrder
from spot_optimizer.application.replicas.hand_out_replicas import HandOutReplicas
from spot_optimizer.application.replicas.promote_replica import PromoteReplica
from spot_optimizer.application.replicas.report_replica import ReportReplica
from spot_optimizer.application.replicas.run_coordinator_pass import RunCoordinatorPass
from spot_optimizer.application.replicas.terminate_replica import TerminateReplica
from spot_optimizer.application.switching.record_switch import RecordSwitch
from spot_optimizer.domain.agents.agent import Agent, AgentStatus
from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import Command, CommandStatus
from spot_optimizer.domain.commands.switch_order import SwitchOrder
from spot_optimizer.domain.errors import DomainError
from spot_optimizer.domain.identifiers import AgentId, ClientId, CommandId, InstanceId, ReplicaId
from spot_optimizer.domain.interruptions import REPEAT_WINDOW, Interruption, SignalType
from spot_optimizer.domain.replicas import standbys
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica, ReplicaReport
from spot_optimizer.domain.switching import ReportedInstance, SwitchTiming
from tests.builders import (
    ACME,
    DAY,
    FROM_ACME,
    FROM_GLOBEX,
    GLOBEX,
    HOUR,
    MINUTE,
    POOL_A,
    POOL_B,
    TODAY,
    ZONE_A,
    ZONE_B,
    ZONE_C,
    a_client,
    a_registration,
    a_switch_report,
    a_termination_report,
    an_observation,
    globex,
)
from tests.fakes import CountingIdentifiers, FixedClock, SteadyStopwatch
from tests.sabotage import Crash, Saboteur
from tests.stores import InMemoryStore, SqlStore, Store

LEASE: Final = 10 * MINUTE
FINAL: Final = set(CommandStatus) - {CommandStatus.PENDING, CommandStatus.EXECUTING}
LONG_AGO: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")

# Both clients name the same machines now and then.
INSTANCES: Final = [InstanceId(f"i-{number}") for number in range(5)]
CALLERS: Final[Mapping[ClientId, Caller]] = {ACME: FROM_ACME, GLOBEX: FROM_GLOBEX}

clients = st.sampled_from([ACME, GLOBEX])
instances = st.sampled_from(INSTANCES)
someone = st.none() | instances
skew = st.sampled_from([timedelta(0), -20 * MINUTE, 4 * MINUTE, 20 * MINUTE, DAY, -DAY])
statuses = st.sampled_from(ReplicaStatus).filter(lambda one: one is not ReplicaStatus.PROMOTED)


@dataclass(frozen=True)
class Look:
    """Everything that is on record of one client."""

    agent: Agent
    replicas: Mapping[ReplicaId, Replica]
    notices: list[Interruption]
    instances: Mapping[InstanceId, Instance]
    orders: Mapping[CommandId, Command]
    """All that were ever given to the agent."""

    @property
    def commands(self) -> list[Command]:
        """The open ones."""
        return [order for order in self.orders.values() if order.is_open]

    @property
    def live(self) -> list[Replica]:
        return [replica for replica in self.replicas.values() if replica.is_live]

    def of_signal(self, signal: SignalType, instance_id: InstanceId | None = None) -> int:
        return sum(
            one.signal_type is signal and instance_id in (None, one.instance_id)
            for one in self.notices
        )


class ReplicaHistory(RuleBasedStateMachine):
    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.clock = FixedClock()
        self.saboteur = Saboteur(self.store.work)
        work, clock, ids = self.saboteur.factory, self.clock, CountingIdentifiers()
        stopwatch = SteadyStopwatch()
        self.register = RegisterAgent(work, clock, ids, TODAY)
        self.record_heartbeats = RecordHeartbeats(work, clock, TODAY)
        self.terminate = ReportTermination(work, clock, TODAY)
        self.issue = IssueSwitchCommand(work, clock, ids, TODAY)
        self.hand_out = HandOutCommands(self.store.command_queries, work, clock, LEASE, TODAY)
        self.report_execution = ReportCommandExecution(work, clock, TODAY)
        self.record_switch = RecordSwitch(work, clock, ids, TODAY)
        self.expire = ExpireCommands(work, clock, TODAY)
        self.create = CreateReplica(work, clock, stopwatch, ids, HOUR, TODAY)
        self.launches = HandOutReplicas(self.store.replica_queries, work, clock, LEASE)
        self.promote = PromoteReplica(work, clock, ids, TODAY)
        self.delete = TerminateReplica(work, clock, TODAY)
        self.report = ReportReplica(work, clock, stopwatch, TODAY)
        self.emergency = EnsureEmergencyReplica(work, clock, ids, HOUR, TODAY)
        self.fail_over = FailOver(work, clock, stopwatch, TODAY)
        self.rebalance = HandleRebalance(work, clock)
        coordinate = CoordinateAgent(work, clock, stopwatch, ids, HOUR, TODAY)
        queries = self.store.coordination_queries
        self.loop = RunCoordinatorPass(queries, clock, coordinate, TODAY)
        self.agents: dict[ClientId, AgentId] = {}
        self.replica_ids: set[ReplicaId] = set()
        self.command_ids: set[CommandId] = set()
        self._seen: list[Look] | None = None
        self.finished: dict[CommandId, Command] = {}
        self.told_of: CommandId | None = None
        """The command whose execution was reported in this step."""
        self.accepted: dict[object, datetime] = {}

    # What is on record.

    def look(self, client_id: ClientId) -> Look:
        return self.everything[list(CALLERS).index(client_id)]

    @property
    def everything(self) -> list[Look]:
        """Read once after each deed: a database takes milliseconds for it."""
        if self._seen is None:
            self._seen = self._read()
        return self._seen

    def do(self, deed: Callable[[], object]) -> object:
        """Nothing else changes what is on record."""
        self._seen = None
        try:
            return deed()
        finally:
            self._seen = None

    def _read(self) -> list[Look]:
        ids = list(self.agents.values())
        with self.store.work() as work:
            agents = work.agents.of(ids)
            notices = work.interruptions.of(ids, LONG_AGO)
            machines = work.instances.of(INSTANCES)
        replicas = sorted(self.store.replicas_of(ids), key=lambda one: one.id)
        orders = sorted(self.store.commands_of(ids), key=lambda one: one.id)
        self.replica_ids |= {one.id for one in replicas}
        self.command_ids |= {one.id for one in orders}
        return [
            Look(
                agent=agents[agent_id],
                replicas={one.id: one for one in replicas if one.agent_id == agent_id},
                notices=sorted(notices.get(agent_id, ()), key=lambda one: one.id or 0),
                instances={
                    key: one for key, one in sorted(machines.items()) if one.client_id == client_id
                },
                orders={one.id: one for one in orders if one.agent_id == agent_id},
            )
            for client_id, agent_id in self.agents.items()
        ]

    def act(self, owner: ClientId | None, action: Callable[[], object]) -> bool:
        """Whether it was done. What is refused or dies has not happened, and of nobody's rows but
        the owner's anything changes (INV-7, INV-17)."""
        before = self.everything
        try:
            self.do(action)
        except (Crash, DomainError):
            self.saboteur.left = None
            assert self.everything == before
            return False
        finally:
            self.saboteur.left = None
        for look, client_id in zip(before, CALLERS, strict=True):
            if owner is not None and client_id != owner:
                assert self.look(client_id) == look
        return True

    def accept(self, key: object, before: int, after: int) -> None:
        """Another notice was accepted, or not (INV-13)."""
        assert after - before in (0, 1)
        if after > before:
            now = self.clock.now()
            last = self.accepted.get(key)
            assert last is None or now - last > REPEAT_WINDOW
            self.accepted[key] = now

    def told(self, answers: Sequence[object]) -> None:
        """What several ask together is refused to each of them alone."""
        (answer,) = answers
        if isinstance(answer, DomainError):
            raise answer

    def tell(self, notice: ReceivedNotice) -> None:
        self.told(self.fail_over([notice]))

    # What happens.

    @initialize()
    def two_clients_register(self) -> None:
        if isinstance(self.store, SqlStore):
            self.store.clear()
        self.store.put(a_client(), globex())
        self.store.put_pools(ZONE_A, ZONE_B, ZONE_C)
        with self.store.work() as work:
            work.prices.add_ticks([an_observation(pool_id=POOL_A), an_observation(pool_id=POOL_B)])
            work.commit()
        for client_id, instance_id in zip(CALLERS, INSTANCES, strict=False):
            introduced = self.register(
                client_id, a_registration(instance_id=instance_id), CALLERS[client_id]
            )
            self.agents[client_id] = introduced.registered.agent.id

    @rule(statements=st.integers(0, 25))
    def the_server_is_about_to_die(self, statements: int) -> None:
        self.saboteur.left = statements

    @rule(client_id=clients, instance_id=instances, zone=st.sampled_from([ZONE_A, ZONE_B]))
    def an_instance_registers(
        self, client_id: ClientId, instance_id: InstanceId, zone: str
    ) -> None:
        before = self.look(client_id)
        recorded, agent = before.instances.get(instance_id), before.agent
        is_former = (
            recorded is not None
            and recorded.agent_id == agent.id
            and instance_id != agent.primary_instance_id
            and agent.primary_is_alive(self.clock.now())
        )
        is_standby = instance_id in [one.instance_id for one in before.live]
        said = a_registration(instance_id=instance_id, zone=zone)

        done = self.act(client_id, lambda: self.register(client_id, said, CALLERS[client_id]))

        if done and (is_former or is_standby) and instance_id != agent.primary_instance_id:
            assert self.look(client_id).agent.primary_instance_id == agent.primary_instance_id

    @rule(
        client_id=clients,
        instance_id=someone,
        status=st.sampled_from(["online", "online", "offline"]),
    )
    def a_heartbeat_comes(
        self, client_id: ClientId, instance_id: InstanceId | None, status: str
    ) -> None:
        heartbeat = Heartbeat(instance_id=instance_id, status=status)
        one = ReceivedHeartbeat(self.agents[client_id], heartbeat, CALLERS[client_id])
        self.act(client_id, lambda: self.record_heartbeats([one]))

    @rule(client_id=clients, instance_id=someone)
    def a_termination_is_reported(
        self, client_id: ClientId, instance_id: InstanceId | None
    ) -> None:
        said = a_termination_report(instance_id=instance_id)
        agent_id = self.agents[client_id]
        self.act(client_id, lambda: self.terminate(agent_id, said, CALLERS[client_id]))

    @rule(client_id=clients, pool_id=st.sampled_from([POOL_A, POOL_B]))
    def a_switch_is_ordered(self, client_id: ClientId, pool_id: str) -> None:
        order = SwitchOrder(target_mode="spot", target_pool_id=pool_id)
        agent_id = self.agents[client_id]
        self.act(client_id, lambda: self.issue(agent_id, order, CALLERS[client_id]))

    @rule(client_id=clients)
    def an_agent_polls(self, client_id: ClientId) -> None:
        poll = Poll(self.agents[client_id], CALLERS[client_id])
        self.act(client_id, lambda: self.hand_out([poll]))

    @rule(client_id=clients, data=st.data(), success=st.none() | st.booleans())
    def an_execution_is_reported(
        self, client_id: ClientId, data: st.DataObject, success: bool | None
    ) -> None:
        ids = sorted(self.command_ids) or [CommandId("no such command")]
        command_id = data.draw(st.sampled_from(ids))
        said = ExecutionReport(
            command_id=command_id,
            success=success,
            says_success=success is not None,
            as_received={},
        )
        agent_id = self.agents[client_id]
        self.told_of = command_id
        self.act(client_id, lambda: self.report_execution(agent_id, said, CALLERS[client_id]))

    @rule(client_id=clients, old=someone, new=instances)
    def a_switch_is_reported(
        self, client_id: ClientId, old: InstanceId | None, new: InstanceId
    ) -> None:
        said = a_switch_report(
            old=ReportedInstance(instance_id=old),
            new=ReportedInstance(instance_id=new, zone=ZONE_B, mode="spot"),
            new_instance_id=new,
            timing=SwitchTiming(initiated_at=self.clock.now()),
        )
        agent_id = self.agents[client_id]
        self.act(client_id, lambda: self.record_switch(agent_id, said, CALLERS[client_id]))

    @rule(client_id=clients, mode=st.sampled_from(standbys.ReplicaMode))
    def the_mode_is_changed(self, client_id: ClientId, mode: standbys.ReplicaMode) -> None:
        agent = self.look(client_id).agent
        chosen = replace(
            agent.settings,
            auto_switch_enabled=mode is standbys.ReplicaMode.AUTO,
            manual_replica_enabled=mode is standbys.ReplicaMode.MANUAL,
        )
        if not agent.is_deleted:
            self.save(replace(agent, settings=chosen))

    @rule(client_id=clients)
    def an_agent_is_deleted(self, client_id: ClientId) -> None:
        self.saboteur.left = None
        before = self.look(client_id)
        for replica in before.live:
            deletion = partial(self.delete, before.agent.id, replica.id, CALLERS[client_id])
            self.do(deletion)
        self.save(replace(self.look(client_id).agent, status=AgentStatus.DELETED))

    def save(self, agent: Agent) -> None:
        def saved() -> None:
            with self.store.work() as work:
                work.agents.save(agent, self.clock.now())
                work.commit()

        self.do(saved)

    @rule(client_id=clients, machine=someone, status=st.sampled_from(ReplicaStatus))
    def a_replica_is_created(
        self, client_id: ClientId, machine: InstanceId | None, status: ReplicaStatus
    ) -> None:
        live = status in (ReplicaStatus.SYNCING, ReplicaStatus.READY)
        order = ReplicaOrder(
            tags={},
            machine=machine,
            status=status if machine and live else ReplicaStatus.LAUNCHING,
        )
        agent_id = self.agents[client_id]
        self.act(client_id, lambda: self.create(agent_id, order, CALLERS[client_id]))

    @rule(client_id=clients)
    def an_agent_asks_what_to_launch(self, client_id: ClientId) -> None:
        agent_id, caller = self.agents[client_id], CALLERS[client_id]
        given: list[Any] = []

        def ask() -> None:
            given.extend(self.launches(agent_id, caller, to_launch=True))

        if self.act(client_id, ask) and given:
            assert self.launches(agent_id, caller, to_launch=True) == []

    @rule(
        client_id=clients,
        data=st.data(),
        said=st.builds(
            ReplicaReport,
            status=st.none() | statuses,
            instance_id=someone,
            progress=st.none() | st.decimals(-50, 300, places=2),
            is_sync=st.booleans(),
        ),
    )
    def a_replica_is_reported_on(
        self, client_id: ClientId, data: st.DataObject, said: ReplicaReport
    ) -> None:
        replica_id = data.draw(self.any_replica())
        agent_id = self.agents[client_id]
        before = self.look(client_id).replicas.get(replica_id)
        self.act(client_id, lambda: self.report(agent_id, replica_id, said, CALLERS[client_id]))
        after = self.look(client_id).replicas.get(replica_id)
        if before is not None and before.status in (
            ReplicaStatus.PROMOTED,
            ReplicaStatus.TERMINATED,
        ):
            assert after is not None
            assert (after.status, after.is_active) == (before.status, before.is_active)

    def any_replica(self) -> st.SearchStrategy[ReplicaId]:
        return st.sampled_from(sorted(self.replica_ids) or [ReplicaId("nobody")])

    @rule(client_id=clients, data=st.data(), demotes=st.booleans())
    def a_user_promotes(self, client_id: ClientId, data: st.DataObject, demotes: bool) -> None:
        replica_id = data.draw(self.any_replica())
        before = self.look(client_id)

        done = self.act(
            client_id,
            lambda: self.promote(before.agent.id, replica_id, demotes, CALLERS[client_id]),
        )

        if done:
            after = self.look(client_id)
            chosen = before.replicas[replica_id]
            assert chosen.status in (ReplicaStatus.READY, ReplicaStatus.SYNCING)
            assert chosen.is_active
            assert after.agent.primary_instance_id == chosen.instance_id
            assert after.agent.placement.pool_id == chosen.pool_id
            assert after.replicas[replica_id].status is ReplicaStatus.PROMOTED

    @rule(client_id=clients, data=st.data())
    def a_user_deletes_a_replica(self, client_id: ClientId, data: st.DataObject) -> None:
        replica_id, before = data.draw(self.any_replica()), self.look(client_id)
        self.act(client_id, lambda: self.delete(before.agent.id, replica_id, CALLERS[client_id]))
        assert self.look(client_id).agent.primary_instance_id == before.agent.primary_instance_id

    @rule(client_id=clients, signal=st.sampled_from(SignalType), instance_id=someone, apart=skew)
    def an_emergency_replica_is_asked_for(
        self,
        client_id: ClientId,
        signal: SignalType,
        instance_id: InstanceId | None,
        apart: timedelta,
    ) -> None:
        before, caller = self.look(client_id), CALLERS[client_id]
        request = EmergencyRequest(
            signal_type=signal,
            instance_id=instance_id,
            termination_at=self.clock.now() + apart,
        )
        received = ReceivedEmergency(before.agent.id, request, caller)
        self.act(client_id, lambda: self.told(self.emergency([received])))
        after = self.look(client_id)
        about = instance_id or before.agent.primary_instance_id
        for made in after.replicas.keys() - before.replicas.keys():
            lost = before.instances.get(before.agent.primary_instance_id or INSTANCES[0])
            assert lost is None or after.replicas[made].pool_id != lost.pool_id
        key = (client_id, signal, about if signal is SignalType.TERMINATION_NOTICE else None)
        named = about if signal is SignalType.TERMINATION_NOTICE else None
        self.accept(key, before.of_signal(signal, named), after.of_signal(signal, named))

    @rule(client_id=clients, instance_id=someone, apart=skew)
    def a_rebalance_is_recommended(
        self, client_id: ClientId, instance_id: InstanceId | None, apart: timedelta
    ) -> None:
        before, caller = self.look(client_id), CALLERS[client_id]
        seen_at = self.clock.now() + apart
        self.act(client_id, lambda: self.rebalance(before.agent.id, instance_id, seen_at, caller))
        signal = SignalType.REBALANCE_RECOMMENDATION
        after = self.look(client_id)
        self.accept((client_id, signal, None), before.of_signal(signal), after.of_signal(signal))

    @rule(
        client_id=clients,
        instance_id=someone,
        names=st.booleans(),
        data=st.data(),
        apart=skew,
        times=st.integers(1, 3),
    )
    def a_termination_is_announced(
        self,
        client_id: ClientId,
        instance_id: InstanceId | None,
        names: bool,
        data: st.DataObject,
        apart: timedelta,
        times: int,
    ) -> None:
        notice = TerminationNotice(
            instance_id=instance_id,
            termination_at=self.clock.now() + apart,
            replica_id=data.draw(self.any_replica()) if names else None,
        )
        for number in range(times):
            before = self.look(client_id)
            about = instance_id or before.agent.primary_instance_id
            done = self.act(
                client_id,
                partial(self.tell, ReceivedNotice(before.agent.id, notice, CALLERS[client_id])),
            )
            after = self.look(client_id)
            signal = SignalType.TERMINATION_NOTICE
            self.accept(
                (client_id, signal, about),
                before.of_signal(signal, about),
                after.of_signal(signal, about),
            )
            moved = before.agent.primary_instance_id != after.agent.primary_instance_id
            if moved:
                taken = next(
                    one for one in before.live if one.instance_id == after.agent.primary_instance_id
                )
                assert taken.has_machine
                alive = before.agent.primary_is_alive(self.clock.now())
                assert about == before.agent.primary_instance_id or not alive
            if done and instance_id is None:
                break  # the next one would be about another instance
            assert not (moved and number), "the same notice moved the agent twice"

    @rule(signals=st.lists(st.sampled_from(SignalType), max_size=3), times=st.integers(1, 2))
    def both_clients_are_warned_at_once(self, signals: list[SignalType], times: int) -> None:
        """What arrives together is answered together, whatever it is and however often."""
        before = self.everything
        ends_at = self.clock.now() + timedelta(minutes=2)
        emergencies = [
            ReceivedEmergency(
                seen.agent.id,
                EmergencyRequest(signal_type=signal, termination_at=ends_at),
                CALLERS[seen.agent.client_id],
            )
            for signal in signals
            for seen in before
        ]
        notices = [
            ReceivedNotice(
                seen.agent.id, TerminationNotice(termination_at=ends_at), CALLERS[client_id]
            )
            for seen, client_id in zip(before, CALLERS, strict=True)
        ]
        self.act(None, lambda: self.emergency(emergencies))
        asked = self.everything
        self.act(None, lambda: self.fail_over(notices * times))
        for client_id, first, second, third in zip(
            CALLERS, before, asked, self.everything, strict=True
        ):
            assert len(second.replicas) - len(first.replicas) in (0, 1)
            for signal in SignalType:
                is_notice = signal is SignalType.TERMINATION_NOTICE
                about = first.agent.primary_instance_id if is_notice else None
                self.accept(
                    (client_id, signal, about),
                    first.of_signal(signal, about),
                    second.of_signal(signal, about),
                )
                if times == 1 and is_notice:
                    self.accept(
                        (client_id, signal, about),
                        second.of_signal(signal, about),
                        third.of_signal(signal, about),
                    )

    @rule()
    def the_loop_looks_around(self) -> None:
        self.act(None, self.loop)  # which goes on with the next agent when it dies with one
        self.do(self.loop)
        settled = self.everything
        self.do(self.loop)
        assert self.everything == settled  # another pass finds nothing to do

    @rule(seconds=st.sampled_from([1, 10, 30, 61, 121, 601, 901, 1801, 7201]))
    def time_goes_by(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule()
    def orders_expire(self) -> None:
        self.act(None, self.expire)

    # What must hold.

    @invariant()
    def the_invariants_hold(self) -> None:
        self.check()
        self.told_of = None

    def check(self) -> None:
        for client_id in self.agents:
            seen = self.look(client_id)
            agent = seen.agent
            assert agent.client_id == client_id
            assert agent.id == self.agents[client_id]  # INV-2, INV-3
            assert agent.primary_instance_id is not None  # INV-1
            assert agent.primary_instance_id.startswith("i-")  # INV-8
            settings = agent.settings
            assert not (settings.auto_switch_enabled and settings.manual_replica_enabled)  # INV-4
            live = {replica.id for replica in seen.live}
            assert len(live) <= 1  # INV-5
            assert settings.replica_count == len(live)  # INV-6
            current = agent.current_replica_id
            assert current in live if live else current is None  # INV-6
            if agent.is_deleted:
                assert not live  # INV-10
            targets = [
                (one.target_mode, one.target_pool_id) for one in seen.commands if one.is_switch
            ]
            assert len(set(targets)) == len(targets)  # INV-12
            self.what_is_finished_stays(seen.orders)
            for replica in seen.replicas.values():
                assert replica.is_active is (replica.status is not ReplicaStatus.TERMINATED)
                assert (replica.terminated_at is None) is replica.is_active
                if replica.status is ReplicaStatus.READY:
                    assert replica.ready_at is not None
            for notice in seen.notices:
                assert not notice.failover_completed or notice.success

    def what_is_finished_stays(self, commands: Mapping[CommandId, Command]) -> None:
        """INV-11; a cancelled command is what its agent did of it, if that is told late."""
        for command_id, before in self.finished.items():
            after = commands.get(command_id, before)
            if before.status is CommandStatus.CANCELLED and command_id == self.told_of:
                assert after.status in FINAL
            else:
                assert after == before
        self.finished |= {key: one for key, one in commands.items() if one.status in FINAL}


# Steps for each place, of which `make test` takes about five thousand altogether.
STEPS: Final = int(os.environ.get("HISTORY_STEPS", "5000"))
IS_LONG: Final = "HISTORY_STEPS" in os.environ
LENGTH: Final = 40
# Hypothesis ends some histories early: they have 36 steps on average.
SURE_OF_EACH: Final = 32
SHARES: Final = {"memory": 0.8, "sqlite": 0.1, "mariadb": 0.1}


def run(store: Store, steps: int, phases: Sequence[Phase]) -> int:
    """Returns after how many steps the invariants were found to hold."""
    held = count()

    class History(ReplicaHistory):
        def __init__(self) -> None:
            self.store = InMemoryStore() if isinstance(store, InMemoryStore) else store
            super().__init__()

        def check(self) -> None:
            super().check()
            next(held)

    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=max(1, steps // SURE_OF_EACH),
            stateful_step_count=LENGTH,
            deadline=None,
            phases=phases,
            derandomize=not IS_LONG,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return next(held)


@pytest.mark.parametrize("kind", SHARES)
def test_the_invariants_hold_through_any_history(request: pytest.FixtureRequest, kind: str) -> None:
    is_memory = kind == "memory"
    place = InMemoryStore() if is_memory else request.getfixturevalue(kind)

    # Making a history shorter takes many thousand statements.
    phases = tuple(Phase) if is_memory else (Phase.generate,)
    steps = int(STEPS * SHARES[kind])
    assert run(place, steps, phases) >= steps


def a_placeholder_is_taken_for_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Replica, "has_machine", property(lambda self: True))


def the_last_word_on_a_command_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    first_word = Command.report

    def last_word(self: Command, *said: Any) -> Command:
        return first_word(replace(self, status=CommandStatus.EXECUTING), *said)

    monkeypatch.setattr(Command, "report", last_word)


def only_ready_replicas_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        standbys, "live", lambda replicas: [one for one in replicas if one.ready_at]
    )


@pytest.mark.parametrize(
    "mutation",
    [
        a_placeholder_is_taken_for_a_machine,
        the_last_word_on_a_command_counts,
        only_ready_replicas_count,
    ],
)
def test_a_broken_rule_is_found(
    monkeypatch: pytest.MonkeyPatch, mutation: Callable[[pytest.MonkeyPatch], None]
) -> None:
    mutation(monkeypatch)

    with pytest.raises(AssertionError):
        run(InMemoryStore(), 20_000, (Phase.generate,))
