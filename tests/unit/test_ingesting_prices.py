"""Agents report what spot and on-demand cost where they are (contract/domain.md 4.1.12)."""

from decimal import Decimal

import pytest

from spot_optimizer.application.ports.market_repositories import OnDemandTick
from spot_optimizer.application.pricing.ingest_pricing_reports import (
    IngestPricingReports,
    ReceivedReport,
)
from spot_optimizer.domain.agents.agent import AgentStatus, Placement
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.errors import AgentNotFound, DomainError
from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.pricing.report import PoolOffer
from spot_optimizer.domain.pricing.submission import PriceSubmission
from spot_optimizer.domain.values import Mode
from tests.builders import (
    AGENT,
    FIRST,
    FROM_ACME,
    FROM_GLOBEX,
    GLOBEX,
    MINUTE,
    NOON,
    OPERATOR,
    POOL_A,
    POOL_B,
    REGION,
    SECOND,
    SECOND_OF_TIME,
    TODAY,
    TYPE,
    ZONE_A,
    ZONE_B,
    a_client,
    a_placement,
    a_submission,
    an_agent,
    an_instance,
    an_offer,
    globex,
)
from tests.fakes import CountingIdentifiers, FixedClock, InMemoryUnitOfWork

COLLECTED = NOON - MINUTE / 2
NOTHING = PriceSubmission()


class Gate:
    """What Acme's agent on `i-1` reports is taken in."""

    def __init__(self, **agent: object) -> None:
        self.work = InMemoryUnitOfWork(
            clients=[a_client(), globex()], agents=[an_agent(**agent)], instances=[an_instance()]
        )
        self.clock = FixedClock()
        self._ingest = IngestPricingReports(self.work, self.clock, CountingIdentifiers(), TODAY)

    def take(
        self, *submissions: PriceSubmission, agent_id: AgentId = AGENT, caller: Caller = FROM_ACME
    ) -> list[DomainError | None]:
        """What each is answered; they arrive together."""
        return self.take_received(*(ReceivedReport(agent_id, s, caller) for s in submissions))

    def take_received(self, *received: ReceivedReport) -> list[DomainError | None]:
        return list(self._ingest(received))


class TestReport:
    def test_a_report_is_kept_as_it_came(self) -> None:
        gate = Gate()

        assert gate.take(a_submission()) == [None]

        (report,) = gate.work.prices.reports
        assert (report.agent_id, report.instance_id) == (AGENT, FIRST)
        assert (report.received_at, report.collected_at) == (NOON, COLLECTED)
        assert report.spot_pools == a_submission().listed

    def test_what_it_leaves_out_is_taken_from_the_agent(self) -> None:
        gate = Gate()

        gate.take(PriceSubmission(mode=Mode.SPOT, offers=(an_offer(ZONE_B, "0.0110"),)))

        (report,) = gate.work.prices.reports
        assert (report.instance_id, report.instance_type) == (FIRST, TYPE)
        assert (report.region, report.zone) == (REGION, ZONE_A)
        assert report.current_pool_id == POOL_A
        assert (report.cheapest_pool_id, report.cheapest_pool_price) == (POOL_B, Decimal("0.011"))

    def test_an_empty_report_is_kept_too(self) -> None:
        gate = Gate()

        assert gate.take(NOTHING) == [None]

        assert len(gate.work.prices.reports) == 1
        assert gate.work.prices.ticks == []
        assert gate.work.instances.kept == {FIRST: an_instance()}

    def test_nobody_is_told(self) -> None:
        gate = Gate()

        gate.take(a_submission())

        assert gate.work.events.entries == []
        assert gate.work.notifications.entries == []
        assert gate.work.audit.entries == []


class TestRepetition:
    def test_the_same_report_again_changes_nothing(self) -> None:
        gate = Gate()
        gate.take(a_submission())
        ticks = gate.work.prices.ticks.copy()
        commits = gate.work.commits
        gate.clock.advance(MINUTE)

        dearer = (an_offer(ZONE_A, "0.09"),)
        assert gate.take(a_submission(offers=dearer, current_spot_price=Decimal("0.09"))) == [None]

        assert len(gate.work.prices.reports) == 1
        assert gate.work.prices.ticks == ticks
        assert gate.work.instances.kept[FIRST] == an_instance()
        assert gate.work.commits == commits

    def test_the_same_report_twice_at_once_is_taken_once(self) -> None:
        gate = Gate()

        assert gate.take(a_submission(), a_submission()) == [None, None]

        assert len(gate.work.prices.reports) == 1
        assert len(gate.work.prices.on_demand_ticks) == 1

    def test_within_a_second_it_is_the_same_report(self) -> None:
        gate = Gate()

        gate.take(a_submission(), a_submission(collected_at=COLLECTED.replace(microsecond=7)))

        assert len(gate.work.prices.reports) == 1

    def test_a_second_later_it_is_another(self) -> None:
        gate = Gate()

        gate.take(a_submission(), a_submission(collected_at=COLLECTED + SECOND_OF_TIME))

        assert len(gate.work.prices.reports) == 2

    def test_without_a_time_there_is_no_telling(self) -> None:
        gate = Gate()

        for _ in range(2):
            gate.take(a_submission(collected_at=None))

        assert len(gate.work.prices.reports) == 2

    def test_the_same_moment_of_another_agent_is_another_report(self) -> None:
        gate = Gate()
        other = an_agent(id=AgentId("agent-2"), logical_agent_id="web-2")
        gate.work.agents.kept[other.id] = other

        gate.take(a_submission())
        gate.take(a_submission(instance_id=SECOND), agent_id=other.id)

        assert [report.agent_id for report in gate.work.prices.reports] == [AGENT, other.id]


class TestInstancePrices:
    def after(self, gate: Gate, *submissions: PriceSubmission) -> tuple[str, str]:
        for submission in submissions:
            gate.take(submission)
        instance = gate.work.instances.kept[FIRST]
        return str(instance.spot_price), str(instance.on_demand_price)

    def test_reported_prices_are_those_of_the_instance(self) -> None:
        report = a_submission(current_spot_price=Decimal("0.02"), on_demand_price=Decimal("0.05"))

        assert self.after(Gate(), report) == ("0.02", "0.05")

    @pytest.mark.parametrize("price", [None, "0", "-1", "0.0009", "100.1", "NaN"])
    def test_nothing_overwrites_nothing(self, price: str | None) -> None:
        told = None if price is None else Decimal(price)
        report = a_submission(current_spot_price=told, offers=())

        assert self.after(Gate(), report) == ("0.012500", "0.041600")

    @pytest.mark.parametrize("price", [None, "0", "-1", "0.0009", "200.1", "NaN"])
    def test_nor_for_on_demand(self, price: str | None) -> None:
        told = None if price is None else Decimal(price)

        report = a_submission(on_demand_price=told, current_spot_price=Decimal("0.02"))

        assert self.after(Gate(), report) == ("0.02", "0.041600")

    def test_without_a_current_price_that_of_the_pool_in_the_list_counts(self) -> None:
        report = a_submission(current_spot_price=None, offers=(an_offer(ZONE_A, "0.0333"),))

        assert self.after(Gate(), report)[0] == "0.0333"

    def test_of_several_reports_the_last_counts(self) -> None:
        gate = Gate()
        later = a_submission(
            current_spot_price=Decimal("0.03"), collected_at=COLLECTED + MINUTE, offers=()
        )

        gate.take(a_submission(current_spot_price=Decimal("0.02")), later)

        assert gate.work.instances.kept[FIRST].spot_price == Decimal("0.03")

    def test_the_instance_of_another_client_stays_as_it_is(self) -> None:
        gate = Gate()
        theirs = an_instance(id=SECOND, client_id=GLOBEX, agent_id=None)
        gate.work.instances.kept[SECOND] = theirs

        gate.take(a_submission(instance_id=SECOND, current_spot_price=Decimal("0.09")))

        assert gate.work.instances.kept == {FIRST: an_instance(), SECOND: theirs}


class TestMode:
    oldest = a_placement(mode=Mode.UNKNOWN)

    def test_the_oldest_agents_say_only_here_how_they_pay(self) -> None:
        gate = Gate(placement=self.oldest)
        gate.work.instances.kept[FIRST] = an_instance(mode=Mode.UNKNOWN, pool_id=None)

        gate.take(a_submission(pool_id=None))

        assert gate.work.agents.kept[AGENT] == an_agent()
        assert gate.work.instances.kept[FIRST] == an_instance()
        assert gate.work.audit.actions == ["agent_changed"]

    def test_who_goes_to_on_demand_leaves_the_pool(self) -> None:
        gate = Gate()

        gate.take(a_submission(mode=Mode.ON_DEMAND))

        assert gate.work.agents.kept[AGENT].placement == a_placement(mode=Mode.ON_DEMAND)
        instance = gate.work.instances.kept[FIRST]
        assert (instance.mode, instance.pool_id) == (Mode.ON_DEMAND, None)

    def test_only_the_primary_teaches(self) -> None:
        gate = Gate(placement=self.oldest, primary_instance_id=SECOND)

        gate.take(a_submission())

        assert gate.work.agents.kept[AGENT].placement == self.oldest

    @pytest.mark.parametrize("mode", [None, Mode.UNKNOWN])
    def test_who_says_nothing_teaches_nothing(self, mode: Mode | None) -> None:
        gate = Gate()

        gate.take(a_submission(mode=mode))

        assert gate.work.agents.kept[AGENT] == an_agent()

    def test_a_deleted_agent_learns_nothing(self) -> None:
        gate = Gate(placement=self.oldest, status=AgentStatus.DELETED)

        gate.take(a_submission())

        assert gate.work.agents.kept[AGENT].placement == self.oldest
        assert gate.work.audit.entries == []


class TestOnDemandPrice:
    def test_it_is_a_tick_and_the_price_that_counts(self) -> None:
        gate = Gate()

        gate.take(a_submission(on_demand_price=Decimal("0.05")))

        assert gate.work.prices.on_demand_ticks == [OnDemandTick(TYPE, REGION, Decimal("0.05"))]
        assert gate.work.prices.current_on_demand == {(TYPE, REGION): Decimal("0.05")}

    @pytest.mark.parametrize(
        "submission",
        [
            a_submission(on_demand_price=None),
            a_submission(on_demand_price=Decimal(0)),
            a_submission(on_demand_price=Decimal(201)),
        ],
    )
    def test_what_is_no_price_is_left_out(self, submission: PriceSubmission) -> None:
        gate = Gate()

        assert gate.take(submission) == [None]

        assert gate.work.prices.on_demand_ticks == []

    def test_a_price_of_nowhere_is_left_out(self) -> None:
        gate = Gate(placement=Placement())

        gate.take(a_submission(region=None))

        assert gate.work.prices.on_demand_ticks == []
        assert gate.work.prices.ticks == []
        assert len(gate.work.prices.reports) == 1


class TestStrangers:
    def test_an_agent_of_another_client_does_not_exist(self) -> None:
        gate = Gate()

        (foreign,) = gate.take(a_submission(), caller=FROM_GLOBEX)
        (unknown,) = gate.take(a_submission(), agent_id=AgentId("agent-9"))

        assert isinstance(foreign, AgentNotFound)
        assert isinstance(unknown, AgentNotFound)
        assert gate.work.prices.reports == []
        assert gate.work.commits == 0

    def test_a_stranger_among_others_stops_nobody(self) -> None:
        gate = Gate()

        answers = gate.take_received(
            ReceivedReport(AGENT, a_submission(), FROM_GLOBEX),
            ReceivedReport(AGENT, a_submission(), OPERATOR),
        )

        assert [isinstance(answer, AgentNotFound) for answer in answers] == [True, False]
        assert len(gate.work.prices.reports) == 1


@pytest.mark.parametrize(
    ("offer", "price"),
    [(an_offer(price=None), "0.0125"), (an_offer(ZONE_B, "0.02"), "0.0125")],
)
def test_the_list_does_not_overrule_what_is_said_of_the_instance(
    offer: PoolOffer, price: str
) -> None:
    gate = Gate()

    gate.take(a_submission(offers=(offer,)))

    assert gate.work.instances.kept[FIRST].spot_price == Decimal(price)
