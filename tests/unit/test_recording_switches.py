"""An agent has moved (contract/domain.md 4.6.7, contract/agents-and-replicas.md A7)."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from spot_optimizer.application.switching.record_switch import ForeignInstance, RecordSwitch
from spot_optimizer.domain.agents.agent import AgentSettings, AgentStatus
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import CommandId, InstanceId, SwitchId
from spot_optimizer.domain.switching import (
    ReportedInstance,
    SwitchPrices,
    SwitchReport,
    SwitchTiming,
)
from spot_optimizer.domain.values import Mode
from tests.builders import (
    ACME,
    AGENT,
    DAY,
    FIRST,
    FROM_ACME,
    FROM_GLOBEX,
    GLOBEX,
    MINUTE,
    NOON,
    POOL_B,
    SECOND,
    SECOND_OF_TIME,
    THIRD,
    TODAY,
    ZONE_B,
    a_client,
    a_delivered_command,
    a_placement,
    a_switch,
    a_switch_report,
    an_agent,
    an_instance,
)
from tests.fakes import CountingIdentifiers, FixedClock, InMemoryUnitOfWork

NEW = SwitchId("00000000-0000-4000-8000-000000000001")
ID = CommandId("command-1")
LAUNCHED, ENDED = NOON - 5 * MINUTE, NOON - SECOND_OF_TIME
MOVED = an_agent(
    primary_instance_id=SECOND,
    placement=a_placement(zone=ZONE_B),
    ami_id="ami-2",
    last_switch_at=NOON,
)


def known(*commands: Command, **agent: object) -> InMemoryUnitOfWork:
    """Acme's agent on `i-1`."""
    return InMemoryUnitOfWork(
        clients=[a_client()],
        agents=[an_agent(**agent)],
        instances=[an_instance()],
        commands=commands,
    )


def tell(
    work: InMemoryUnitOfWork,
    report: SwitchReport | None = None,
    *,
    at: datetime = NOON,
    caller: Caller = FROM_ACME,
) -> InMemoryUnitOfWork:
    identifiers = CountingIdentifiers()
    identifiers.given = len(work.switches.kept)
    RecordSwitch(work, FixedClock(at), identifiers, TODAY)(
        AGENT, report or a_switch_report(), caller
    )
    return work


class TestRecord:
    def test_a_switch_is_put_on_record(self) -> None:
        work = tell(known())

        assert work.switches.kept == [a_switch(id=NEW)]

    def test_without_a_start_it_starts_now(self) -> None:
        work = tell(known(), a_switch_report(timing=SwitchTiming()))

        assert work.switches.kept[0].initiated_at == NOON

    def test_everybody_is_told(self) -> None:
        work = tell(known())

        assert work.notifications.messages == ["Instance switched: i-2 - Saved $0.0100/hr"]
        assert work.events.types == ["switch_completed"]
        assert work.events.entries[0].message == "Switch from i-1 to i-2"
        assert work.audit.actions == ["switch_recorded"]
        assert work.audit.entries[0].changes["instance_id"] == (FIRST, SECOND)

    def test_savings_are_credited_for_a_day(self) -> None:
        work = tell(known())

        assert work.clients.kept[ACME].total_savings == Decimal("0.2400")

    @pytest.mark.parametrize("new_spot", ["0.02", "0.03"])
    def test_what_saves_nothing_is_not_credited(self, new_spot: str) -> None:
        prices = SwitchPrices(
            on_demand=Decimal("0.04"), old_spot=Decimal("0.02"), new_spot=Decimal(new_spot)
        )

        work = tell(known(), a_switch_report(prices=prices))

        assert work.clients.kept[ACME].total_savings == 0

    def test_the_agent_of_another_client_does_not_exist(self) -> None:
        work = known()

        with pytest.raises(AgentNotFound):
            tell(work, caller=FROM_GLOBEX)

        assert work.switches.kept == []
        assert work.agents.kept == {AGENT: an_agent()}


class TestRepetition:
    def test_the_same_report_again_changes_nothing(self) -> None:
        work = tell(known())
        before = [
            (part, part.remember())
            for part in (work.agents, work.instances, work.clients, work.switches, work.audit)
        ]

        tell(work, at=NOON + MINUTE)

        assert all(part.remember() == memory for part, memory in before)
        assert len(work.notifications.entries) == 1

    @pytest.mark.parametrize(
        "another",
        [
            a_switch_report(new_instance_id=THIRD),
            a_switch_report(old=ReportedInstance(instance_id=THIRD)),
            a_switch_report(timing=SwitchTiming(initiated_at=NOON)),
            a_switch_report(timing=SwitchTiming()),
        ],
    )
    def test_another_report_is_another_switch(self, another: SwitchReport) -> None:
        work = tell(tell(known()), another)

        assert len(work.switches.kept) == 2

    def test_the_same_command_again_is_the_same_switch(self) -> None:
        report = a_switch_report(command_id=ID)
        work = tell(known(a_delivered_command()), report)

        tell(work, replace(report, timing=SwitchTiming(initiated_at=NOON)))

        assert len(work.switches.kept) == 1

    def test_an_unknown_command_names_no_switch(self) -> None:
        report = a_switch_report(command_id=CommandId("command-9"))
        work = tell(known(), report)

        tell(work, replace(report, timing=SwitchTiming(initiated_at=NOON)))

        assert [switch.command_id for switch in work.switches.kept] == [None, None]


class TestAgent:
    def test_the_agent_follows(self) -> None:
        assert tell(known()).agents.kept == {AGENT: MOVED}

    def test_what_the_report_leaves_out_is_taken_from_the_agent(self) -> None:
        report = a_switch_report(new=ReportedInstance(zone=ZONE_B))

        assert tell(known(), report).agents.kept == {AGENT: replace(MOVED, ami_id="ami-1")}

    def test_on_demand_has_no_pool(self) -> None:
        report = a_switch_report(new=ReportedInstance(mode="ondemand", pool_id=POOL_B))

        work = tell(known(), report)

        assert work.agents.kept[AGENT].placement == a_placement(mode=Mode.ON_DEMAND)
        assert work.instances.kept[SECOND].pool_id is None

    @pytest.mark.parametrize(
        ("agent", "follows"),
        [
            ({}, False),
            ({"last_heartbeat_at": NOON - 10 * MINUTE}, False),
            ({"last_heartbeat_at": NOON - 10 * MINUTE - SECOND_OF_TIME}, True),
            ({"status": AgentStatus.OFFLINE}, True),
        ],
    )
    def test_a_late_report_does_not_pull_the_workload_back_from_a_living_primary(
        self, agent: dict[str, object], follows: bool
    ) -> None:
        work = tell(known(primary_instance_id=THIRD, **agent))

        primary = work.agents.kept[AGENT].primary_instance_id
        assert primary == (SECOND if follows else THIRD)
        assert work.agents.kept[AGENT].last_switch_at == NOON
        assert work.instances.kept[SECOND].is_active
        assert len(work.switches.kept) == 1

    def test_the_successor_may_have_registered_already(self) -> None:
        work = known(primary_instance_id=SECOND, placement=a_placement(zone=ZONE_B))
        work.instances.kept[SECOND] = an_instance(id=SECOND, zone=ZONE_B)

        tell(work)

        assert work.agents.kept[AGENT] == MOVED

    def test_its_settings_stay(self) -> None:
        settings = AgentSettings(enabled=False, replica_count=1)

        assert tell(known(settings=settings)).agents.kept[AGENT].settings == settings


class TestNewInstance:
    def test_it_is_noted(self) -> None:
        assert tell(known()).instances.kept[SECOND] == an_instance(
            id=SECOND,
            zone=ZONE_B,
            ami_id="ami-2",
            pool_id=POOL_B,
            spot_price=Decimal("0.01"),
            installed_at=LAUNCHED,
            last_switch_at=LAUNCHED,
        )

    def test_without_prices_it_is_measured_against_what_the_old_one_was(self) -> None:
        work = known()
        work.instances.kept[FIRST] = an_instance(baseline_on_demand_price=Decimal("0.07"))

        tell(work, a_switch_report(prices=SwitchPrices()))

        assert work.instances.kept[SECOND].baseline_on_demand_price == Decimal("0.07")

    def test_a_known_one_keeps_its_baseline_and_lives_again(self) -> None:
        work = known()
        work.instances.kept[SECOND] = an_instance(
            id=SECOND,
            agent_id=None,
            is_active=False,
            terminated_at=NOON - DAY,
            baseline_on_demand_price=Decimal("0.09"),
        )

        tell(work)

        assert work.instances.kept[SECOND] == an_instance(
            id=SECOND,
            zone=ZONE_B,
            ami_id="ami-2",
            pool_id=POOL_B,
            spot_price=Decimal("0.01"),
            baseline_on_demand_price=Decimal("0.09"),
            last_switch_at=LAUNCHED,
        )

    def test_the_instance_of_another_client_is_left_alone(self) -> None:
        """The switch happened all the same."""
        theirs = an_instance(id=SECOND, client_id=GLOBEX, agent_id=None)
        work = known()
        work.instances.kept[SECOND] = theirs

        tell(work)

        assert work.instances.kept[SECOND] == theirs
        assert work.agents.kept == {AGENT: MOVED}
        assert len(work.switches.kept) == 1

    def test_the_former_server_refused_it_and_nothing_happened(self) -> None:
        theirs = an_instance(id=SECOND, client_id=GLOBEX, agent_id=None)
        work = known()
        work.instances.kept[SECOND] = theirs
        former = Compatibility(refuse_foreign_instance=True)
        record = RecordSwitch(work, FixedClock(), CountingIdentifiers(), former)

        with pytest.raises(ForeignInstance):
            record(AGENT, a_switch_report(), FROM_ACME)

        assert work.instances.kept == {FIRST: an_instance(), SECOND: theirs}
        assert work.agents.kept == {AGENT: an_agent()}
        assert work.switches.kept == []
        assert work.clients.kept[ACME].total_savings == 0

    def test_the_baseline_of_another_client_is_not_told(self) -> None:
        work = known()
        work.instances.kept[FIRST] = an_instance(
            client_id=GLOBEX, agent_id=None, baseline_on_demand_price=Decimal("0.07")
        )

        tell(work, a_switch_report(prices=SwitchPrices()))

        assert work.instances.kept[SECOND].baseline_on_demand_price is None


class TestOldInstance:
    def test_it_is_closed_when_it_was_to_end_and_has_ended(self) -> None:
        assert tell(known()).instances.kept[FIRST] == an_instance(
            is_active=False, terminated_at=ENDED
        )

    def test_it_stays_when_nobody_says_that_it_has_ended(self) -> None:
        timing = replace(a_switch_report().timing, old_terminated_at=None)

        assert tell(known(), a_switch_report(timing=timing)).instances.kept[FIRST] == an_instance()

    def test_it_stays_when_it_was_to_live_on(self) -> None:
        settings = AgentSettings(auto_terminate_enabled=False)

        assert tell(known(settings=settings)).instances.kept[FIRST] == an_instance()

    def test_the_instance_of_another_client_stays(self) -> None:
        theirs = an_instance(client_id=GLOBEX, agent_id=None)
        work = known()
        work.instances.kept[FIRST] = theirs

        assert tell(work).instances.kept[FIRST] == theirs

    def test_a_primary_that_is_said_to_have_ended_stays(self) -> None:
        """It reports itself, so it lives."""
        work = known(primary_instance_id=SECOND)
        work.instances.kept[SECOND] = an_instance(id=SECOND)
        back = a_switch_report(old=ReportedInstance(instance_id=SECOND), new_instance_id=SECOND)

        assert tell(work, back).instances.kept[SECOND].is_active

    def test_one_that_nobody_knows_is_nothing(self) -> None:
        unknown = ReportedInstance(instance_id=InstanceId("i-0"))

        work = tell(known(primary_instance_id=None), a_switch_report(old=unknown))

        assert sorted(work.instances.kept) == [FIRST, SECOND]
