from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from spot_optimizer.application.decisions.market import MarketPasts
from spot_optimizer.application.decisions.model_inputs import with_other_pools, with_past
from spot_optimizer.application.decisions.price_histories import PriceHistories
from spot_optimizer.application.decisions.questions import AskEngine, EngineFailed
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock, Stopwatch
from spot_optimizer.application.ports.decision_engine import DecisionEngine
from spot_optimizer.application.ports.repositories import SwitchActivity
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import command_occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.decisions.answers import AGENT_DISABLED, ENGINE_UNAVAILABLE, Advice
from spot_optimizer.domain.decisions.contract import DecisionInput, SwitchLimits
from spot_optimizer.domain.decisions.policy import WEEKLY_WINDOW
from spot_optimizer.domain.decisions.record import DecisionRecord, EngineAnswer, Flight
from spot_optimizer.domain.identifiers import AgentId, PoolId
from spot_optimizer.domain.placement.past import MarketPast
from spot_optimizer.domain.switching import mode_of


@dataclass(frozen=True, slots=True)
class Situation:
    """What an agent says of its instance and of prices when it asks what to do."""

    caller: Caller
    _: KW_ONLY
    agent_id: AgentId
    instance_id: str | None
    mode: str | None
    pool_id: str | None
    spot_price: Decimal | None
    on_demand_price: Decimal | None
    cheapest_pool_id: PoolId | None
    as_received: Mapping[str, object] = field(default_factory=dict)

    @property
    def candidate_pool_id(self) -> PoolId | None:
        """Where a switch to spot would lead."""
        current = PoolId(self.pool_id) if self.pool_id else None
        return self.cheapest_pool_id or current

    def stay(self, reason: str) -> Advice:
        return Advice.to_stay(self.mode, self.pool_id, reason)


@dataclass(frozen=True, slots=True)
class Advised:
    advice: Advice
    decision_id: int | None = None
    """Under which it is on record; None where nothing is, or where nobody tells."""


@dataclass(frozen=True, slots=True)
class Decide:
    """Agents ask whether to stay or to move; the advice is kept.

    Takes what arrives together; the answers stand in the order of the questions. An unknown or
    disabled agent is told to stay, and nothing is kept of it.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    stopwatch: Stopwatch
    ask: AskEngine
    price_freshness: timedelta
    histories: PriceHistories = field(default_factory=PriceHistories)
    markets: MarketPasts = field(default_factory=MarketPasts)

    @repeated_when_lost
    def __call__(self, situations: Sequence[Situation]) -> Sequence[Advised]:
        now = self.clock.now()
        with self.unit_of_work() as work:
            asked = {situation.agent_id for situation in situations}
            agents = work.agents.of(asked)
            limits = work.agents.limits_of(agents.keys())
            activity = work.switches.activity_of(agents.keys(), now - WEEKLY_WINDOW)
            engine = self.ask.engine
            markets = self._markets(work, engine, list(agents.values()), now)
            asking: list[tuple[int, Agent]] = []
            questions: list[DecisionInput] = []
            answers = [Advised(situation.stay(AGENT_DISABLED)) for situation in situations]
            for place, situation in enumerate(situations):
                agent = agents.get(situation.agent_id)
                if agent is None or _is_out_of_reach(agent, situation.caller):
                    continue
                recent = activity.get(agent.id, SwitchActivity())
                asking.append((place, agent))
                question = _question(agent, situation, limits[agent.id], recent, now)
                questions.append(replace(question, market=markets.get(agent.id)))
            records: list[DecisionRecord] = []
            informed = self._informed(work, engine, questions, now)
            for (place, agent), question in zip(asking, informed, strict=True):
                kept = self._judge(work, engine, agent, situations[place], question, now)
                records.append(kept)
            ids = work.decisions.add(records)
            for (place, _), kept, decision_id in zip(asking, records, ids, strict=True):
                answers[place] = Advised(kept.advice, decision_id)
            work.commit()
        return answers

    def _informed(
        self,
        work: UnitOfWork,
        engine: DecisionEngine | None,
        questions: Sequence[DecisionInput],
        now: datetime,
    ) -> Sequence[DecisionInput]:
        """Only models look further than what the agent says."""
        if engine is None or not engine.identity.models_used:
            return questions
        others = with_other_pools(work, questions, now, self.price_freshness)
        return with_past(work, others, now, self.histories)

    def _markets(
        self,
        work: UnitOfWork,
        engine: DecisionEngine | None,
        agents: Sequence[Agent],
        now: datetime,
    ) -> Mapping[AgentId, MarketPast]:
        if engine is None or not engine.identity.looks_at_markets:
            return {}
        return self.markets(work, agents, now)

    def _judge(
        self,
        work: UnitOfWork,
        engine: DecisionEngine | None,
        agent: Agent,
        situation: Situation,
        question: DecisionInput,
        now: datetime,
    ) -> DecisionRecord:
        advice, answer = situation.stay(ENGINE_UNAVAILABLE), None
        if engine is not None:
            started = self.stopwatch.seconds()
            try:
                decision = self.ask(engine, question)
            except EngineFailed as failure:
                told = command_occurrences.decision_failed(situation.instance_id, str(failure), now)
                record(work, told, situation.caller)
            else:
                flight = Flight(
                    question=question,
                    asked_at=now,
                    mode=situation.mode,
                    pool_id=situation.pool_id,
                    session_id=engine.identity.session_id,
                    hashes=engine.identity.hashes,
                    missing_spot_price_is_free=engine.identity.missing_spot_price_is_free,
                )
                advice = flight.advice_on(decision)
                answer = EngineAnswer(
                    engine=engine.identity.name,
                    version=engine.identity.version,
                    models_used=engine.identity.models_used,
                    said={**situation.as_received, "config": _told(agent, question)},
                    flight=flight,
                    decision=decision,
                    took_ms=round((self.stopwatch.seconds() - started) * 1000),
                )
        return DecisionRecord(
            client_id=agent.client_id,
            agent_id=agent.id,
            instance_id=situation.instance_id,
            advice=advice,
            current_mode=situation.mode,
            current_pool_id=situation.pool_id,
            current_price=situation.spot_price or Decimal(0),
            decided_at=now,
            model_version=engine.identity.version if engine is not None else None,
            answer=answer,
        )


def _is_out_of_reach(agent: Agent, caller: Caller) -> bool:
    foreign = caller.owner not in (None, agent.client_id)
    return foreign or agent.is_deleted or not agent.settings.enabled


def _question(
    agent: Agent,
    situation: Situation,
    limits: SwitchLimits,
    recent: SwitchActivity,
    now: datetime,
) -> DecisionInput:
    return DecisionInput(
        agent_id=agent.id,
        instance_type=agent.placement.instance_type,
        region=agent.placement.region,
        current_mode=mode_of(situation.mode),
        current_pool_id=PoolId(situation.pool_id) if situation.pool_id else None,
        spot_price=situation.spot_price,
        ondemand_price=situation.on_demand_price,
        candidate_pool_id=situation.candidate_pool_id,
        limits=limits,
        recent_switches_7d=recent.count,
        last_switch_at=recent.last_at,
        asked_at=now,
    )


def _told(agent: Agent, question: DecisionInput) -> Mapping[str, object]:
    """The settings that the decision was made under, for the engine's log."""
    limits = question.limits
    return {
        "enabled": agent.settings.enabled,
        "auto_switch_enabled": agent.settings.auto_switch_enabled,
        "min_savings_percent": limits.min_savings_percent,
        "risk_threshold": limits.risk_threshold,
        "max_switches_per_week": limits.max_switches_per_week,
        "min_pool_duration_hours": limits.min_pool_duration_hours,
        "recent_switches_count": question.recent_switches_7d,
        "last_switch_time": question.last_switch_at,
    }
