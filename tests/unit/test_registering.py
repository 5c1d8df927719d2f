"""An agent introduces itself (contract/domain.md 4.6.5)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from spot_optimizer.application.agents.register_agent import Introduction, RegisterAgent
from spot_optimizer.application.ports.market_repositories import OnDemandTick
from spot_optimizer.application.ports.unit_of_work import TransactionLost
from spot_optimizer.domain.agents.agent import AgentSettings, AgentStatus
from spot_optimizer.domain.agents.registration import Registration, RegistrationOutcome
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId, LogicalAgentId
from spot_optimizer.domain.values import Mode
from tests.builders import (
    ACME,
    AGENT,
    DAY,
    FIRST,
    FROM_ACME,
    GLOBEX,
    HOUR,
    NOON,
    POOL_B,
    REGION,
    SECOND,
    TODAY,
    TYPE,
    ZONE_B,
    a_client,
    a_delivered_command,
    a_placement,
    a_registration,
    a_standby,
    an_agent,
    an_instance,
    an_observation,
    globex,
)
from tests.fakes import CountingIdentifiers, FixedClock, InMemoryUnitOfWork
from tests.fakes.replicas import replica_of

NEW = AgentId("00000000-0000-4000-8000-000000000001")
FROM_THE_SECOND = a_registration(instance_id=SECOND, zone=ZONE_B, ami_id="ami-2")
OUTCOMES = RegistrationOutcome


def register(
    work: InMemoryUnitOfWork, registration: Registration, client_id: ClientId = ACME
) -> Introduction:
    use_case = RegisterAgent(work, FixedClock(), CountingIdentifiers(), TODAY)
    return use_case(client_id, registration, FROM_ACME)


def known(**agent: object) -> InMemoryUnitOfWork:
    """Acme's agent on `i-1`."""
    return InMemoryUnitOfWork(
        clients=[a_client(), globex()], agents=[an_agent(**agent)], instances=[an_instance()]
    )


class TestFirstRegistration:
    def test_an_agent_is_minted(self) -> None:
        work = InMemoryUnitOfWork(clients=[a_client()])

        introduction = register(work, a_registration())

        agent = work.agents.kept[NEW]
        assert introduction.registered.outcome is OUTCOMES.MINTED
        assert introduction.registered.agent == agent
        assert introduction.limits == work.agents.limits[NEW] == SwitchLimits()
        assert agent == an_agent(id=NEW, installed_at=NOON, last_heartbeat_at=NOON)

    def test_its_instance_is_noted(self) -> None:
        work = InMemoryUnitOfWork()

        register(work, a_registration())

        assert work.instances.kept[FIRST] == an_instance(
            agent_id=NEW, installed_at=NOON, spot_price=Decimal("0.012480")
        )

    def test_the_client_is_told_and_it_goes_on_record(self) -> None:
        work = InMemoryUnitOfWork()

        register(work, a_registration())

        assert work.notifications.messages == ["New agent registered: web-1"]
        assert work.events.types == ["agent_registered"]
        assert work.audit.actions == ["agent_minted"]
        assert work.audit.callers == [FROM_ACME]

    def test_the_same_name_is_another_agent_for_another_client(self) -> None:
        work = known()

        introduction = register(work, FROM_THE_SECOND, GLOBEX)

        assert introduction.registered.outcome is OUTCOMES.MINTED
        assert work.agents.kept[AGENT] == an_agent()
        assert work.agents.kept[NEW].client_id == GLOBEX

    def test_the_loser_of_a_race_tries_again(self) -> None:
        work = InMemoryUnitOfWork(losses=1)

        register(work, a_registration())

        assert work.commits == 1
        assert len(work.agents.kept) == len(work.notifications.entries) == 1

    def test_who_always_loses_leaves_nothing(self) -> None:
        work = InMemoryUnitOfWork(losses=4)

        with pytest.raises(Exception, match="lost every time") as failure:
            register(work, a_registration())

        assert isinstance(failure.value.__cause__, TransactionLost)
        assert work.agents.kept == {}
        assert work.instances.kept == {}


class TestStartingPrices:
    def test_an_unknown_type_has_the_default_prices(self) -> None:
        work = InMemoryUnitOfWork()

        register(work, a_registration())

        instance = work.instances.kept[FIRST]
        assert instance.on_demand_price == instance.baseline_on_demand_price == Decimal("0.0416")
        assert instance.spot_price == Decimal("0.3") * Decimal("0.0416")

    def test_known_prices_are_taken(self) -> None:
        work = InMemoryUnitOfWork()
        work.prices.ticks.append(an_observation(price=Decimal("0.011")))
        work.prices.on_demand_ticks.append(OnDemandTick(TYPE, REGION, Decimal("0.05")))

        register(work, a_registration())

        instance = work.instances.kept[FIRST]
        assert instance.spot_price == Decimal("0.011")
        assert instance.on_demand_price == instance.baseline_on_demand_price == Decimal("0.05")

    def test_who_is_not_on_spot_pays_no_spot_price(self) -> None:
        work = InMemoryUnitOfWork()

        register(work, a_registration(mode=Mode.ON_DEMAND))

        instance = work.instances.kept[FIRST]
        assert instance.spot_price == 0
        assert instance.pool_id is None


class TestSameInstance:
    def test_the_agent_is_refreshed_and_keeps_what_is_its_own(self) -> None:
        settings = AgentSettings(enabled=False, terminate_wait_seconds=7)
        work = known(settings=settings, status=AgentStatus.OFFLINE)
        limits = SwitchLimits(max_switches_per_week=1)
        work.agents.limits[AGENT] = limits

        introduction = register(work, a_registration(agent_version="4.1", hostname=None))

        assert introduction.registered.outcome is OUTCOMES.REFRESHED
        assert introduction.limits == limits
        assert work.agents.kept[AGENT] == an_agent(
            settings=settings, agent_version="4.1", hostname=None, last_heartbeat_at=NOON
        )

    def test_no_client_is_told_again(self) -> None:
        work = known()

        register(work, a_registration())

        assert work.notifications.entries == []
        assert work.audit.entries == []
        assert work.events.types == ["agent_registered"]

    def test_not_saying_the_mode_forgets_nothing(self) -> None:
        work = known()

        register(work, a_registration(mode=None))

        assert work.agents.kept[AGENT].placement == a_placement()
        assert work.instances.kept[FIRST] == an_instance()

    def test_an_agent_without_an_instance_takes_the_first_that_comes(self) -> None:
        work = known(primary_instance_id=None)

        introduction = register(work, FROM_THE_SECOND)

        assert introduction.registered.outcome is OUTCOMES.REFRESHED
        assert work.agents.kept[AGENT].primary_instance_id == SECOND

    def test_a_closed_instance_is_open_again_at_its_old_prices(self) -> None:
        closed = an_instance(is_active=False, terminated_at=NOON - HOUR, agent_id=None)
        work = known()
        work.instances.kept[FIRST] = closed

        register(work, a_registration())

        assert work.instances.kept[FIRST] == an_instance()


class TestAnotherInstance:
    def test_an_unknown_instance_takes_over(self) -> None:
        work = known()

        introduction = register(work, FROM_THE_SECOND)

        agent = work.agents.kept[AGENT]
        assert introduction.registered.outcome is OUTCOMES.MIGRATED
        assert agent == an_agent(
            primary_instance_id=SECOND,
            placement=a_placement(zone=ZONE_B),
            ami_id="ami-2",
            last_heartbeat_at=NOON,
        )
        assert agent.placement.pool_id == work.instances.kept[SECOND].pool_id == POOL_B

    def test_the_former_instance_stays_open_as_nobody_has_ended_it(self) -> None:
        work = known()

        register(work, FROM_THE_SECOND)

        assert work.instances.kept[FIRST] == an_instance()

    def test_the_move_is_audited_without_telling_the_client(self) -> None:
        work = known()

        register(work, FROM_THE_SECOND)

        (entry,) = work.audit.entries
        assert entry.action == "agent_migrated"
        assert entry.changes["instance_id"] == (FIRST, SECOND)
        assert work.notifications.entries == []

    def test_the_instance_of_another_client_is_left_alone(self) -> None:
        theirs = an_instance(id=SECOND, client_id=GLOBEX, agent_id=None)
        work = known()
        work.instances.kept[SECOND] = theirs

        register(work, FROM_THE_SECOND)

        assert work.agents.kept[AGENT].primary_instance_id == SECOND
        assert work.instances.kept[SECOND] == theirs


class TestFormerInstance:
    former = an_instance(id=SECOND, is_active=False, terminated_at=NOON - DAY)

    def after(self, silence: timedelta, status: AgentStatus) -> RegistrationOutcome:
        work = known(last_heartbeat_at=NOON - silence, status=status)
        work.instances.kept[SECOND] = self.former
        outcome = register(work, FROM_THE_SECOND).registered.outcome
        moved = work.agents.kept[AGENT].primary_instance_id == SECOND
        assert moved is (outcome is OUTCOMES.MIGRATED)
        return outcome

    @pytest.mark.parametrize("silence", [0, 600])
    def test_it_moves_nothing_while_the_primary_lives(self, silence: int) -> None:
        outcome = self.after(timedelta(seconds=silence), AgentStatus.ONLINE)

        assert outcome is OUTCOMES.ACKNOWLEDGED_FORMER

    @pytest.mark.parametrize(
        ("silence", "status"), [(601, AgentStatus.ONLINE), (0, AgentStatus.OFFLINE)]
    )
    def test_it_comes_to_the_rescue_when_the_primary_does_not(
        self, silence: int, status: AgentStatus
    ) -> None:
        assert self.after(timedelta(seconds=silence), status) is OUTCOMES.MIGRATED

    def test_its_return_is_no_sign_that_a_switch_succeeded(self) -> None:
        work = known(status=AgentStatus.OFFLINE)
        work.instances.kept[SECOND] = self.former
        ordered = a_delivered_command()
        work.commands.kept = {ordered.id: ordered}

        register(work, FROM_THE_SECOND)

        assert work.commands.kept[ordered.id].status == "failed"
        assert work.instances.kept[FIRST].is_active

    def test_being_acknowledged_changes_nothing(self) -> None:
        work = known()
        work.instances.kept[SECOND] = self.former

        register(work, FROM_THE_SECOND)

        assert work.agents.kept[AGENT] == an_agent()
        assert work.instances.kept[SECOND] == self.former


class TestStandby:
    def test_it_is_welcomed_and_moves_nothing(self) -> None:
        work = known()
        work.replicas.kept = {a_standby().replica_id: replica_of(a_standby())}

        introduction = register(
            work, replace(FROM_THE_SECOND, logical_agent_id=LogicalAgentId("anything"))
        )

        assert introduction.registered.outcome is OUTCOMES.ACKNOWLEDGED_STANDBY
        assert introduction.registered.agent == work.agents.kept[AGENT] == an_agent()
        assert list(work.agents.kept) == [AGENT]
        assert SECOND not in work.instances.kept

    def test_a_launching_replica_synchronises_from_now_on(self) -> None:
        work = known()
        work.replicas.kept = {a_standby().replica_id: replica_of(a_standby())}

        register(work, FROM_THE_SECOND)

        assert work.standbys.of([AGENT]) == {AGENT: [a_standby(status="syncing")]}

    def test_a_name_with_the_suffix_is_no_second_agent(self) -> None:
        work = known()
        name = LogicalAgentId("web-1-replica")

        introduction = register(work, replace(FROM_THE_SECOND, logical_agent_id=name))

        assert introduction.registered.outcome is OUTCOMES.ACKNOWLEDGED_STANDBY
        assert work.agents.kept == {AGENT: an_agent()}

    def test_without_its_agent_a_name_with_the_suffix_is_an_agent(self) -> None:
        work = InMemoryUnitOfWork()
        name = LogicalAgentId("web-1-replica")

        introduction = register(work, a_registration(logical_agent_id=name))

        assert introduction.registered.outcome is OUTCOMES.MINTED

    def test_the_standby_of_another_client_is_nobody(self) -> None:
        work = known()
        work.replicas.kept = {a_standby().replica_id: replica_of(a_standby())}

        introduction = register(work, FROM_THE_SECOND, GLOBEX)

        assert introduction.registered.outcome is OUTCOMES.MINTED
        assert work.standbys.of([AGENT]) == {AGENT: [a_standby()]}


class TestDeletedAgent:
    deleted = an_agent(
        status=AgentStatus.DELETED,
        settings=AgentSettings(enabled=False, auto_switch_enabled=False),
        terminated_at=NOON - DAY,
    )

    @pytest.mark.parametrize("instance_id", [FIRST, SECOND, InstanceId("i-9")])
    def test_it_comes_back_under_its_id_with_new_settings(self, instance_id: InstanceId) -> None:
        work = InMemoryUnitOfWork(agents=[self.deleted], instances=[an_instance(id=SECOND)])

        introduction = register(work, a_registration(instance_id=instance_id))

        assert introduction.registered.outcome is OUTCOMES.REVIVED
        assert work.agents.kept == {
            AGENT: an_agent(primary_instance_id=instance_id, last_heartbeat_at=NOON)
        }
        assert work.audit.actions == ["agent_revived"]
        assert work.instances.kept[instance_id].agent_id == AGENT

    def test_the_installation_date_never_changes(self) -> None:
        work = InMemoryUnitOfWork(agents=[self.deleted])

        register(work, a_registration())

        assert work.agents.kept[AGENT].installed_at == NOON - 30 * DAY


class TestRefusal:
    def test_a_registration_that_says_nothing_usable_goes_on_record(self) -> None:
        work = InMemoryUnitOfWork()
        use_case = RegisterAgent(work, FixedClock(), CountingIdentifiers(), TODAY)

        use_case.refuse(FROM_ACME, {"az": ["Missing"]})
        use_case.fail(FROM_ACME)

        assert work.events.types == ["validation_error", "agent_registration_failed"]
        assert "az" in (work.events.entries[0].message or "")
        assert [event.client_id for event in work.events.entries] == [ACME, ACME]


def test_a_pool_that_is_named_counts_on_spot_only() -> None:
    work = InMemoryUnitOfWork()

    register(work, a_registration(pool_id=POOL_B, mode=Mode.ON_DEMAND))

    assert work.agents.kept[NEW].placement.pool_id is None
