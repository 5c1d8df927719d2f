"""Whatever three instances of one agent say in whatever order, the invariants hold
(contract/domain.md section 2)."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from spot_optimizer.application.agents.record_heartbeats import (
    ReceivedHeartbeat,
    RecordHeartbeats,
)
from spot_optimizer.application.agents.register_agent import RegisterAgent
from spot_optimizer.application.agents.report_termination import ReportTermination
from spot_optimizer.application.commands.expire_commands import ExpireCommands
from spot_optimizer.application.commands.hand_out_commands import HandOutCommands, Poll
from spot_optimizer.application.commands.issue_switch_command import IssueSwitchCommand
from spot_optimizer.application.commands.report_command_execution import ReportCommandExecution
from spot_optimizer.application.switching.record_switch import RecordSwitch
from spot_optimizer.domain.agents.agent import Agent, AgentStatus
from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.agents.registration import RegistrationOutcome
from spot_optimizer.domain.commands.command import Command, CommandStatus
from spot_optimizer.domain.commands.switch_order import SwitchOrder
from spot_optimizer.domain.errors import DomainError
from spot_optimizer.domain.identifiers import CommandId, InstanceId, SwitchId
from spot_optimizer.domain.switching import ReportedInstance, SwitchTiming
from tests.builders import (
    ACME,
    FIRST,
    FROM_ACME,
    MINUTE,
    POOL_A,
    POOL_B,
    SECOND,
    THIRD,
    TODAY,
    ZONE_A,
    ZONE_B,
    a_client,
    a_registration,
    a_switch_report,
    a_termination_report,
    an_execution_report,
)
from tests.fakes import (
    CountingIdentifiers,
    FixedClock,
    InMemoryCommandQueries,
    InMemoryUnitOfWork,
)

LEASE = 10 * MINUTE
instances = st.sampled_from([FIRST, SECOND, THIRD])
zones = st.sampled_from([ZONE_A, ZONE_B])
targets = st.sampled_from(
    [
        SwitchOrder(target_mode="spot", target_pool_id=POOL_A),
        SwitchOrder(target_mode="spot", target_pool_id=POOL_B, priority=75),
        SwitchOrder(target_mode="ondemand"),
    ]
)


class AgentHistory(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = FixedClock()
        self.work = InMemoryUnitOfWork(clients=[a_client()])
        work, clock, identifiers = self.work, self.clock, CountingIdentifiers()
        self.register = RegisterAgent(work, clock, identifiers, TODAY)
        self.record_heartbeats = RecordHeartbeats(work, clock, TODAY)
        self.issue = IssueSwitchCommand(work, clock, identifiers, TODAY)
        self.hand_out = HandOutCommands(InMemoryCommandQueries(work), work, clock, LEASE, TODAY)
        self.report_execution = ReportCommandExecution(work, clock, TODAY)
        self.record_switch = RecordSwitch(work, clock, identifiers, TODAY)
        self.terminate = ReportTermination(work, clock, TODAY)
        self.expire = ExpireCommands(work, clock, TODAY)
        self.final: dict[CommandId, Command] = {}
        self.switches: list[SwitchId] = []

    @property
    def agent(self) -> Agent:
        (agent,) = self.work.agents.kept.values()
        return agent

    def is_former(self, instance_id: InstanceId) -> bool:
        """On record for the agent, and replaced by another instance that lives."""
        recorded = self.work.instances.kept.get(instance_id)
        return (
            recorded is not None
            and recorded.agent_id == self.agent.id
            and instance_id != self.agent.primary_instance_id
            and self.agent.primary_is_alive(self.clock.now())
        )

    @initialize()
    def the_first_instance_registers(self) -> None:
        introduction = self.register(ACME, a_registration(), FROM_ACME)
        self.first_seen = introduction.registered.agent

    @rule(instance_id=instances, zone=zones)
    def an_instance_registers(self, instance_id: InstanceId, zone: str) -> None:
        is_former, primary = self.is_former(instance_id), self.agent.primary_instance_id
        is_deleted = self.agent.is_deleted

        registration = a_registration(instance_id=instance_id, zone=zone)
        introduction = self.register(ACME, registration, FROM_ACME)

        if is_former and not is_deleted:
            assert introduction.registered.outcome is RegistrationOutcome.ACKNOWLEDGED_FORMER
            assert self.agent.primary_instance_id == primary
        else:
            assert self.agent.primary_instance_id == instance_id

    @rule(
        instance_id=st.none() | instances,
        status=st.sampled_from(["online", "offline", "deleted"]),
        zone=st.none() | zones,
    )
    def a_heartbeat_comes(
        self, instance_id: InstanceId | None, status: str, zone: str | None
    ) -> None:
        before = self.agent
        is_former = instance_id is not None and self.is_former(instance_id)

        heartbeat = Heartbeat(instance_id=instance_id, status=status, zone=zone)
        received = ReceivedHeartbeat(self.agent.id, heartbeat, FROM_ACME)
        assert self.record_heartbeats([received]) == [None]

        if is_former:
            assert self.agent == before  # it does not vouch for its successor either
        elif before.is_deleted:
            heard = replace(before, last_heartbeat_at=self.clock.now())
            assert self.agent in (before, heard)

    @rule(order=targets)
    def a_switch_is_ordered(self, order: SwitchOrder) -> None:
        if not self.agent.is_deleted:
            self.issue(self.agent.id, order, FROM_ACME)

    @rule(times=st.integers(min_value=1, max_value=3))
    def the_agent_polls(self, times: int) -> None:
        answers = self.hand_out([Poll(self.agent.id, FROM_ACME)] * times)

        assert not any(isinstance(answer, DomainError) for answer in answers)
        assert sum(bool(answer) for answer in answers) <= 1

    @precondition(lambda self: self.work.commands.kept)
    @rule(data=st.data(), success=st.booleans(), says=st.booleans())
    def what_came_of_a_command_is_told(
        self, data: st.DataObject, success: bool, says: bool
    ) -> None:
        command_id = data.draw(st.sampled_from(sorted(self.work.commands.kept)))
        report = an_execution_report(command_id=command_id, success=success, says_success=says)
        self.report_execution(self.agent.id, report, FROM_ACME)

    @rule(old=st.none() | instances, new=instances, zone=zones, repeats=st.booleans())
    def a_switch_is_reported(
        self, old: InstanceId | None, new: InstanceId, zone: str, repeats: bool
    ) -> None:
        report = a_switch_report(
            old=ReportedInstance(instance_id=old),
            new=ReportedInstance(instance_id=new, zone=zone, mode="spot"),
            new_instance_id=new,
            timing=SwitchTiming(initiated_at=self.clock.now()),
        )
        for _ in range(2 if repeats else 1):
            self.record_switch(self.agent.id, report, FROM_ACME)
        known = [switch.id for switch in self.work.switches.kept]
        assert known[: len(self.switches)] == self.switches
        assert len(known) <= len(self.switches) + 1
        self.switches = known

    @rule(instance_id=st.none() | instances)
    def a_termination_is_reported(self, instance_id: InstanceId | None) -> None:
        report = a_termination_report(instance_id=instance_id)
        self.terminate(self.agent.id, report, FROM_ACME)

    @rule()
    def the_agent_is_deleted(self) -> None:
        with self.work as work:
            work.agents.save(replace(self.agent, status=AgentStatus.DELETED), self.clock.now())
            work.commit()

    @rule(seconds=st.sampled_from([1, 30, 600, 601, 1800, 3601]))
    def time_goes_by(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule()
    def the_server_tidies_up(self) -> None:
        self.expire()

    @invariant()
    def a_name_has_one_agent_whose_identity_never_changes(self) -> None:
        """INV-2 and INV-3."""
        agent, first = self.agent, self.first_seen
        assert (agent.id, agent.logical_agent_id) == (first.id, first.logical_agent_id)
        assert (agent.client_id, agent.installed_at) == (first.client_id, first.installed_at)
        assert agent.settings == first.settings

    @invariant()
    def an_agent_always_has_one_primary(self) -> None:
        """INV-1; nothing that happened here takes it away."""
        assert self.agent.primary_instance_id is not None

    @invariant()
    def what_is_over_stays_as_it_is(self) -> None:
        """INV-11."""
        for command_id, command in self.final.items():
            assert self.work.commands.kept[command_id] == command
        self.final = {
            one.id: one
            for one in self.work.commands.kept.values()
            if one.status in (CommandStatus.COMPLETED, CommandStatus.FAILED)
        }

    @invariant()
    def a_target_has_one_open_command(self) -> None:
        """INV-12."""
        ordered = Counter(
            (one.target_mode, one.target_pool_id)
            for one in self.work.commands.kept.values()
            if one.is_open
        )
        assert all(count == 1 for count in ordered.values())

    @invariant()
    def one_order_at_a_time_is_in_hand(self) -> None:
        """R9: an agent that is handed two makes two machines."""
        now = self.clock.now()
        leased = [c for c in self.work.commands.kept.values() if c.is_leased(now, LEASE)]
        assert len(leased) <= 1

    @invariant()
    def a_final_command_tells_when_and_how_it_ended(self) -> None:
        for command in self.work.commands.kept.values():
            assert command.is_open is (command.completed_at is None)
            if command.status is CommandStatus.COMPLETED:
                assert command.success
            if command.executed_at is not None and command.completed_at is not None:
                assert command.executed_at <= command.completed_at


TestAgentHistory = AgentHistory.TestCase
TestAgentHistory.settings = settings(max_examples=60, stateful_step_count=30)
