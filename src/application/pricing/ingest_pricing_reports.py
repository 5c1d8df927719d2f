from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.market_repositories import OnDemandTick
from spot_optimizer.application.ports.unit_of_work import (
    TransactionLost,
    UnitOfWork,
    UnitOfWorkFactory,
)
from spot_optimizer.application.pricing.price_intake import Offered, PriceIntake
from spot_optimizer.application.pricing.price_memory import PriceMemory, TakenIn, TypeInRegion
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import agent_occurrences
from spot_optimizer.domain.agents.vitals import Vitals
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound, DomainError
from spot_optimizer.domain.identifiers import AgentId, ReportId
from spot_optimizer.domain.pricing.report import PricingReport
from spot_optimizer.domain.pricing.submission import PriceSubmission, role_of_reporter


@dataclass(frozen=True, slots=True)
class ReceivedReport:
    agent_id: AgentId
    submission: PriceSubmission
    caller: Caller


@dataclass(frozen=True, slots=True)
class _Accepted:
    agent: Vitals
    submission: PriceSubmission
    report: PricingReport
    caller: Caller


@dataclass(frozen=True, slots=True)
class IngestPricingReports:
    """Agents report what spot and on-demand cost where they are.

    Takes what arrives together in one transaction; the answers stand in the order of the reports,
    None for one that was taken. The same report again changes nothing (ruling R8), and a price
    that is none never fails the others.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    compatibility: Compatibility
    memory: PriceMemory = field(default_factory=PriceMemory)

    @repeated_when_lost
    def __call__(self, received: Sequence[ReceivedReport]) -> Sequence[DomainError | None]:
        try:
            return self._ingest(received)
        except TransactionLost:
            # A pool that is remembered may have been deleted.
            self.memory.forget()
            raise

    def _ingest(self, received: Sequence[ReceivedReport]) -> Sequence[DomainError | None]:
        now = self.clock.now()
        with self.unit_of_work() as work:
            # A repeated report may arrive at the same moment, at another process too.
            work.agents.lock({one.agent_id for one in received if one.submission.collected_at})
            agents = work.agents.vitals_of({one.agent_id for one in received})
            answers: list[DomainError | None] = []
            accepted: list[_Accepted] = []
            for one in received:
                agent = agents.get(one.agent_id)
                if agent is None or not agent.belongs_to(one.caller.owner):
                    answers.append(AgentNotFound())
                    continue
                answers.append(None)
                submission = one.submission.completed(agent, self.compatibility)
                report = submission.report(ReportId(self.identifiers.new_id()), agent, now)
                accepted.append(_Accepted(agent, submission, report, one.caller))
            news = self._news(work, accepted)
            if news:
                self._learn_modes(work, news, now)
                self._price_instances(work, news, now)
                work.prices.add_reports([one.report for one in news])
                taken = self._take_in_offers(work, news, now)
                taken.on_demand = self._take_in_on_demand_prices(work, news, now)
                work.commit()
                if not self.compatibility.rows_change_beneath:
                    self.memory.keep(taken, now)
        return answers

    def _news(self, work: UnitOfWork, accepted: Sequence[_Accepted]) -> list[_Accepted]:
        """Those that were not sent before, in this transaction or an earlier one."""
        keys = {one.report.key for one in accepted if one.report.key is not None}
        known = {key: list(reports) for key, reports in work.prices.known_reports(keys).items()}
        news = []
        for one in accepted:
            key = one.report.key
            if key is not None:
                earlier = known.setdefault(key, [])
                if any(one.report.repeats(other, self.compatibility) for other in earlier):
                    continue
                earlier.append(one.report)
            news.append(one)
        return news

    def _learn_modes(self, work: UnitOfWork, news: Sequence[_Accepted], now: datetime) -> None:
        """The oldest agents say how their instance is paid for only here."""
        if self.compatibility.price_report_overwrites:
            return
        teaching = {one.agent.id: one for one in news if one.submission.teaches(one.agent)}
        if not teaching:
            return
        changed = []
        for agent in work.agents.lock(teaching.keys()).values():
            one = teaching[agent.id]
            learned = agent.learn_mode(one.submission.mode, one.submission.pool_id)
            if learned != agent and not agent.is_deleted:
                changed.append(learned)
                record(work, agent_occurrences.agent_heard(agent, learned, now), one.caller)
        work.agents.save_all(changed, now)

    def _price_instances(self, work: UnitOfWork, news: Sequence[_Accepted], now: datetime) -> None:
        ids = {one.submission.instance_id for one in news if one.submission.instance_id}
        known = work.instances.of(ids)
        instances, reported = dict(known), set()
        for one in news:
            instance_id = one.submission.instance_id
            instance = instances.get(instance_id) if instance_id else None
            if instance is None or instance.client_id != one.agent.client_id:
                continue
            spot, on_demand = one.submission.prices_of_the_instance(self.compatibility)
            instance = instance.price(spot, on_demand, self.compatibility)
            if not self.compatibility.price_report_overwrites and (
                instance.id == one.agent.primary_instance_id
            ):
                instance = instance.learn_mode(one.submission.mode, one.submission.pool_id)
            instances[instance.id] = instance
            reported.add(instance.id)
        changed = [instances[one] for one in reported if instances[one] != known[one]]
        work.instances.save_prices(changed, now)
        work.instances.seen(reported - {instance.id for instance in changed}, now)

    def _take_in_offers(
        self, work: UnitOfWork, news: Sequence[_Accepted], now: datetime
    ) -> TakenIn:
        others = {
            one.agent.id
            for one in news
            if one.submission.instance_id not in (None, one.agent.primary_instance_id)
        }
        standbys = work.standbys.of(others) if others else {}
        offered = [
            Offered(
                agent=one.agent,
                submission=one.submission,
                role=role_of_reporter(
                    one.submission.instance_id, one.agent, standbys.get(one.agent.id, ())
                ),
            )
            for one in news
            if one.submission.offers and one.submission.names_its_region
        ]
        return PriceIntake(work, self.memory, now).take(offered) if offered else TakenIn()

    def _take_in_on_demand_prices(
        self, work: UnitOfWork, news: Sequence[_Accepted], now: datetime
    ) -> Mapping[TypeInRegion, Decimal]:
        """Returns what counts from now on."""
        ticks = [
            OnDemandTick(said.instance_type, said.region, said.valid_on_demand_price)
            for said in (one.submission for one in news)
            if said.valid_on_demand_price is not None
            and said.instance_type
            and said.region
            and said.names_its_region
            and said.names_its_type
        ]
        if not ticks:
            return {}
        work.prices.add_on_demand(ticks, now)
        if self.compatibility.price_report_overwrites:
            return {}
        current = {(tick.instance_type, tick.region): tick for tick in ticks}
        seen = self.memory.on_demand_seen(now)
        changed = [tick for key, tick in current.items() if seen.get(key) != tick.price]
        work.prices.set_current_on_demand(changed, now)
        return {key: tick.price for key, tick in current.items()}
