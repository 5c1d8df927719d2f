"""What is tidied up, by agents and by the server itself."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spot_optimizer.application.agents.mark_silent_agents import MarkSilentAgents
from spot_optimizer.application.agents.record_cleanup import RecordCleanup
from spot_optimizer.application.agents.report_termination import (
    ReportTermination,
    TerminationReport,
)
from spot_optimizer.application.commands.expire_commands import ExpireCommands
from spot_optimizer.domain.agents.agent import Agent, AgentStatus
from spot_optimizer.domain.callers import SYSTEM, Caller
from spot_optimizer.domain.cleanups import TidiedAway
from spot_optimizer.domain.commands.command import Command, CommandStatus
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, CommandId
from tests.builders import (
    AGENT,
    DAY,
    FIRST,
    FROM_ACME,
    FROM_GLOBEX,
    HOUR,
    NOON,
    SECOND,
    SECOND_OF_TIME,
    TODAY,
    a_cleanup_report,
    a_delivered_command,
    a_legacy_command,
    a_pending_command,
    a_replica,
    a_termination_report,
    an_agent,
    an_instance,
    many_agents,
    tidied_away,
)
from tests.fakes import FixedClock, InMemoryUnitOfWork

SILENCE = timedelta(seconds=120)
ID = CommandId("command-1")


class TestSilentAgents:
    def mark(self, *agents: Agent) -> tuple[int, InMemoryUnitOfWork]:
        work = InMemoryUnitOfWork(agents=agents)
        return MarkSilentAgents(work, FixedClock(), SILENCE)(), work

    @pytest.mark.parametrize(("silence", "status"), [(120, "online"), (121, "offline")])
    def test_an_agent_that_is_not_heard_for_too_long_is_offline(
        self, silence: int, status: str
    ) -> None:
        agent = an_agent(last_heartbeat_at=NOON - timedelta(seconds=silence))

        count, work = self.mark(agent)

        assert count == (status == "offline")
        assert work.agents.kept[AGENT] == replace(agent, status=AgentStatus(status))

    def test_everybody_is_told(self) -> None:
        _, work = self.mark(an_agent(last_heartbeat_at=NOON - HOUR))

        assert work.events.types == ["agent_marked_offline"]
        assert work.notifications.messages == [
            "Agent web-1.internal marked offline (heartbeat timeout)"
        ]
        assert work.audit.actions == ["agent_marked_offline"]
        assert work.audit.entries[0].changes == {"status": ("online", "offline")}
        assert work.audit.callers == [SYSTEM]

    @pytest.mark.parametrize("status", [one for one in AgentStatus if one != "online"])
    def test_only_who_is_online_can_fall_silent(self, status: AgentStatus) -> None:
        agent = an_agent(status=status, last_heartbeat_at=NOON - DAY)

        count, work = self.mark(agent)

        assert count == 0
        assert work.agents.kept == {AGENT: agent}
        assert work.notifications.entries == []

    def test_all_fall_silent_together(self) -> None:
        agents = [replace(one, last_heartbeat_at=NOON - HOUR) for one in many_agents(3)]

        count, work = self.mark(*agents)

        assert count == len(work.notifications.entries) == 3
        assert work.commits == 1

    def test_a_second_time_nothing_happens(self) -> None:
        _, work = self.mark(an_agent(last_heartbeat_at=NOON - HOUR))

        assert MarkSilentAgents(work, FixedClock(), SILENCE)() == 0
        assert len(work.notifications.entries) == 1


class TestExpiry:
    def expire(
        self, *commands: Command, compatibility: Compatibility = TODAY
    ) -> tuple[int, InMemoryUnitOfWork]:
        work = InMemoryUnitOfWork(agents=[an_agent()], commands=commands)
        return ExpireCommands(work, FixedClock(), compatibility)(), work

    @pytest.mark.parametrize(
        ("trigger", "patience"),
        [
            ("termination_notice", 120),
            ("rebalance_notice", 7200),
            ("ml_recommendation", 3600),
            ("manual_ui", 86_400),
            ("scheduled", 86_400),
            (None, 86_400),
        ],
    )
    def test_an_order_that_nobody_fetched_in_time_is_withdrawn(
        self, trigger: str | None, patience: int
    ) -> None:
        last_moment = NOON - timedelta(seconds=patience)
        in_time = a_pending_command(
            id=CommandId("in-time"), trigger=trigger, created_at=last_moment
        )
        too_late = a_pending_command(trigger=trigger, created_at=last_moment - SECOND_OF_TIME)

        count, work = self.expire(in_time, too_late)

        assert count == 1
        assert work.commands.kept == {
            in_time.id: in_time,
            ID: replace(
                too_late,
                status=CommandStatus.CANCELLED,
                message="Command expired",
                completed_at=NOON,
            ),
        }

    @pytest.mark.parametrize(("wait", "patience"), [(300, 2100), (0, 1800), (None, 1800)])
    def test_one_whose_end_nobody_told_in_time_has_failed(
        self, wait: int | None, patience: int
    ) -> None:
        last_moment = NOON - timedelta(seconds=patience)
        delivered = a_delivered_command(
            created_at=NOON - DAY, executed_at=last_moment, terminate_wait_seconds=wait
        )
        too_late = replace(
            delivered, id=CommandId("late"), executed_at=last_moment - SECOND_OF_TIME
        )

        count, work = self.expire(delivered, too_late)

        assert count == 1
        assert work.commands.kept[ID] == delivered
        assert work.commands.kept[too_late.id] == replace(
            too_late,
            status=CommandStatus.FAILED,
            success=False,
            message="Execution timed out",
            completed_at=NOON,
        )

    def test_it_is_audited_as_the_servers_own_doing(self) -> None:
        _, work = self.expire(a_pending_command(created_at=NOON - DAY))

        assert work.audit.actions == ["command_cancelled"]
        assert work.audit.callers == [SYSTEM]
        assert work.notifications.entries == []

    def test_the_older_queue_does_not_expire(self) -> None:
        old = a_legacy_command(created_at=NOON - 30 * DAY)

        count, work = self.expire(old)

        assert count == 0
        assert work.commands.kept == {old.id: old}

    def test_what_is_over_stays_over(self) -> None:
        done = a_delivered_command(created_at=NOON - DAY, status=CommandStatus.COMPLETED)

        assert self.expire(done)[0] == 0

    def test_the_former_server_forgot_nothing(self) -> None:
        former = Compatibility(commands_never_expire=True)

        count, _ = self.expire(a_pending_command(created_at=NOON - DAY), compatibility=former)

        assert count == 0


class TestTermination:
    def report(
        self,
        report: TerminationReport | None = None,
        caller: Caller = FROM_ACME,
        **agent: object,
    ) -> InMemoryUnitOfWork:
        work = InMemoryUnitOfWork(
            agents=[an_agent(**agent)],
            instances=[an_instance(), an_instance(id=SECOND, agent_id=AgentId("agent-2"))],
        )
        use_case = ReportTermination(work, FixedClock(), TODAY)
        use_case(AGENT, report or a_termination_report(), caller)
        return work

    def test_agent_and_instance_have_ended(self) -> None:
        work = self.report()

        assert work.agents.kept[AGENT] == an_agent(status=AgentStatus.OFFLINE, terminated_at=NOON)
        assert work.instances.kept[FIRST] == an_instance(is_active=False, terminated_at=NOON)

    def test_everybody_is_told_the_reason(self) -> None:
        work = self.report()

        assert work.notifications.messages == ["Agent agent-1 terminated: spot interruption"]
        assert work.events.types == ["instance_terminated"]
        assert work.events.entries[0].metadata == {"reason": "spot interruption"}
        assert work.audit.actions == ["agent_terminated"]

    @pytest.mark.parametrize("named", [None, SECOND, "i-9"])
    def test_only_an_instance_of_the_agent_that_is_named_ends(self, named: str | None) -> None:
        work = self.report(a_termination_report(instance_id=named))

        assert all(instance.is_active for instance in work.instances.kept.values())

    def test_a_replica_on_it_protects_nobody_any_longer(self) -> None:
        work = InMemoryUnitOfWork(agents=[an_agent()], replicas=[a_replica()])

        ReportTermination(work, FixedClock(), TODAY)(
            AGENT, a_termination_report(instance_id=SECOND), FROM_ACME
        )

        (replica,) = work.replicas.kept.values()
        assert replica.status == "failed"
        assert work.audit.actions == ["replica_failed", "agent_terminated"]

    def test_a_deleted_agent_stays_deleted(self) -> None:
        work = self.report(status=AgentStatus.DELETED)

        assert work.agents.kept[AGENT].status is AgentStatus.DELETED

    def test_the_agent_of_another_client_does_not_exist(self) -> None:
        with pytest.raises(AgentNotFound):
            self.report(caller=FROM_GLOBEX)


class TestCleanUp:
    def report(
        self, caller: Caller = FROM_ACME, tidied: TidiedAway | None = None
    ) -> InMemoryUnitOfWork:
        work = InMemoryUnitOfWork(agents=[an_agent()])
        RecordCleanup(work, FixedClock())(AGENT, tidied or tidied_away(), caller)
        return work

    def test_what_was_tidied_away_is_kept(self) -> None:
        work = self.report()

        assert work.cleanups.reports == [a_cleanup_report()]
        assert work.agents.kept == {AGENT: an_agent(last_cleanup_at=NOON)}

    def test_operators_are_told(self) -> None:
        work = self.report()

        (event,) = work.events.entries
        assert event.event_type == "cleanup_completed"
        assert event.message == "Cleaned 2 snapshots, 1 AMIs. Failed: 3"
        assert work.notifications.entries == []

    def test_without_a_time_it_was_now(self) -> None:
        work = self.report(tidied=tidied_away(executed_at=None))

        assert work.cleanups.reports[0].executed_at == NOON

    def test_the_agent_of_another_client_does_not_exist(self) -> None:
        with pytest.raises(AgentNotFound):
            self.report(FROM_GLOBEX)
