import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spot_optimizer.application.decisions.market import MarketPasts
from spot_optimizer.application.decisions.model_inputs import with_past
from spot_optimizer.application.decisions.price_histories import PriceHistories
from spot_optimizer.application.decisions.questions import AskEngine, EngineFailed
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.decisions.answers import recommendation_without_engine
from spot_optimizer.domain.decisions.contract import Decision, DecisionInput
from spot_optimizer.domain.decisions.policy import WEEKLY_WINDOW
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.placement.past import MarketPast
from spot_optimizer.domain.pricing.pool_choice import PricedPool, alternatives
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.values import Mode

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recommendation:
    agent: Agent
    decision: Decision
    current_pool: SpotPool | None
    alternatives: Sequence[PricedPool]

    @property
    def will_auto_execute(self) -> bool:
        return self.agent.settings.auto_switch_enabled and not self.decision.decision_type.is_stay


@dataclass(frozen=True, slots=True)
class RecommendSwitch:
    """What an agent had better do by what the server knows; keeps nothing."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    ask: AskEngine
    price_freshness: timedelta
    compatibility: Compatibility
    histories: PriceHistories = field(default_factory=PriceHistories)
    markets: MarketPasts = field(default_factory=MarketPasts)

    @repeated_when_lost
    def __call__(self, agent_id: AgentId, caller: Caller) -> Recommendation:
        now = self.clock.now()
        with self.unit_of_work() as work:
            agent = work.agents.get(agent_id, caller.owner)
            instance = (
                work.instances.find(agent.primary_instance_id)
                if agent.primary_instance_id
                else None
            )
            if instance is None or instance.client_id != agent.client_id:
                raise AgentNotFound
            pool_id = agent.placement.pool_id
            others = alternatives(
                work.pools.list_priced(instance.instance_type, instance.region, now),
                pool_id,
                now,
                self.price_freshness,
                unknown_pool_hides_all=self.compatibility.unknown_pool_hides_alternatives,
            )
            question = self._question(work, agent, instance, others, now)
            if self.compatibility.registration_leaves_instances:
                pool_id = instance.pool_id
            current_pool = work.pools.find(pool_id) if pool_id else None
        return Recommendation(agent, self._decide(question), current_pool, others)

    def _question(
        self,
        work: UnitOfWork,
        agent: Agent,
        instance: Instance,
        others: Sequence[PricedPool],
        now: datetime,
    ) -> DecisionInput:
        spot_price, pool_id = instance.spot_price, agent.placement.pool_id
        unpriced = not spot_price and not self.compatibility.missing_spot_price_is_free
        if unpriced and agent.placement.mode is Mode.SPOT and pool_id:
            spot_price = work.prices.latest_spot_price(pool_id)
        recent = work.switches.activity_of([agent.id], now - WEEKLY_WINDOW).get(agent.id)
        question = DecisionInput(
            agent_id=agent.id,
            instance_type=instance.instance_type,
            region=instance.region,
            current_mode=agent.placement.mode,
            current_pool_id=pool_id,
            spot_price=spot_price,
            ondemand_price=instance.on_demand_price,
            alternative_pools=tuple(others),
            limits=work.agents.limits_of([agent.id])[agent.id],
            recent_switches_7d=recent.count if recent else 0,
            last_switch_at=recent.last_at if recent else None,
            asked_at=now,
            market=self._market(work, agent, now),
        )
        engine = self.ask.engine
        if engine is None or not engine.identity.models_used:
            return question
        (informed,) = with_past(work, [question], now, self.histories)
        return informed

    def _market(self, work: UnitOfWork, agent: Agent, now: datetime) -> MarketPast | None:
        engine = self.ask.engine
        if engine is None or not engine.identity.looks_at_markets:
            return None
        return self.markets(work, [agent], now).get(agent.id)

    def _decide(self, question: DecisionInput) -> Decision:
        engine = self.ask.engine
        if engine is None:
            return recommendation_without_engine(question)
        try:
            return self.ask(engine, question)
        except EngineFailed as failure:
            logger.error("%s failed: %s", engine.identity.name, failure)
            return recommendation_without_engine(question)
