"""Reported prices, the same expectations wherever they are kept."""

from datetime import datetime
from decimal import Decimal

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.application.ports.market_repositories import OnDemandTick
from spot_optimizer.application.ports.unit_of_work import TransactionLost
from spot_optimizer.domain.identifiers import AgentId, LogicalAgentId, ReportId
from spot_optimizer.domain.pricing.prices import PriceObservation
from spot_optimizer.domain.pricing.report import PricingReport
from tests.builders import (
    AGENT,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    POOL_C,
    REGION,
    SECOND_OF_TIME,
    TYPE,
    ZONE_A,
    ZONE_B,
    a_pricing_report,
    an_agent,
    an_observation,
)
from tests.stores import SqlStore, Store

OTHER = AgentId("agent-2")
COLLECTED = NOON - MINUTE / 2


def put_ticks(store: Store, *ticks: PriceObservation) -> None:
    with store.work() as work:
        work.prices.add_ticks(ticks)
        work.commit()


def tell_on_demand(store: Store, price: str, at: datetime, *, as_current: bool) -> None:
    with store.work() as work:
        ticks = [OnDemandTick(TYPE, REGION, Decimal(price))]
        work.prices.add_on_demand(ticks, at)
        if as_current:
            work.prices.set_current_on_demand(ticks, at)
        work.commit()


def on_demand_price(store: Store, instance_type: str = TYPE, region: str = REGION) -> str | None:
    with store.work() as work:
        price = work.prices.on_demand_price(instance_type, region)
    return None if price is None else str(price.normalize())


class TestTicks:
    def test_the_newest_tick_of_a_pool_is_its_price(self, store: Store) -> None:
        store.put_pools(ZONE_A, ZONE_B)
        put_ticks(
            store,
            an_observation(price=Decimal("0.021"), observed_at=NOON),
            an_observation(price=Decimal("0.022"), observed_at=NOON - HOUR),
            an_observation(price=Decimal("0.09"), pool_id=POOL_B, observed_at=NOON + HOUR),
        )

        with store.work() as work:
            assert work.prices.latest_spot_price(POOL_A) == Decimal("0.021")
            assert work.prices.latest_spot_price(POOL_C) is None

    def test_of_two_at_one_second_the_later_told_counts(self, store: Store) -> None:
        store.put_pools(ZONE_A)
        put_ticks(store, an_observation(), an_observation(price=Decimal("0.03")))

        with store.work() as work:
            assert work.prices.latest_spot_price(POOL_A) == Decimal("0.03")

    def test_without_commit_there_is_no_tick(self, store: Store) -> None:
        store.put_pools(ZONE_A)
        with store.work() as work:
            work.prices.add_ticks([an_observation()])
            work.prices.add_ticks([])

        with store.work() as work:
            assert work.prices.latest_spot_price(POOL_A) is None

    def test_a_tick_tells_when_it_was_seen_and_when_it_came(self, database: SqlStore) -> None:
        database.put_pools(ZONE_A)
        put_ticks(database, an_observation(observed_at=NOON - HOUR))

        row = database.row(tables.spot_price_snapshots)
        assert (row["captured_at"], row["recorded_at"]) == (NOON - HOUR, NOON + SECOND_OF_TIME)

    def test_a_tick_needs_its_pool(self, database: SqlStore) -> None:
        with pytest.raises(TransactionLost):
            put_ticks(database, an_observation())


class TestOnDemandPrices:
    def test_nobody_has_told_a_price(self, store: Store) -> None:
        assert on_demand_price(store) is None

    def test_a_current_price_counts_before_newer_ticks(self, store: Store) -> None:
        tell_on_demand(store, "0.05", NOON, as_current=True)
        tell_on_demand(store, "0.06", NOON + HOUR, as_current=False)

        assert on_demand_price(store) == "0.05"

    def test_without_a_current_price_the_newest_tick_counts(self, store: Store) -> None:
        tell_on_demand(store, "0.05", NOON - HOUR, as_current=False)
        tell_on_demand(store, "0.06", NOON, as_current=False)

        assert on_demand_price(store) == "0.06"

    def test_the_current_price_follows_the_reports(self, store: Store) -> None:
        for price in ("0.05", "0.05", "0.06"):
            tell_on_demand(store, price, NOON, as_current=True)

        assert on_demand_price(store) == "0.06"

    def test_a_price_is_that_of_its_type_and_region(self, store: Store) -> None:
        with store.work() as work:
            ticks = [
                OnDemandTick(TYPE, REGION, Decimal("0.05")),
                OnDemandTick("m5.large", REGION, Decimal("0.1")),
                OnDemandTick(TYPE, "eu-west-1", Decimal("0.2")),
                OnDemandTick(TYPE, REGION, Decimal("0.06")),
            ]
            work.prices.set_current_on_demand(ticks, NOON)
            work.commit()

        assert on_demand_price(store) == "0.06"
        assert on_demand_price(store, "m5.large") == "0.1"
        assert on_demand_price(store, TYPE, "eu-west-1") == "0.2"
        assert on_demand_price(store, "m5.large", "eu-west-1") is None

    def test_without_commit_no_price_was_told(self, store: Store) -> None:
        with store.work() as work:
            tick = OnDemandTick(TYPE, REGION, Decimal("0.05"))
            work.prices.add_on_demand([tick], NOON)
            work.prices.set_current_on_demand([tick], NOON)

        assert on_demand_price(store) is None

    def test_every_report_leaves_a_tick_and_one_current_price(self, database: SqlStore) -> None:
        tell_on_demand(database, "0.05", NOON - HOUR, as_current=True)
        tell_on_demand(database, "0.05", NOON, as_current=True)

        assert [r["captured_at"] for r in database.rows(tables.ondemand_price_snapshots)] == [
            NOON - HOUR,
            NOON,
        ]
        assert database.row(tables.ondemand_prices)["recorded_at"] == NOON - HOUR


class TestReports:
    @pytest.fixture(autouse=True)
    def two_agents(self, request: pytest.FixtureRequest) -> None:
        place = next(name for name in ("store", "database") if name in request.fixturenames)
        kept: Store = request.getfixturevalue(place)
        kept.put_two_clients_and_an_agent()
        kept.put(an_agent(id=OTHER, logical_agent_id=LogicalAgentId("web-2")))

    def put(self, store: Store, *reports: PricingReport) -> None:
        with store.work() as work:
            work.prices.add_reports(reports)
            work.commit()

    @pytest.mark.parametrize(
        "report",
        [
            a_pricing_report(),
            PricingReport(
                id=ReportId("r"), agent_id=AGENT, received_at=NOON, collected_at=COLLECTED
            ),
        ],
    )
    def test_a_report_comes_back_as_it_went_in(self, store: Store, report: PricingReport) -> None:
        self.put(store, report)

        with store.work() as work:
            assert work.prices.known_reports({(AGENT, COLLECTED)}) == {(AGENT, COLLECTED): [report]}

    def test_a_report_is_known_by_its_agent_and_time_together(self, store: Store) -> None:
        theirs = a_pricing_report(id=ReportId("2"), agent_id=OTHER, collected_at=NOON - HOUR)
        self.put(store, a_pricing_report(), theirs)

        with store.work() as work:
            known = work.prices.known_reports(
                {(AGENT, NOON - HOUR), (AGENT, COLLECTED), (OTHER, COLLECTED)}
            )
            assert work.prices.known_reports(set()) == {}

        assert known.get((AGENT, COLLECTED)) == [a_pricing_report()]
        assert not known.get((AGENT, NOON - HOUR))
        assert not known.get((OTHER, COLLECTED))

    def test_several_reports_may_be_of_one_second(self, store: Store) -> None:
        second = a_pricing_report(id=ReportId("report-2"), current_spot_price=Decimal("0.02"))
        self.put(store, a_pricing_report(), second)

        with store.work() as work:
            known = work.prices.known_reports([(AGENT, COLLECTED)])[AGENT, COLLECTED]

        assert sorted(report.id for report in known) == ["report-1", "report-2"]

    def test_without_commit_no_report_is_known(self, store: Store) -> None:
        with store.work() as work:
            work.prices.add_reports([a_pricing_report()])

        with store.work() as work:
            assert work.prices.known_reports([(AGENT, COLLECTED)]) == {}

    def test_a_report_without_a_time_is_kept_and_never_known(self, database: SqlStore) -> None:
        self.put(database, a_pricing_report(collected_at=None))

        assert database.row(tables.pricing_reports)["collected_at"] is None
        with database.work() as work:
            assert work.prices.known_reports([(AGENT, NOON)]) == {}
